"""Rules answer under the hash of their bytes, from their registration on, and with their baseline."""

from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pyarrow as pa
import pytest

from ml_platform import values
from ml_platform.adapters.artifact_files import write_artifact
from ml_platform.adapters.training_set_files import rows_path
from ml_platform.application.monitor import reference_rows
from ml_platform.application.predict import in_production
from ml_platform.application.register import save_baselines
from ml_platform.errors import InsufficientData
from ml_platform.models.rules import fit_rules
from ml_platform.monitoring.baseline import Baseline
from ml_platform.training_sets.build import wanted_columns
from ml_platform_tests.application.homes import SPEC, home, publish
from ml_platform_tests.gates.spoilt_reports import good_report
from ml_platform_tests.models.pattern_rows import START, training_set
from ml_platform_tests.registry.examples import another


def kept(platform, rows, fingerprint):
    """The record of a training set whose rows lie on disk."""
    data = replace(rows.record, model=SPEC.name, fingerprint=fingerprint)
    path = rows_path(platform.settings.training_sets, data)
    path.parent.mkdir(parents=True)
    pd.concat([rows.train, rows.test]).to_parquet(path)
    data = replace(data, rows_sha256=values.file_sha256(path))
    platform.ledger.save_training_set(data)
    return data


def as_published(rows):
    """The rows as a feature table has them, its other columns empty."""
    table = pa.Table.from_pandas(rows.reset_index(drop=True), preserve_index=False)
    table = table.append_column("is_bot", pa.array([False] * len(rows)))
    for name in wanted_columns(SPEC):
        if name not in table.column_names:
            table = table.append_column(name, pa.array([None] * len(rows), pa.float64()))
    return table


@pytest.fixture
def registered(tmp_path):
    """A home with a training set on disk, two rule artifacts, and a version made of the first."""
    platform = home(tmp_path)
    rows = training_set(60)
    data = kept(platform, rows, "0" * 64)
    publish(platform, SPEC.table.name, as_published(pd.concat([rows.train, rows.test])))
    artifacts = [fit_rules(rows), fit_rules(rows, keys=())]
    for artifact in artifacts:
        write_artifact(artifact, platform.settings.artifacts / artifact.sha256)
    record = replace(
        another("a", model=SPEC.name),
        artifact_sha256=artifacts[0].sha256,
        artifact_path=f"artifacts/{artifacts[0].sha256}",
        report_id=platform.ledger.save_report(good_report()),
        training_set_fingerprint=data.fingerprint,
    )
    return platform, data, platform.ledger.register(record), artifacts


def test_rules_answer_from_their_registration_on_with_a_baseline_under_their_hash(registered):
    platform, data, record, (first, second) = registered
    with pytest.raises(InsufficientData, match="no champion and no rules"):
        in_production(platform, "example")
    spec = replace(SPEC, features=("tool",))
    seen = []
    for rules in (first, second):
        save_baselines(platform, spec, data, record, rules.sha256)
        version, scorer = in_production(platform, "example")
        assert version == f"rules@{rules.sha256[:12]}"
        assert scorer.classes == data.classes
        assert platform.ledger.baseline("example", version) is not None
        seen.append(version)
    assert len(set(seen)) == 2, "predictions of different rules are told apart"
    assert platform.ledger.baseline("example", "1") is not None


@pytest.mark.parametrize(
    ("as_of", "end"),
    [
        (timedelta(days=400), timedelta(hours=6 * 59, minutes=4)),
        (timedelta(days=20, hours=2), timedelta(days=13)),
        (timedelta(days=16), timedelta(days=12)),
    ],
    ids=["the last row", "the newest window begins", "the training part ends"],
)
def test_the_baseline_has_all_rows_until_the_newest_window_with_a_label_or_without(
    registered, as_of, end
):
    platform, data, record, (rules, _) = registered
    spec, rows = replace(SPEC, features=("tool",)), training_set(60)
    labelled = replace(rows, train=rows.train[::2], test=rows.test)
    data = replace(kept(platform, labelled, "1" * 64), as_of=START + as_of)
    save_baselines(platform, spec, data, record, rules.sha256)
    baseline = values.from_json(Baseline, platform.ledger.baseline("example", "1"))
    assert baseline.reference_end == START + end
    times = pd.concat([rows.train, rows.test])["occurred_at"]
    within = (times >= baseline.reference_start) & (times < baseline.reference_end)
    assert baseline.rows == within.sum() > 100


def test_what_a_report_is_drawn_beside_is_what_its_version_learned_from(registered):
    platform, _, record, _ = registered
    newer = kept(platform, training_set(30), "1" * 64)
    platform.ledger.register(replace(record, training_set_fingerprint=newer.fingerprint))
    sizes = [len(reference_rows(platform, SPEC, version)) for version in ("1", "2", "rules@0")]
    assert sizes == [60 * 4, 30 * 4, 30 * 4]
