"""What was in production at any moment, on which evidence; what has happened; and the difference of two moments."""

from dataclasses import dataclass
from datetime import datetime

from ml_platform.application.connections import Connections
from ml_platform.errors import UsageError
from ml_platform.registry.lifecycle import Clock, InProduction, champion_at
from ml_platform.registry.records import PromotionEvent


@dataclass(frozen=True)
class ProductionAt:
    """What was in production of a model at a moment."""

    model: str
    moment: datetime
    clock: Clock
    champion: InProduction | None
    """``None``: the rules answered, or nothing did."""

    @property
    def answers(self) -> str:
        """The champion in words."""
        return f"version {self.champion.version}" if self.champion else "no champion"


@dataclass(frozen=True)
class ProductionDiff:
    """Production at two moments, and what has happened to a model between them."""

    before: ProductionAt
    after: ProductionAt
    between: tuple[PromotionEvent, ...]

    @property
    def changed(self) -> bool:
        """Whether another version, or none, was in production at the end."""
        return self.before.answers != self.after.answers


def production_at(
    platform: Connections, model: str, moment: datetime, clock: Clock
) -> ProductionAt:
    """The champion of a model at a moment of a clock, with the evidence of then."""
    events = _events(platform, model)
    return ProductionAt(model, moment, clock, champion_at(events, model, moment, clock))


def production_diff(
    platform: Connections, model: str, first: datetime, last: datetime, clock: Clock
) -> ProductionDiff:
    """Production of a model at two moments, and its events after the first one up to the last one.

    Raises:
        UsageError: the moments are not in their order.
    """
    if first > last:
        raise UsageError(
            f"{first.isoformat()} comes after {last.isoformat()}.",
            remedy="name the earlier moment first",
        )
    events = _events(platform, model)
    return ProductionDiff(
        ProductionAt(model, first, clock, champion_at(events, model, first, clock)),
        ProductionAt(model, last, clock, champion_at(events, model, last, clock)),
        tuple(event for event in events if first < clock.of(event) <= last),
    )


def _events(platform: Connections, model: str) -> tuple[PromotionEvent, ...]:
    events = platform.ledger.events(model)
    if not events:
        known = ", ".join(platform.ledger.models()) or "none"
        raise UsageError(
            f"Nothing has happened to {model!r} (models with a version: {known}).",
            remedy="name one of them, or `ml-platform run` first",
        )
    return events


def events_of(platform: Connections, model: str) -> tuple[PromotionEvent, ...]:
    """Everything that has happened to a model's versions, oldest first.

    Raises:
        UsageError: nothing has.
    """
    return _events(platform, model)
