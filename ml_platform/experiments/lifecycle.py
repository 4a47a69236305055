"""The status of an experiment, which follows from its log, and how long an experiment is kept."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from ml_platform.experiments.definition import Definition
from ml_platform.registry.records import PromotionEvent, VersionRecord

RETENTION = timedelta(days=90)
"""How long an experiment is kept after its last event."""


class Happening(StrEnum):
    """The kinds of event in the log of an experiment, to which lines are only ever added."""

    DEFINED = "defined"
    STARTED = "started"
    REFUSED = "refused"
    DONE = "done"
    LOGGED = "logged"
    """The result was written to MLflow."""
    PRUNED = "pruned"


class Status(StrEnum):
    """The status of an experiment, as people read it."""

    DEFINED = "DEFINED"
    RUNNING = "RUNNING"
    CUT_OFF = "CUT OFF"
    """Its process was killed or failed; `experiment run` starts it again."""
    REFUSED = "REFUSED"
    DONE = "DONE"
    PRUNED = "PRUNED"


@dataclass(frozen=True)
class ExperimentEvent:
    """One line of the log of an experiment."""

    name: str
    happening: Happening
    at: datetime
    detail: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DefinedExperiment:
    """A definition as it is stored."""

    definition: Definition
    hash: str
    """SHA-256 of its text, taken when it was defined."""
    text_sha256: str
    """SHA-256 of the text that is stored now: another one if somebody changed it."""
    defined_at: datetime


@dataclass(frozen=True)
class RetentionDecision:
    """The decision whether an experiment is to be pruned, and the reason."""

    name: str
    prune: bool
    why: str


def status(events: Sequence[ExperimentEvent], alive: Callable[[ExperimentEvent], bool]) -> Status:
    """The status that follows from the log.

    Args:
        events: The log, oldest first.
        alive: Whether the process that an event of kind STARTED names still lives.
    """
    happened = {event.happening for event in events}
    if Happening.PRUNED in happened:
        return Status.PRUNED
    if Happening.DONE in happened:
        return Status.DONE
    last = events[-1] if events else None
    if last is None or last.happening is Happening.DEFINED:
        return Status.DEFINED
    if last.happening is Happening.REFUSED:
        return Status.REFUSED
    return Status.RUNNING if alive(last) else Status.CUT_OFF


def retention(
    experiment: DefinedExperiment,
    events: Sequence[ExperimentEvent],
    *,
    now: datetime,
    running: bool,
    references: Collection[str],
) -> RetentionDecision:
    """Prune an experiment that is older than `RETENTION`, unless it runs or something refers to it."""
    name = experiment.definition.name
    last = max((event.at for event in events), default=experiment.defined_at)
    age = now - last
    if running:
        return RetentionDecision(name, False, "it is running")
    if references:
        return RetentionDecision(name, False, "; ".join(references))
    return RetentionDecision(name, age > RETENTION, f"{age.days} of {RETENTION.days} days old")


def references(
    experiment: DefinedExperiment,
    finished_at: datetime | None,
    versions: Iterable[VersionRecord],
    events: Iterable[PromotionEvent],
    adopted_hash: str,
) -> tuple[str, ...]:
    """The references to an experiment: parameters in force, versions fitted with them, events with its hash."""
    definition = experiment.definition
    references = []
    if adopted_hash == experiment.hash:
        references.append(f"the next candidate of {definition.model} is fitted with its parameters")
    changed = definition.variant.parameters != definition.baseline.parameters
    for record in versions:
        fitted_with = {name: record.parameters.get(name) for name in definition.variant.parameters}
        if finished_at is not None and changed and fitted_with == definition.variant.parameters:
            references.append(f"{record.model} version {record.version} has its parameters")
    references += [
        f"event {event.sequence} of {event.model} names it"
        for event in events
        if experiment.hash in event.evidence.values()
    ]
    return tuple(references)
