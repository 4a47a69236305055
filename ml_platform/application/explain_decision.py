"""Why a version was or was not promoted: its decision, and the promotions that were refused."""

from dataclasses import dataclass, replace
from datetime import datetime

from ml_platform.application.connections import Connections
from ml_platform.application.find_version import find_version
from ml_platform.application.stopped_candidate import stopped_candidate
from ml_platform.evaluation.report import EvaluationReport
from ml_platform.gates.alternatives import Alternative, alternatives
from ml_platform.gates.decide import what_would_change
from ml_platform.gates.integrity import IntegrityEvidence
from ml_platform.gates.outcome import Decision
from ml_platform.gates.presets import PRESETS
from ml_platform.gates.record import EvaluationRecord
from ml_platform.registry.answering import answering
from ml_platform.registry.records import Action, PromotionEvent, VersionRecord
from ml_platform.reporting.answering import answerer, since_words, why_words
from ml_platform.spec.gates import GatePolicy
from ml_platform.values import from_json


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
    version: int | None
    """``None``: an integrity gate has stopped the candidate, and it has no version."""
    decision: Decision
    refusals: tuple[PromotionEvent, ...] = ()
    evaluation: int = 1
    """The number of the evaluation that the decision is of."""
    earlier: tuple[EarlierEvaluation, ...] = ()
    """The evaluations before it, the newest first."""
    policy: str = ""
    """The name of the policy that decided: a preset, and whether something was changed in it."""
    policy_note: str = ""
    """The verdict that this policy was set after; empty where it was set before any."""
    answers: str = ""
    """What answers for the model now, since when, by whom and why: a decision is one thing, production another."""
    alternatives: tuple[Alternative, ...] = ()
    """Which presets and limits would have given another verdict, and at what risk."""

    @property
    def text(self) -> str:
        """Lines for people: the row that decided, each gate that did not pass, what would change it."""
        lines = [what_would_change(self.decision), f"  policy: {self.policy}"]
        if self.policy_note:
            lines.append(f"    {self.policy_note}")
        for other in self.alternatives:
            lines.append(f"  with {other.change}: {other.verdict.value.upper()} ({other.row})")
            lines.append(f"    at the risk: {other.risk}")
        return "\n".join(lines)


def explain_decision(platform: Connections, model: str, version: int | None) -> DecisionExplanation:
    """Explain the decision about a version, by default the newest; the last candidate's if it was stopped.

    Raises:
        UsageError: no such model or version is registered.
    """
    stopped = stopped_candidate(platform, model) if version is None else None
    if stopped:
        return _explained(platform, stopped, None)
    record = find_version(platform, model, version)
    refusals = tuple(
        event
        for event in platform.ledger.events(model)
        if event.version == record.version and event.action is Action.REFUSED
    )
    return replace(
        _explained(platform, record, record.version),
        refusals=refusals,
        evaluation=record.evaluation,
        earlier=earlier_evaluations(platform, record),
    )


def _explained(
    platform: Connections, record: VersionRecord | EvaluationRecord, version: int | None
) -> DecisionExplanation:
    report = platform.ledger.report(record.report_id)
    return DecisionExplanation(
        record.model,
        version,
        record.decision,
        policy=report.policy_name if report else "",
        policy_note=report.policy_note if report else "",
        answers=_answers(platform, record.model),
        alternatives=_alternatives(record, report) if report else (),
    )


def _answers(platform: Connections, model: str) -> str:
    now = answering(platform.ledger.history(model))
    return f"{answerer(now)}{since_words(now)}: {why_words(now)}"


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


def _alternatives(
    record: VersionRecord | EvaluationRecord, report: EvaluationReport
) -> tuple[Alternative, ...]:
    """The report decided under the other presets and limits; of a model that is gone, under other limits alone."""
    from ml_platform.adapters.plugins import installed_catalogue

    specs = (spec for spec in installed_catalogue().models if spec.name == record.model)
    spec = next(specs, None)
    presets = {name: preset(spec.policy) for name, preset in PRESETS.items()} if spec else {}
    return alternatives(
        report,
        from_json(GatePolicy, record.policy),
        from_json(IntegrityEvidence, record.integrity),
        presets,
    )
