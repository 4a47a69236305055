"""The events replayed: the status of each version, and what is in production, since when and why."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ml_platform.registry.records import Action, PromotionEvent, Status
from ml_platform.registry.states import state_of


class Clock(StrEnum):
    """Which time of an event is meant."""

    WALL = "wall"
    """When it happened."""
    DATA = "data"
    """Up to when the home had events."""

    def of(self, event: PromotionEvent) -> datetime:
        """The time of an event by this clock."""
        return event.wall if self is Clock.WALL else event.at


@dataclass(frozen=True)
class InProduction:
    """The champion of a model: since when, by whom, and on what evidence."""

    model: str
    version: int
    since: datetime
    actor: str
    why: dict[str, str]
    recorded: datetime
    """Since when by the clock on the wall."""
    restored: bool = False
    """Whether a rollback has brought it back."""


def statuses(events: Iterable[PromotionEvent], model: str) -> dict[int, Status]:
    """The status of every version of a model."""
    return {number: life.status for number, life in state_of(events, model).lives.items()}


def in_production(events: Iterable[PromotionEvent], model: str) -> InProduction | None:
    """The champion by the events; ``None`` if there is none, and the rules answer."""
    champion: InProduction | None = None
    for event in events:
        if event.model != model:
            continue
        if event.action in (Action.PROMOTED, Action.RESTORED):
            champion = InProduction(
                model,
                event.version,
                event.at,
                event.actor,
                dict(event.evidence),
                event.wall,
                event.action is Action.RESTORED,
            )
        elif event.action in (Action.ARCHIVED, Action.ROLLED_BACK) and champion:
            champion = None if champion.version == event.version else champion
    return champion


def production_at(
    events: Sequence[PromotionEvent], model: str, moment: datetime, clock: Clock = Clock.DATA
) -> int | None:
    """The version that was in production at a moment; a promotion at that very moment counts."""
    champion = champion_at(events, model, moment, clock)
    return champion.version if champion else None


def champion_at(
    events: Sequence[PromotionEvent], model: str, moment: datetime, clock: Clock
) -> InProduction | None:
    """The champion at a moment, with the evidence of then."""
    return in_production((event for event in events if clock.of(event) <= moment), model)
