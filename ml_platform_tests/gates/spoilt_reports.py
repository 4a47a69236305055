"""For each gate a report or evidence made to fail exactly that gate; a policy's gates all have one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from ml_platform.evaluation.report import EvaluationReport, Subject
from ml_platform.evaluation.report_parts import Estimate
from ml_platform.features.leakage_report import LeakageLevel
from ml_platform.gates.integrity import IntegrityEvidence
from ml_platform.gates.policy import policy_version
from ml_platform.spec.gates import Bound, GatePolicy, QualityGate
from ml_platform.spec.training_set import Split
from ml_platform_tests.evaluation.examples import AS_OF, CLASSES, CUT

POLICY = GatePolicy(
    quality=(
        QualityGate("accuracy", "accuracy", Bound.LIMIT, 0.85, "below it people correct too much"),
        QualityGate("over_rules", "accuracy", Bound.BASELINE, 0.0, "else the rules are cheaper"),
        QualityGate("over_champion", "accuracy", Bound.CHAMPION, -0.01, "no step back"),
        QualityGate(
            "over_challenged", "accuracy", Bound.CHALLENGED, 0.0, "else the simpler one stays"
        ),
        QualityGate(
            "calibration",
            "expected_calibration_error",
            Bound.AT_MOST,
            0.05,
            "confidences are shown to people",
        ),
    )
)


def subject(name: str, **metrics: tuple[float, float, float]) -> Subject:
    return Subject(name, "1", {metric: Estimate(*bounds) for metric, bounds in metrics.items()})


def good_report(policy: GatePolicy = POLICY) -> EvaluationReport:
    """A report that passes every gate of a policy on accuracy and calibration."""
    return EvaluationReport(
        model="example",
        source="made",
        simulated=True,
        as_of=AS_OF,
        artifact_sha256="a" * 64,
        training_set_fingerprint="f" * 64,
        policy_version=policy_version(policy),
        seed=7,
        rows=5_000,
        clusters=900,
        change_sets=3_000,
        split=Split(CUT, CUT, timedelta(0), 9_000, 0, 5_000, 1_800, 900),
        classes=CLASSES,
        candidate=subject(
            "candidate",
            accuracy=(0.90, 0.89, 0.91),
            expected_calibration_error=(0.02, 0.01, 0.03),
        ),
        baseline=subject("baseline", accuracy=(0.70, 0.68, 0.72)),
        dummy=subject("dummy", accuracy=(0.40, 0.38, 0.42)),
        ceiling=None,
        champion=subject("champion", accuracy=(0.895, 0.885, 0.905)),
        difference_to_baseline={"accuracy": Estimate(0.20, 0.18, 0.22)},
        difference_to_dummy={"accuracy": Estimate(0.50, 0.48, 0.52)},
        difference_to_champion={"accuracy": Estimate(0.005, -0.002, 0.012)},
        folds=(),
        per_class=(),
        confusion=(),
        reliability=(),
        parity_gap=2e-7,
        newest_row_at=AS_OF - timedelta(hours=1),
        live=True,
        challenged=subject("challenged", accuracy=(0.88, 0.87, 0.89)),
        difference_to_challenged={"accuracy": Estimate(0.02, 0.01, 0.03)},
    )


def good_evidence() -> IntegrityEvidence:
    return IntegrityEvidence(
        artifact_sha256_recorded="a" * 64,
        artifact_sha256_found="a" * 64,
        rows_sha256_recorded="d" * 64,
        rows_sha256_found="d" * 64,
        artifact_features=("strong", "weak"),
        training_set_features=("strong", "weak"),
        training_set_feature_versions={"strong": "s1", "weak": "w1"},
        current_feature_versions={"strong": "s1", "weak": "w1", "unused": "u1"},
        leakage_level=LeakageLevel.SAFE,
        leakage_findings=(),
        parity_gap=2e-7,
        newest_row_at=AS_OF - timedelta(hours=1),
        as_of=AS_OF,
        live=True,
    )


Case = tuple[EvaluationReport, IntegrityEvidence]


def _evidence(**changes: object) -> Callable[[Case], Case]:
    return lambda case: (case[0], replace(case[1], **changes))


def _report(**changes: object) -> Callable[[Case], Case]:
    return lambda case: (replace(case[0], **changes), case[1])


def _candidate(metric: str, *interval: float) -> Callable[[Case], Case]:
    def spoil(case: Case) -> Case:
        report, evidence = case
        metrics = report.candidate.metrics | {metric: Estimate(*interval)}
        return replace(report, candidate=replace(report.candidate, metrics=metrics)), evidence

    return spoil


SPOILT: dict[str, Callable[[Case], Case]] = {
    "artifact_hash": _evidence(artifact_sha256_found="b" * 64),
    "data_hash": _evidence(rows_sha256_found="e" * 64),
    "schema": _evidence(current_feature_versions={"strong": "s2", "weak": "w1"}),
    "leakage": _evidence(
        leakage_level=LeakageLevel.DANGEROUS, leakage_findings=("next_label tells the next label",)
    ),
    "ceiling": _evidence(
        above_ceiling={
            "accuracy": Estimate(0.01, -0.01, 0.03),
            "roc_auc": Estimate(0.02, 0.001, 0.04),
        }
    ),
    "parity": _evidence(parity_gap=0.12),
    "stale_data": _evidence(newest_row_at=AS_OF - timedelta(days=3)),
    "sample_size": _report(clusters=40),
    "accuracy": _candidate("accuracy", 0.82, 0.80, 0.84),
    "over_rules": _report(difference_to_baseline={"accuracy": Estimate(-0.01, -0.02, -0.001)}),
    "over_champion": _report(difference_to_champion={"accuracy": Estimate(-0.02, -0.03, -0.01)}),
    "over_challenged": _report(
        difference_to_challenged={"accuracy": Estimate(-0.02, -0.03, -0.01)}
    ),
    "calibration": _candidate("expected_calibration_error", 0.06, 0.055, 0.065),
}
"""By the name of the gate that must fail (or be INSUFFICIENT), and no other."""
