"""Where an experiment stands, which follows from its events; and how long it is kept."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from ml_platform.experiments.definition import Definition
from ml_platform.registry.records import PromotionEvent, VersionRecord

RETENTION = timedelta(days=90)
"""Of an experiment and its report, from its end (of one that never ran, from its definition)."""


class Happening(StrEnum):
    """What is said of an experiment in its log, which nothing changes."""

    DEFINED = "defined"
    STARTED = "started"
    REFUSED = "refused"
    DONE = "done"
    LOGGED = "logged"
    """In MLflow."""
    PRUNED = "pruned"


class Status(StrEnum):
    """Where an experiment stands."""

    DEFINED = "DEFINED"
    RUNNING = "RUNNING"
    CUT_OFF = "CUT OFF"
    """Its process was killed or failed: `experiment run` begins it again."""
    REFUSED = "REFUSED"
    DONE = "DONE"
    PRUNED = "PRUNED"


@dataclass(frozen=True)
class ExperimentEvent:
    """One line of the log."""

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
class Kept:
    """Whether an experiment is to be pruned, and why or why not."""

    name: str
    prune: bool
    why: str


def status(events: Sequence[ExperimentEvent], alive: Callable[[ExperimentEvent], bool]) -> Status:
    """By the last event that says something; ``alive`` tells whether the process of a start still lives."""
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
) -> Kept:
    """What is older than `RETENTION` goes, unless it runs or something refers to it."""
    name = experiment.definition.name
    last = max((event.at for event in events), default=experiment.defined_at)
    age = now - last
    if running:
        return Kept(name, False, "it is running")
    if references:
        return Kept(name, False, "; ".join(references))
    told = f"{age.days} of {RETENTION.days} days old"
    return Kept(name, age > RETENTION, told)


def references(
    experiment: DefinedExperiment,
    finished_at: datetime | None,
    versions: Iterable[VersionRecord],
    events: Iterable[PromotionEvent],
    adopted_hash: str,
) -> tuple[str, ...]:
    """What refers to an experiment: parameters in force, versions fitted with them, events that name its hash."""
    definition = experiment.definition
    found = []
    if adopted_hash == experiment.hash:
        found.append(f"the next candidate of {definition.model} is fitted with its parameters")
    moved = definition.variant.parameters != definition.baseline.parameters
    for record in versions:
        own = {name: record.parameters.get(name) for name in definition.variant.parameters}
        if finished_at is not None and moved and own == definition.variant.parameters:
            found.append(f"{record.model} version {record.version} has its parameters")
    found += [
        f"event {event.sequence} of {event.model} names it"
        for event in events
        if experiment.hash in event.evidence.values()
    ]
    return tuple(found)
