"""The events replayed: the status of each version, and what is in production, since when and why."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ml_platform.gates.outcome import Verdict
from ml_platform.registry.records import Action, PromotionEvent, Status


@dataclass(frozen=True)
class InProduction:
    """The champion of a model: since when, by whom, and on what evidence."""

    model: str
    version: int
    since: datetime
    actor: str
    why: dict[str, str]


def statuses(events: Iterable[PromotionEvent], model: str) -> dict[int, Status]:
    """The status of every version of a model: deprecated if rejected, else staged until it is promoted."""
    status_of: dict[int, Status] = {}
    for event in events:
        if event.model != model:
            continue
        waiting = status_of.get(event.version, Status.STAGED) in (Status.STAGED, Status.DEPRECATED)
        if event.action in (Action.REGISTERED, Action.EVALUATED):
            rejected = event.verdict is Verdict.REJECT
            if waiting:
                status_of[event.version] = Status.DEPRECATED if rejected else Status.STAGED
        elif event.action is Action.PROMOTED:
            status_of[event.version] = Status.PRODUCTION
        elif event.action is Action.ARCHIVED:
            status_of[event.version] = Status.ARCHIVED
    return status_of


def in_production(events: Iterable[PromotionEvent], model: str) -> InProduction | None:
    """The champion by the events; ``None`` if there is none, and the rules answer."""
    champion: InProduction | None = None
    for event in events:
        if event.model != model:
            continue
        if event.action is Action.PROMOTED:
            champion = InProduction(
                model, event.version, event.at, event.actor, dict(event.evidence)
            )
        elif event.action is Action.ARCHIVED and champion and champion.version == event.version:
            champion = None
    return champion


def production_at(events: Sequence[PromotionEvent], model: str, moment: datetime) -> int | None:
    """The version that was in production at a moment; a promotion at that very moment counts."""
    champion = in_production((event for event in events if event.at <= moment), model)
    return champion.version if champion else None
