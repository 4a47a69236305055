"""What must stay whatever its age: the roots, and everything that a root needs.

A root is a version in production or in a rollout, one that was ever promoted (a rollback may go to it), one that
a person has approved or put under a legal hold, the newest of its model and the one that waits, and the last
result of each step.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ml_platform.registry.aliases import aliases
from ml_platform.registry.history import History
from ml_platform.registry.records import Action, Status, VersionRecord
from ml_platform.retention.rules import Kind


@dataclass(frozen=True)
class LegalHold:
    """A version that must not go, until a person lifts that."""

    model: str
    version: int
    at: datetime
    actor: str
    reason: str
    lifted_at: datetime | None = None
    lifted_by: str = ""


@dataclass(frozen=True)
class Reachable:
    """The things that something needs."""

    reasons: Mapping[tuple[Kind, str], str] = field(default_factory=dict)
    """By kind and key, who needs it."""

    def why(self, kind: Kind, key: str) -> str:
        """The sentence that says who needs a thing; empty if nobody does."""
        return self.reasons.get((kind, key), "")


def root_versions(history: History, holds: Iterable[LegalHold]) -> dict[int, str]:
    """The versions of a model that are roots, each with the reason."""
    reasons: dict[int, str] = {}
    lives = history.state.lives
    held = {
        hold.version: f"{hold.actor} holds it: {hold.reason}"
        for hold in holds
        if hold.model == history.model and hold.lifted_at is None
    }
    promoted = {event.version for event in history.events if event.action is Action.PROMOTED}
    named = {number: alias for alias, number in aliases(history).items()}
    for number, life in lives.items():
        if life.status is Status.PRODUCTION:
            reasons[number] = "it is in production"
        elif life.in_rollout:
            reasons[number] = f"it is being rolled out ({life.status})"
        elif number in promoted:
            reasons[number] = "a rollback may go to it"
        elif life.approved:
            reasons[number] = "a person has approved it"
        elif number == max(lives):
            reasons[number] = "it is the newest version"
        elif number in named:
            reasons[number] = f"it is the {named[number]}"
        if number in held:
            reasons[number] = held[number]
    return reasons


def needed_by(evaluations: Sequence[VersionRecord], reason: str) -> dict[tuple[Kind, str], str]:
    """What a version that is a root needs, by all of its evaluations."""
    record = evaluations[-1]
    why = f"{record.model} {record.version}: {reason}"
    needed = {
        (Kind.ARTIFACT, record.artifact_sha256): why,
        (Kind.TRAINING_SET, training_set_key(record.model, record.training_set_fingerprint)): why,
        (Kind.BASELINE, baseline_key(record.model, str(record.version))): why,
    }
    for evaluation in evaluations:
        needed[Kind.EVALUATION_REPORT, evaluation.report_id] = why
        needed[Kind.MLFLOW_RUN, evaluation.mlflow_run_id] = why
        needed[Kind.DAGSTER_RUN, evaluation.dagster_run_id] = why
    return needed


def training_set_key(model: str, fingerprint: str) -> str:
    """The key of a training set: its folder."""
    return f"{model}/{fingerprint}"


def baseline_key(model: str, version: str) -> str:
    """The key of the baseline of a version, or of the rules."""
    return f"{model}/{version}"
