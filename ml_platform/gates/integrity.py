"""Integrity gates: is what would be promoted what was evaluated, and was it evaluated on clean, fresh data?

They block: a candidate whose bytes, data, schema or parity do not hold is no candidate.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ml_platform.evaluation.report import EvaluationReport
from ml_platform.evaluation.report_parts import Estimate
from ml_platform.features.leakage_report import LeakageLevel, LeakageReport
from ml_platform.gates.outcome import GateKind, GateResult, Outcome
from ml_platform.spec.gates import GatePolicy
from ml_platform.spec.training_set import TrainingSetRecord


@dataclass(frozen=True)
class IntegrityEvidence:
    """What was recorded at the evaluation, beside what the same things are now."""

    artifact_sha256_recorded: str
    """The hash of the artifact that the evaluation report is about."""
    artifact_sha256_found: str
    rows_sha256_recorded: str
    """The hash of the Parquet file of the training set, as its record has it."""
    rows_sha256_found: str
    artifact_features: tuple[str, ...]
    """The features that the artifact reads, in the order of its inputs."""
    training_set_features: tuple[str, ...]
    training_set_feature_versions: dict[str, str]
    current_feature_versions: dict[str, str]
    """The version of each feature as the code defines it now; features that the training set lacks do not
    matter."""
    leakage_level: LeakageLevel
    leakage_findings: tuple[str, ...]
    parity_gap: float
    newest_row_at: datetime
    as_of: datetime
    live: bool
    above_ceiling: dict[str, Estimate] = field(default_factory=dict)
    """How far the candidate is above the ceiling, with a 99.9 % interval; empty where none is known."""


def evidence_of(
    report: EvaluationReport,
    record: TrainingSetRecord,
    leakage: LeakageReport,
    *,
    artifact_sha256: str,
    rows_sha256: str,
    artifact_features: tuple[str, ...],
    current_feature_versions: Mapping[str, str],
) -> IntegrityEvidence:
    """The evidence: what reports and records say, and what was just computed again.

    ``artifact_sha256`` and ``rows_sha256`` are those of the files as they lie there now.
    """
    return IntegrityEvidence(
        artifact_sha256_recorded=report.artifact_sha256,
        artifact_sha256_found=artifact_sha256,
        rows_sha256_recorded=record.rows_sha256,
        rows_sha256_found=rows_sha256,
        artifact_features=artifact_features,
        training_set_features=record.features,
        training_set_feature_versions=dict(record.feature_versions),
        current_feature_versions=dict(current_feature_versions),
        leakage_level=leakage.level,
        leakage_findings=tuple(
            finding.explanation
            for finding in leakage.findings
            if finding.level is not LeakageLevel.SAFE
        ),
        parity_gap=report.parity_gap,
        newest_row_at=report.newest_row_at,
        as_of=report.as_of,
        live=report.live,
        above_ceiling=dict(report.above_ceiling),
    )


def integrity_gates(evidence: IntegrityEvidence, policy: GatePolicy) -> tuple[GateResult, ...]:
    """The results of the `INTEGRITY_GATES` of `ml_platform.gates.policy`, in that order; each is PASS or FAIL."""
    return (
        _hash_gate(
            "artifact_hash",
            "the artifact",
            evidence.artifact_sha256_recorded,
            evidence.artifact_sha256_found,
            "train the candidate again, or restore the artifact from a copy",
        ),
        _hash_gate(
            "data_hash",
            "the training set's file",
            evidence.rows_sha256_recorded,
            evidence.rows_sha256_found,
            "materialise the training set and what follows it again",
        ),
        _schema_gate(evidence),
        _leakage_gate(evidence),
        _ceiling_gate(evidence),
        _parity_gate(evidence, policy),
        _freshness_gate(evidence, policy),
    )


def _result(
    name: str,
    passed: bool,
    explanation: str,
    remedy: str,
    *,
    value: float | None = None,
    limit: float | None = None,
) -> GateResult:
    return GateResult(
        name=name,
        kind=GateKind.INTEGRITY,
        outcome=Outcome.PASS if passed else Outcome.FAIL,
        value=value,
        low=None,
        high=None,
        limit=limit,
        explanation=explanation,
        remedy="" if passed else remedy,
    )


def _hash_gate(name: str, what: str, recorded: str, current: str, remedy: str) -> GateResult:
    if recorded == current:
        return _result(name, True, f"{what} is the one recorded, {recorded[:12]}", remedy)
    explanation = f"{what} has SHA-256 {current[:12]}, recorded is {recorded[:12]}"
    return _result(name, False, explanation, remedy)


def _schema_gate(evidence: IntegrityEvidence) -> GateResult:
    remedy = "materialise features, training set and candidate again with the present definitions"
    if evidence.artifact_features != evidence.training_set_features:
        different = sorted(set(evidence.artifact_features) ^ set(evidence.training_set_features))
        difference = ", ".join(different) or "the order of the columns"
        explanation = f"artifact and training set differ in their features: {difference}"
        return _result("schema", False, explanation, remedy)
    changed = [
        f"{name} ({evidence.training_set_feature_versions.get(name)} when trained, "
        f"{evidence.current_feature_versions.get(name)} now)"
        for name in evidence.training_set_features
        if evidence.training_set_feature_versions.get(name)
        != evidence.current_feature_versions.get(name)
    ]
    if changed:
        explanation = "features whose definition has changed: " + ", ".join(changed)
        return _result("schema", False, explanation, remedy)
    count = len(evidence.training_set_features)
    return _result("schema", True, f"{count} features, as trained and as defined now", remedy)


def _leakage_gate(evidence: IntegrityEvidence) -> GateResult:
    findings = "; ".join(evidence.leakage_findings) or "no finding"
    return _result(
        "leakage",
        evidence.leakage_level is not LeakageLevel.DANGEROUS,
        f"{evidence.leakage_level.value}: {findings}",
        "remove the column or correct the split that the finding names, then train again",
    )


def _ceiling_gate(evidence: IntegrityEvidence) -> GateResult:
    """Nobody is better than what is best: a candidate shown above the ceiling knows what its rows do not tell."""
    if not evidence.above_ceiling:
        return _result("ceiling", True, "no ceiling is known: there is none to be above", "")
    metric, distance = max(evidence.above_ceiling.items(), key=lambda item: item[1].low)
    return _result(
        "ceiling",
        distance.low <= 0,
        f"{metric}, candidate minus the best possible, is {distance.value:.4f} "
        f"[{distance.low:.4f}, {distance.high:.4f}] at 99.9 %; the lower bound may not be above 0",
        "look for what tells the label among the features: nothing honest predicts better than the Bayes rule",
        value=distance.value,
        limit=0.0,
    )


def _parity_gate(evidence: IntegrityEvidence, policy: GatePolicy) -> GateResult:
    return _result(
        "parity",
        evidence.parity_gap <= policy.parity_tolerance,
        f"artifact and estimator differ by at most {evidence.parity_gap:.2g} in any probability, "
        f"allowed is {policy.parity_tolerance:.2g}",
        "export again; a scaler before trees, or isotonic calibration, is what moves values",
        value=evidence.parity_gap,
        limit=policy.parity_tolerance,
    )


def _freshness_gate(evidence: IntegrityEvidence, policy: GatePolicy) -> GateResult:
    """Value and limit in days."""
    limit = policy.maximum_data_age.total_seconds() / 86_400
    age = (evidence.as_of - evidence.newest_row_at).total_seconds() / 86_400
    if not evidence.live:
        explanation = f"an archive, whose newest row is {age:.1f} days old: age has no limit"
        return _result("stale_data", True, explanation, "", value=age)
    return _result(
        "stale_data",
        age <= limit,
        f"the newest row is {age:.1f} days old, allowed are {limit:g}",
        "ingest newer events and train again",
        value=age,
        limit=limit,
    )
