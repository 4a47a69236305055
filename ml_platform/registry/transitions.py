"""The events that each change of the registry adds to the chain: pure, so that every ledger adds the same."""

from dataclasses import replace
from datetime import datetime

from ml_platform.errors import PermitRefused
from ml_platform.gates.outcome import Decision, Verdict
from ml_platform.registry.chain import EventDraft
from ml_platform.registry.permit import Permit
from ml_platform.registry.records import Action, PromotionEvent, VersionRecord
from ml_platform.registry.rollout.policy import DIRECT

REGISTRAR = "registry"


def evaluated_again(known: VersionRecord, record: VersionRecord) -> VersionRecord:
    """A known version after it was evaluated again: ``known`` itself where the outcomes are the same.

    The figures of two evaluations differ a little (latency); only another policy, verdict or outcome of a gate
    is another evaluation, so that a run that was killed and started again adds nothing.

    Args:
        known: The version with its newest evaluation.
        record: The same version (artifact and training set) as it was evaluated now.
    """
    if _outcomes(known.decision) == _outcomes(record.decision):
        return known
    return replace(
        record,
        version=known.version,
        evaluation=known.evaluation + 1,
        mlflow_version=known.mlflow_version,
    )


def _outcomes(decision: Decision) -> tuple[object, ...]:
    gates = tuple((gate.name, gate.outcome) for gate in decision.gates)
    return decision.verdict, decision.row, decision.policy_version, gates


def registration(record: VersionRecord) -> EventDraft:
    """The event of a registration or of a later evaluation, whatever the verdict."""
    evidence = {
        "artifact_sha256": record.artifact_sha256,
        "training_set_fingerprint": record.training_set_fingerprint,
        "report_id": record.report_id,
        "policy_version": record.decision.policy_version,
        "decision_row": record.decision.row,
    }
    if record.evaluation > 1:
        evidence["evaluation"] = str(record.evaluation)
    return EventDraft(
        record.model,
        record.version,
        Action.REGISTERED if record.evaluation == 1 else Action.EVALUATED,
        record.decision.verdict,
        record.registered_at,
        REGISTRAR,
        evidence,
    )


def promotion(
    new: VersionRecord, old: VersionRecord | None, permit: Permit, at: datetime, actor: str
) -> tuple[EventDraft, ...]:
    """The events of a promotion without a rollout: the old champion is archived, the new one promoted.

    Raises:
        PermitRefused: the permit is of another version or other bytes, or the verdict is not PROMOTE.
    """
    reasons = mismatches(new, permit)
    if reasons:
        raise PermitRefused(reasons, remedy="ask for a permit of this very version")
    archived: tuple[EventDraft, ...] = ()
    if old is not None:
        archived = (
            EventDraft(
                old.model,
                old.version,
                Action.ARCHIVED,
                old.decision.verdict,
                at,
                actor,
                {"replaced_by": str(new.version)},
            ),
        )
    promoted = EventDraft(
        new.model,
        new.version,
        Action.PROMOTED,
        new.decision.verdict,
        at,
        actor,
        {
            **permit.as_evidence(),
            "replaced": str(old.version) if old else "",
            "rollout": DIRECT.name,
        },
    )
    return (*archived, promoted)


def refusal(
    record: VersionRecord, reasons: tuple[str, ...], at: datetime, actor: str
) -> EventDraft:
    """The event of a promotion that was asked for and refused."""
    return EventDraft(
        record.model,
        record.version,
        Action.REFUSED,
        record.decision.verdict,
        at,
        actor,
        {f"reason_{number:02d}": reason for number, reason in enumerate(reasons, start=1)},
    )


def same_refusal(event: PromotionEvent, draft: EventDraft) -> bool:
    """Whether ``event`` already records this refusal (the same step was run again at the same clock)."""
    return (event.action, event.model, event.version, event.at, event.evidence) == (
        Action.REFUSED,
        draft.model,
        draft.version,
        draft.at,
        draft.evidence,
    )


def mismatches(record: VersionRecord, permit: Permit) -> tuple[str, ...]:
    """Every point in which a permit is not of this very version; empty if it is."""
    pairs = {
        "model": (permit.model, record.model),
        "version": (permit.version, record.version),
        "report": (permit.report_id, record.report_id),
        "artifact": (permit.artifact_sha256, record.artifact_sha256),
        "training set": (permit.training_set_fingerprint, record.training_set_fingerprint),
        "policy": (permit.policy_version, record.decision.policy_version),
    }
    reasons = [
        f"the permit is of {name} {str(permitted)[:12]}, the version has {str(registered)[:12]}"
        for name, (permitted, registered) in pairs.items()
        if permitted != registered
    ]
    if record.decision.verdict is not Verdict.PROMOTE:
        reasons.append(f"the verdict is {record.decision.verdict}, not promote")
    return tuple(reasons)
