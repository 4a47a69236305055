from dataclasses import replace
from datetime import datetime

import pytest

from ml_platform.errors import IntegrityError
from ml_platform.registry.validate import missing, validate
from ml_platform_tests.registry.examples import DECISION, RECORD, REPORT

PIECES = {
    "artifact hash": {"artifact_sha256": "abc"},
    "data version": {"training_set_fingerprint": ""},
    "evaluation report (metrics)": {"report_id": ""},
    "artifact path": {"artifact_path": " "},
    "framework": {"framework": ""},
    "experiment": {"experiment": ""},
    "experiment run": {"mlflow_run_id": ""},
    "code version": {"code_version": ""},
    "gate policy": {"policy": ""},
    "integrity evidence": {"integrity": ""},
    "input schema": {"input_schema": {}},
    "feature names and versions": {"feature_versions": {}},
    "parameters": {"parameters": {}},
    "dependencies": {"dependencies": {}},
    "gates of the decision": {"decision": replace(DECISION, gates=())},
    "policy version": {"decision": replace(DECISION, policy_version="")},
    "output schema": {"classes": ()},
    "size": {"size_bytes": 0},
    "time of registration": {"registered_at": datetime(2026, 5, 1)},
    "features without a version: weak": {"feature_versions": {"strong": "v1"}},
    "features of no known kind": {"input_schema": {"strong": "category", "weak": "colour"}},
}


def test_a_whole_record_is_silent():
    validate(RECORD, REPORT)
    assert missing(RECORD) == ()


@pytest.mark.parametrize("piece", PIECES)
def test_each_missing_piece_refuses_with_its_name(piece):
    record = replace(RECORD, **PIECES[piece])
    (fault,) = missing(record)
    assert fault.startswith(piece)
    with pytest.raises(IntegrityError, match="example cannot be registered: "):
        validate(record)


@pytest.mark.parametrize("field", ["artifact_sha256", "training_set_fingerprint", "report_id"])
@pytest.mark.parametrize("value", ["a" * 63, "a" * 65, "A" * 64, "a" * 64 + "\n", "g" * 64])
def test_a_hash_is_64_hexadecimal_digits_and_nothing_more(field, value):
    (fault,) = missing(replace(RECORD, **{field: value}))
    assert fault.endswith(f"is missing or no SHA-256 ('{value}')")


def test_features_are_numbers_categories_or_tokens():
    for kind in ("number", "category", "tokens"):
        assert missing(replace(RECORD, input_schema={"strong": kind, "weak": kind})) == ()


@pytest.mark.parametrize(
    ("report", "fault"),
    [
        (replace(REPORT, artifact_sha256="b" * 64), "the evaluation report is of another artifact"),
        (
            replace(REPORT, training_set_fingerprint="b" * 64),
            "the evaluation report is of another training set",
        ),
        (
            replace(REPORT, candidate=replace(REPORT.candidate, metrics={})),
            "metrics are missing from the evaluation report",
        ),
    ],
)
def test_a_report_that_does_not_belong_refuses(report, fault):
    with pytest.raises(IntegrityError, match=fault):
        validate(RECORD, report)
