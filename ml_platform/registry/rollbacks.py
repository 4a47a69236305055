"""Where a rollback leads; how often production is rolled back, and how long what was rolled back had been there."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from ml_platform.registry.history import History
from ml_platform.registry.records import Action, PromotionEvent, Status
from ml_platform.registry.states import RULES


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


def rollback_command(model: str, to: int | None = None) -> str:
    """What to type to go back."""
    target = f" --to {to}" if to else ""
    return f"ml-platform models rollback {model}{target} --reason WHY"


def way_back(history: History) -> tuple[str, str]:
    """What a rollback would do, and the command; the latter is empty where there is nothing to go back to."""
    state, command = history.state, rollback_command(history.model)
    if state.rollout is not None:
        stays = f"version {state.production}" if state.production else "the rules"
        return f"the rollout of version {state.rollout} ends, {stays} goes on answering", command
    earlier = history.earlier_champions()
    if state.production is not None:
        answers = f"version {earlier[0].version} answers" if earlier else "the rules answer"
        return f"{answers} again", command
    if not earlier:
        return "the rules answer, and no earlier champion that is not held", ""
    newest = earlier[0].version
    return f"version {newest} answers again", rollback_command(history.model, newest)


def left_to_the_rules(history: History) -> PromotionEvent | None:
    """The rollback since which the rules answer; ``None`` where there is a champion, or never was one."""
    back = history.newest(Action.ROLLED_BACK, Action.PROMOTED, Action.RESTORED)
    return back if back is not None and back.evidence.get("to") == RULES else None
