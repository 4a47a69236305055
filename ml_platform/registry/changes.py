"""Each change that a person or the guard makes to a version, as the events that it adds: pure functions of history.

A change says in which state it was decided; where that is no longer the state, somebody else was faster.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ml_platform.errors import UsageError
from ml_platform.registry.chain import EventDraft
from ml_platform.registry.history import History
from ml_platform.registry.records import Action, PromotionEvent, Status
from ml_platform.registry.states import REPLACED, RULES, Life


@dataclass(frozen=True)
class Request:
    """Who asks for a change, why, and at which clock of the data."""

    actor: str
    reason: str
    at: datetime

    def __post_init__(self) -> None:
        for name in ("actor", "reason"):
            if not getattr(self, name).strip():
                raise UsageError(
                    f"The {name} of a change is empty.", remedy="say who asks for it, and why"
                )


def approve(history: History, version: int, request: Request) -> tuple[EventDraft, ...]:
    """A person agrees that the version, as it was last evaluated, is rolled out."""
    if history.life(version).approved:
        return ()
    return (drafted(history, version, Action.APPROVED, request),)


def hold(history: History, version: int, request: Request) -> tuple[EventDraft, ...]:
    """Nothing happens to the version any more; of a rollout its users get the version in production."""
    return (drafted(history, version, Action.HELD, request),)


def resume(history: History, version: int, request: Request) -> tuple[EventDraft, ...]:
    """What is held goes on where it was; what was rolled back may be rolled out again."""
    return (drafted(history, version, Action.RESUMED, request),)


def leaves(history: History) -> int:
    """The version that a rollback takes away: the one that is being rolled out, else the one in production.

    Raises:
        UsageError: the rules answer, and there is nothing to go back from.
    """
    version = history.state.rollout or history.state.production
    if version is None:
        raise UsageError(
            f"No version of {history.model} is in production or being rolled out.",
            remedy=f"`ml-platform models history {history.model}` lists what has happened",
        )
    return version


def roll_back_rollout(
    history: History, version: int, expected: Life, request: Request
) -> tuple[EventDraft, ...]:
    """The rollout of a version ends, and production stays as it is."""
    history.require_life(version, expected)
    evidence = {"from": str(expected.status), "to": str(history.state.production or RULES)}
    return (drafted(history, version, Action.ROLLED_BACK, request, evidence),)


def roll_back_production(
    history: History,
    expected_revision: int,
    target: PromotionEvent | None,
    request: Request,
) -> tuple[EventDraft, ...]:
    """Production goes back to an earlier champion (``None``: to the rules), on the evidence of then.

    Args:
        history: Of the model.
        expected_revision: The revision of production that was looked at.
        target: The promotion of the earlier champion whose artifact has been found whole.
        request: Who asks for it, and why.
    """
    history.require_revision(expected_revision)
    version = history.state.production
    if version is None:
        raise UsageError(
            f"The rules answer for {history.model}: there is nothing to go back from.",
            remedy=f"`ml-platform models history {history.model}` lists what has happened",
        )
    evidence = {
        "from": str(Status.PRODUCTION),
        "to": str(target.version) if target else RULES,
        "since": history.last(version, Action.PROMOTED, Action.RESTORED).wall.isoformat(),
    }
    away = drafted(history, version, Action.ROLLED_BACK, request, evidence)
    if target is None:
        return (away,)
    return (away, _restored(history, target, str(version), request))


def bring_back(
    history: History, expected_revision: int, target: PromotionEvent, request: Request
) -> tuple[EventDraft, ...]:
    """An earlier champion answers again in place of the rules, on the evidence of then.

    Args:
        history: Of the model.
        expected_revision: The revision of production that was looked at, in which the rules answer.
        target: The promotion of the earlier champion whose artifact has been found whole.
        request: Who asks for it, and why.
    """
    history.require_revision(expected_revision)
    return (_restored(history, target, RULES, request),)


def _restored(
    history: History, target: PromotionEvent, replaced: str, request: Request
) -> EventDraft:
    why = {**target.evidence, "promoted_by_event": str(target.sequence), REPLACED: replaced}
    return drafted(history, target.version, Action.RESTORED, request, why)


def drafted(
    history: History,
    version: int,
    action: Action,
    request: Request,
    evidence: Mapping[str, str] | None = None,
) -> EventDraft:
    """An event of a version, with the verdict of its newest evaluation and the reason of who asks for it.

    Raises:
        UsageError: the version is not registered.
    """
    history.life(version)
    return EventDraft(
        history.model,
        version,
        action,
        history.verdict(version),
        request.at,
        request.actor,
        {**(evidence or {}), "reason": request.reason},
    )
