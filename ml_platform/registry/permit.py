"""The permit of a promotion: all of its evidence is checked again at the moment of promotion.

Dagster's blocking checks hold back downstream assets in the same run only; an asset that is launched alone
runs. So promotion trusts no earlier run: files are hashed again, the gates decide again on the stored report,
and each asset check must be of the very materialisation that is promoted.
"""

from dataclasses import dataclass

from ml_platform.errors import PermitRefused
from ml_platform.evaluation.report import EvaluationReport
from ml_platform.gates.outcome import Decision, Verdict
from ml_platform.registry.records import ProductionState, VersionRecord
from ml_platform.registry.replay import same_decision
from ml_platform.spec.training_set import TrainingSetRecord


@dataclass(frozen=True)
class CheckEvidence:
    """One execution of a gate's asset check, and the materialisation that it checked."""

    name: str
    passed: bool
    target_materialization: str
    """Run id of the evaluation report that the check was about."""
    this_materialization: str
    """Run id of the latest evaluation report."""


@dataclass(frozen=True)
class Evidence:
    """Everything that a promotion rests on; a piece that is missing is ``None``."""

    record: VersionRecord
    report: EvaluationReport | None
    """The report that the ledger holds under ``record.report_id``."""
    report_sha256: str | None
    """Hash of the text of that report as the ledger holds it now."""
    training_set: TrainingSetRecord | None
    """The record that the ledger holds under ``record.training_set_fingerprint``."""
    artifact_sha256: str | None
    """Hash of the artifact's files as they are now."""
    rows_sha256: str | None
    """Hash of the training set's file as it is now."""
    policy_version: str
    """Version of the policy that the code has now."""
    recomputed: Decision | None
    """The decision that the gates reach now on the stored report."""
    checks: tuple[CheckEvidence, ...]
    required_checks: tuple[str, ...] = ()
    """Names of the checks that must have passed; by default the gates of the stored decision."""
    judged_against: ProductionState | None = None
    """The state of production that the evaluation compared with; ``None``: the same as now."""
    production: ProductionState | None = None
    """The state of production now."""


@dataclass(frozen=True)
class Permit:
    """The permission to promote one version with these very bytes; `grant` gives it, the ledger demands it."""

    model: str
    version: int
    report_id: str
    artifact_sha256: str
    training_set_fingerprint: str
    policy_version: str
    policy_name: str
    decision_row: str
    checks: tuple[str, ...]

    def as_evidence(self) -> dict[str, str]:
        """The evidence of the promotion event."""
        return {
            "report_id": self.report_id,
            "artifact_sha256": self.artifact_sha256,
            "training_set_fingerprint": self.training_set_fingerprint,
            "policy_version": self.policy_version,
            "policy_name": self.policy_name,
            "decision_row": self.decision_row,
            "checks": ", ".join(self.checks),
        }


def grant(evidence: Evidence) -> Permit:
    """The permit, where every piece of evidence is present, fresh and positive.

    Raises:
        PermitRefused: a piece is missing, stale or negative; every reason is given, not only the first.
    """
    reasons = reasons_against(evidence)
    record = evidence.record
    if reasons:
        raise PermitRefused(
            reasons,
            remedy=f"materialise {record.model}/training_set and what follows it again, "
            f"or see `ml-platform why {record.model} {record.version}`",
        )
    return Permit(
        model=record.model,
        version=record.version,
        report_id=record.report_id,
        artifact_sha256=record.artifact_sha256,
        training_set_fingerprint=record.training_set_fingerprint,
        policy_version=record.decision.policy_version,
        policy_name=evidence.report.policy_name if evidence.report else "",
        decision_row=record.decision.row,
        checks=tuple(check.name for check in evidence.checks),
    )


def reasons_against(evidence: Evidence) -> tuple[str, ...]:
    """Every reason why this evidence gives no permit; empty if it does."""
    return (
        *_against_report(evidence),
        *_against_bytes(evidence),
        *_against_decision(evidence),
        *_against_checks(evidence),
        *_against_champion(evidence),
    )


def _against_report(evidence: Evidence) -> list[str]:
    record, report = evidence.record, evidence.report
    if report is None:
        return [f"evaluation report {record.report_id[:12]} is not in the ledger"]
    reasons = []
    if evidence.report_sha256 != record.report_id:
        reasons.append(f"evaluation report {record.report_id[:12]} has been changed")
    if report.artifact_sha256 != record.artifact_sha256:
        reasons.append(
            f"the evaluation report is of artifact {report.artifact_sha256[:12]}, "
            f"not {record.artifact_sha256[:12]}"
        )
    if report.training_set_fingerprint != record.training_set_fingerprint:
        reasons.append(
            f"the evaluation report is of training set {report.training_set_fingerprint[:12]}, "
            f"not {record.training_set_fingerprint[:12]}"
        )
    return reasons


def _against_bytes(evidence: Evidence) -> list[str]:
    record, reasons = evidence.record, []
    if evidence.artifact_sha256 is None:
        reasons.append(f"artifact {record.artifact_path} is missing")
    elif evidence.artifact_sha256 != record.artifact_sha256:
        reasons.append(
            f"artifact {record.artifact_path} has changed: its SHA-256 is "
            f"{evidence.artifact_sha256[:12]}, registered was {record.artifact_sha256[:12]}"
        )
    training_set = evidence.training_set
    if training_set is None:
        reasons.append(f"training set {record.training_set_fingerprint[:12]} is not in the ledger")
    elif evidence.rows_sha256 is None:
        reasons.append(f"the data file of training set {training_set.fingerprint[:12]} is missing")
    elif evidence.rows_sha256 != training_set.rows_sha256:
        reasons.append(
            f"the data file of training set {training_set.fingerprint[:12]} has changed: its SHA-256 is "
            f"{evidence.rows_sha256[:12]}, recorded was {training_set.rows_sha256[:12]}"
        )
    return reasons


def _against_decision(evidence: Evidence) -> list[str]:
    decision, reasons = evidence.record.decision, []
    if evidence.policy_version != decision.policy_version:
        reasons.append(
            f"the gate policy is now {evidence.policy_version[:12]}, "
            f"decided was by {decision.policy_version[:12]}"
        )
    if evidence.recomputed is None:
        reasons.append("the decision could not be made again")
    elif not same_decision(evidence.recomputed, decision):
        reasons.append(
            f"decided again, the verdict is {evidence.recomputed.verdict} ({evidence.recomputed.row}), "
            f"stored is {decision.verdict} ({decision.row})"
        )
    failed = [gate.name for gate in decision.gates if gate.stops]
    if failed:
        reasons.append(f"gates did not pass: {', '.join(failed)}")
    if decision.verdict is not Verdict.PROMOTE:
        reasons.append(f"the verdict is {decision.verdict} ({decision.row}), not promote")
    return reasons


def _against_champion(evidence: Evidence) -> list[str]:
    """A candidate must have been compared with the champion that it would replace; a champion itself need not."""
    then, now = evidence.judged_against, evidence.production
    if then is None or now is None or now.version == evidence.record.version or then == now:
        return []
    return [f"evaluated against champion {_champion(then)}, now {_champion(now)}"]


def _champion(state: ProductionState) -> str:
    return f"{state.version or 'none'} (revision {state.revision})"


def _against_checks(evidence: Evidence) -> list[str]:
    reasons = []
    executed = {check.name: check for check in evidence.checks}
    required = evidence.required_checks or tuple(
        gate.name for gate in evidence.record.decision.gates
    )
    if not required:
        reasons.append("no check is required: the decision has no gates")
    missing = [name for name in required if name not in executed]
    if missing:
        reasons.append(f"checks have not been run: {', '.join(missing)}")
    for check in evidence.checks:
        if check.target_materialization != check.this_materialization:
            reasons.append(f"check {check.name} is stale: it was about another materialisation")
        elif not check.passed:
            reasons.append(f"check {check.name} did not pass")
    return reasons
