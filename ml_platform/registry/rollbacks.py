"""Where a rollback leads; how often production is rolled back, and how long what was rolled back had been there."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from ml_platform.registry.history import History
from ml_platform.registry.records import Action, PromotionEvent, Status
from ml_platform.registry.states import RULES

NO_REASON = "WHY"
"""What stands in the place of the reason in the commands that pages print."""


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


@dataclass(frozen=True)
class WayBack:
    """How to go back from what answers now."""

    words: str
    """What would answer then."""
    commands: tuple[str, ...] = ()
    """What to type, in this order; empty where there is nothing to go back to."""


def rollback_command(model: str, to: int | None = None, *, home_option: str = "") -> str:
    """What to type to go back; ``home_option`` names the home where that is needed."""
    target = f" --to {to}" if to else ""
    return f"ml-platform models rollback {model}{target} --reason {NO_REASON}{home_option}"


def resume_command(model: str, version: int, *, home_option: str = "") -> str:
    """What to type to lift the hold of a version."""
    return f"ml-platform models resume {model} {version} --reason {NO_REASON}{home_option}"


def way_back(history: History, home_option: str = "") -> WayBack:
    """What a rollback would do, and what to type, with the option that names the home.

    From the rules it leads to the champion before; where that is held, its hold is lifted first. It is brought back
    on the evidence of its promotion: a new one is refused, as production has changed since its evaluation.
    """
    state, command = history.state, rollback_command(history.model, home_option=home_option)
    if state.rollout is not None:
        stays = f"version {state.production}" if state.production else "the rules"
        words = f"the rollout of version {state.rollout} ends, {stays} goes on answering"
        return WayBack(words, (command,))
    earlier = history.earlier_champions()
    if state.production is not None:
        answers = f"version {earlier[0].version} answers" if earlier else "the rules answer"
        return WayBack(f"{answers} again", (command,))
    if earlier:
        newest = earlier[0].version
        back = rollback_command(history.model, newest, home_option=home_option)
        return WayBack(f"version {newest} answers again", (back,))
    held = history.earlier_champions(Status.HELD)
    if not held:
        return WayBack("nothing to go back to")
    newest = held[0].version
    return WayBack(
        f"version {newest} is held; once that is lifted it can answer again",
        (
            resume_command(history.model, newest, home_option=home_option),
            rollback_command(history.model, newest, home_option=home_option),
        ),
    )


def left_to_the_rules(history: History) -> PromotionEvent | None:
    """The rollback since which the rules answer; ``None`` where there is a champion, or never was one."""
    back = history.newest(Action.ROLLED_BACK, Action.PROMOTED, Action.RESTORED)
    return back if back is not None and back.evidence.get("to") == RULES else None
