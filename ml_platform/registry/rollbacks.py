"""How often production is rolled back, and how long a version that was rolled back had been in production."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from ml_platform.registry.records import Action, PromotionEvent, Status


@dataclass(frozen=True)
class RollbackFigures:
    """The rollbacks of a model, by the clock on the wall."""

    promotions: int
    of_production: int
    of_rollouts: int
    """Those of a version that was in shadow or a canary; production stayed as it was."""
    share: float | None
    """Rollbacks of production for each promotion; ``None`` before the first promotion."""
    hours_to_recover: float | None
    """Median time from a version's promotion to its rollback; ``None`` without one."""


def rollback_figures(events: Iterable[PromotionEvent], model: str) -> RollbackFigures:
    """Count the rollbacks among the events of a model."""
    mine = [event for event in events if event.model == model]
    promotions = sum(event.action is Action.PROMOTED for event in mine)
    back = [event for event in mine if event.action is Action.ROLLED_BACK]
    of_production = [event for event in back if event.evidence["from"] == Status.PRODUCTION]
    hours = [
        (event.wall - datetime.fromisoformat(event.evidence["since"])).total_seconds() / 3600
        for event in of_production
    ]
    return RollbackFigures(
        promotions=promotions,
        of_production=len(of_production),
        of_rollouts=len(back) - len(of_production),
        share=len(of_production) / promotions if promotions else None,
        hours_to_recover=median(hours) if hours else None,
    )
