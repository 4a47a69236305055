"""Why a version was or was not promoted: its decision, and the promotions that were refused."""

from dataclasses import dataclass
from datetime import datetime

from ml_platform.application.connections import Connections
from ml_platform.application.find_version import find_version
from ml_platform.gates.decide import what_would_change
from ml_platform.gates.outcome import Decision
from ml_platform.registry.records import Action, PromotionEvent, VersionRecord


@dataclass(frozen=True)
class EarlierEvaluation:
    """One earlier evaluation of a version, for a list."""

    evaluation: int
    at: datetime
    verdict: str
    decided_by: str
    policy_version: str
    report_id: str


@dataclass(frozen=True)
class DecisionExplanation:
    """The newest decision about a version, the earlier ones, and every promotion of it that was refused."""

    model: str
    version: int
    decision: Decision
    refusals: tuple[PromotionEvent, ...]
    evaluation: int = 1
    """The number of the evaluation that the decision is of."""
    earlier: tuple[EarlierEvaluation, ...] = ()
    """The evaluations before it, the newest first."""

    @property
    def text(self) -> str:
        """Lines for people: the row that decided, each gate that did not pass, what would change it."""
        return what_would_change(self.decision)


def explain_decision(platform: Connections, model: str, version: int | None) -> DecisionExplanation:
    """Explain the decision about a version, by default the newest.

    Raises:
        UsageError: no such model or version is registered.
    """
    record = find_version(platform, model, version)
    refusals = tuple(
        event
        for event in platform.ledger.events(model)
        if event.version == record.version and event.action is Action.REFUSED
    )
    return DecisionExplanation(
        model,
        record.version,
        record.decision,
        refusals,
        evaluation=record.evaluation,
        earlier=earlier_evaluations(platform, record),
    )


def earlier_evaluations(
    platform: Connections, record: VersionRecord
) -> tuple[EarlierEvaluation, ...]:
    """The evaluations of a version before its newest, the newest of them first."""
    *earlier, _ = platform.ledger.evaluations(record.model, record.version)
    return tuple(
        EarlierEvaluation(
            evaluation=before.evaluation,
            at=before.registered_at,
            verdict=before.decision.verdict.value.upper(),
            decided_by=before.decision.row,
            policy_version=before.decision.policy_version,
            report_id=before.report_id,
        )
        for before in reversed(earlier)
    )
