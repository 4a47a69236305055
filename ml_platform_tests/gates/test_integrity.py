"""The evidence of the integrity gates is what reports and records say; the gates compare all of it."""

from dataclasses import fields, replace
from datetime import timedelta

import pytest

from ml_platform.evaluation.report_parts import Estimate
from ml_platform.features.leakage_report import LeakageFinding, LeakageLevel, LeakageReport
from ml_platform.gates.integrity import evidence_of, integrity_gates
from ml_platform.gates.outcome import Outcome
from ml_platform_tests.evaluation.examples import AS_OF
from ml_platform_tests.gates.spoilt_reports import POLICY, good_evidence, good_report
from ml_platform_tests.registry.examples import TRAINING_SET


def finding(level: LeakageLevel) -> LeakageFinding:
    return LeakageFinding("a check", "a column", level, 1.0, 0.5, f"it is {level.value}")


ABOVE = Estimate(0.02, 0.01, 0.03)
LEAKAGE = LeakageReport(
    LeakageLevel.DANGEROUS,
    (
        finding(LeakageLevel.SAFE),
        finding(LeakageLevel.WARNING),
        finding(LeakageLevel.DANGEROUS),
    ),
    9_000,
    5_000,
)


def gate(name, **changes):
    gates = integrity_gates(replace(good_evidence(), **changes), POLICY)
    return next(gate for gate in gates if gate.name == name)


def test_the_evidence_is_what_was_recorded_beside_what_there_is_now():
    report = replace(good_report(), live=False, parity_gap=3e-7, above_ceiling={"accuracy": ABOVE})
    record = replace(TRAINING_SET, feature_versions={"strong": "s1", "weak": "w1"})
    evidence = evidence_of(
        report,
        record,
        LEAKAGE,
        artifact_sha256="1" * 64,
        rows_sha256="2" * 64,
        artifact_features=("weak", "strong"),
        current_feature_versions={"strong": "s2", "other": "o1"},
    )
    stated = {entry.name: getattr(evidence, entry.name) for entry in fields(evidence)}
    assert stated == {
        "artifact_sha256_recorded": "a" * 64,
        "artifact_sha256_found": "1" * 64,
        "rows_sha256_recorded": "d" * 64,
        "rows_sha256_found": "2" * 64,
        "artifact_features": ("weak", "strong"),
        "training_set_features": ("strong", "weak"),
        "training_set_feature_versions": {"strong": "s1", "weak": "w1"},
        "current_feature_versions": {"strong": "s2", "other": "o1"},
        "leakage_level": LeakageLevel.DANGEROUS,
        "leakage_findings": ("it is warning", "it is dangerous"),
        "parity_gap": 3e-7,
        "newest_row_at": AS_OF - timedelta(hours=1),
        "as_of": AS_OF,
        "live": False,
        "above_ceiling": {"accuracy": ABOVE},
    }


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("artifact_hash", {"artifact_sha256_found": "a" * 12 + "b" * 52}),
        ("artifact_hash", {"artifact_sha256_recorded": "a" * 63 + "b"}),
        ("data_hash", {"rows_sha256_found": "d" * 12 + "b" * 52}),
        ("data_hash", {"rows_sha256_recorded": "d" * 63 + "b"}),
    ],
)
def test_hashes_that_begin_alike_are_not_the_same(name, changes):
    assert gate(name, **changes).outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("level", "outcome"),
    [
        (LeakageLevel.SAFE, Outcome.PASS),
        (LeakageLevel.WARNING, Outcome.PASS),
        (LeakageLevel.DANGEROUS, Outcome.FAIL),
    ],
)
def test_only_a_dangerous_leak_stops(level, outcome):
    assert gate("leakage", leakage_level=level).outcome is outcome


@pytest.mark.parametrize(
    ("above", "outcome", "value"),
    [
        ({}, Outcome.PASS, None),
        ({"accuracy": Estimate(-0.02, -0.03, 0.01)}, Outcome.PASS, -0.02),
        ({"accuracy": Estimate(0.01, 0.0, 0.02)}, Outcome.PASS, 0.01),
        ({"accuracy": ABOVE}, Outcome.FAIL, 0.02),
        ({"accuracy": Estimate(0.05, -0.01, 0.09), "f1": ABOVE}, Outcome.FAIL, 0.02),
        ({"f1": ABOVE, "accuracy": Estimate(0.05, -0.01, 0.09)}, Outcome.FAIL, 0.02),
    ],
)
def test_whoever_is_shown_above_what_is_possible_is_stopped(above, outcome, value):
    shown = gate("ceiling", above_ceiling=above)
    assert (shown.outcome, shown.value) == (outcome, value)


def test_parity_has_its_value_and_its_limit():
    shown = gate("parity", parity_gap=0.5)
    assert (shown.outcome, shown.value, shown.limit) == (Outcome.FAIL, 0.5, POLICY.parity_tolerance)


def test_age_is_in_days():
    """The policy allows two days; three days and six hours are 3.25."""
    shown = gate("stale_data", newest_row_at=AS_OF - timedelta(days=3, hours=6))
    assert (shown.outcome, shown.value, shown.limit) == (Outcome.FAIL, 3.25, 2.0)
    fresh = gate("stale_data", newest_row_at=AS_OF - timedelta(days=1))
    assert (fresh.outcome, fresh.value, fresh.remedy) == (Outcome.PASS, 1.0, "")
    archive = gate("stale_data", newest_row_at=AS_OF - timedelta(days=30), live=False)
    assert (archive.outcome, archive.value, archive.limit) == (Outcome.PASS, 30.0, None)
    second = timedelta(seconds=1)
    assert gate("stale_data", newest_row_at=AS_OF - timedelta(days=2) - second).outcome is (
        Outcome.FAIL
    )
