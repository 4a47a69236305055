"""Rollback: one transaction of the ledger, without checks, training data, MLflow or the lock of the home."""

from dataclasses import dataclass

from ml_platform.application.connections import Connections
from ml_platform.application.rules_in_use import rules_of
from ml_platform.application.stored_evidence import artifact_sha256_now
from ml_platform.application.version_history import events_of
from ml_platform.errors import IntegrityError, UsageError
from ml_platform.registry.changes import (
    Request,
    bring_back,
    leaves,
    roll_back_production,
    roll_back_rollout,
)
from ml_platform.registry.history import History
from ml_platform.registry.records import PromotionEvent
from ml_platform.registry.states import RULES


@dataclass(frozen=True)
class RolledBack:
    """What a rollback has done."""

    model: str
    left: int | None
    """The version that was taken away, held until a person lifts that; ``None`` where the rules answered."""
    answers: str
    """What answers now: 'version 3', 'the rules', or 'nothing'."""
    was_in_production: bool
    revision: int
    passed_over: tuple[str, ...]
    """Earlier champions whose artifact is damaged or gone, newest first, each with the reason."""


def roll_back(
    platform: Connections, model: str, request: Request, to: str | None = None
) -> RolledBack:
    """Take away what is being rolled out, or without a rollout go back to the champion before.

    Where the rules answer, an earlier champion that is named answers again.

    Args:
        platform: The home.
        model: The model.
        request: Who asks for it, and why.
        to: The number of an earlier champion, or ``rules``: production goes there, whatever is being rolled out.

    Raises:
        UsageError: there is no such model, nothing to go back from, or ``to`` is no earlier champion.
        IntegrityError: the artifact of ``to`` is damaged.
        ConflictError: somebody else was faster; nothing was changed.
    """
    events_of(platform, model)
    history = platform.ledger.history(model)
    revision = history.state.revision
    if history.state.production is None and to not in (None, RULES):
        champion, _ = _target(platform, history, to)
        assert champion is not None, "a version was named"
        platform.ledger.change(model, lambda now: bring_back(now, revision, champion, request))
        return _done(platform, model, None, was_in_production=False)
    left = leaves(history)
    if to is None and history.state.rollout is not None:
        life = history.life(left)
        platform.ledger.change(model, lambda now: roll_back_rollout(now, left, life, request))
        return _done(platform, model, left, was_in_production=False)
    target, passed_over = _target(platform, history, to)
    away, *_ = platform.ledger.change(
        model, lambda now: roll_back_production(now, revision, target, request)
    )
    return _done(platform, model, away.version, was_in_production=True, passed_over=passed_over)


def _target(
    platform: Connections, history: History, to: str | None
) -> tuple[PromotionEvent | None, tuple[str, ...]]:
    """The promotion to go back to (``None``: the rules), and the earlier ones that are passed over."""
    earlier = history.earlier_champions()
    if to == RULES:
        return None, ()
    if to is not None:
        chosen = next((event for event in earlier if str(event.version) == to), None)
        if chosen is None:
            known = ", ".join(str(event.version) for event in earlier) or "none"
            raise UsageError(
                f"Production of {history.model} cannot go back to {to}: its earlier champions that are "
                f"not held are {known}.",
                remedy="name one of them, or `rules`",
            )
        fault = _damage(platform, chosen)
        if fault:
            raise IntegrityError(f"{fault}.", remedy="go back to another one, or to `rules`")
        return chosen, ()
    passed_over: list[str] = []
    for event in earlier:
        fault = _damage(platform, event)
        if not fault:
            return event, tuple(passed_over)
        passed_over.append(fault)
    return None, tuple(passed_over)


def sound_champions(platform: Connections, history: History) -> tuple[PromotionEvent, ...]:
    """The promotions that production may go back to and whose artifacts are whole, the newest first."""
    return tuple(event for event in history.earlier_champions() if not _damage(platform, event))


def _damage(platform: Connections, promoted: PromotionEvent) -> str:
    """What is wrong with the artifact of an earlier champion; empty if its bytes are those that were promoted."""
    expected = promoted.evidence["artifact_sha256"]
    found = artifact_sha256_now(platform.settings.artifacts / expected, expected)
    if found == expected:
        return ""
    what = f"has SHA-256 {found[:12]}" if found else "is missing"
    return f"the artifact of version {promoted.version}, {expected[:12]}, {what}"


def _done(
    platform: Connections,
    model: str,
    left: int | None,
    *,
    was_in_production: bool,
    passed_over: tuple[str, ...] = (),
) -> RolledBack:
    production = platform.ledger.production(model)
    rules = "the rules" if rules_of(platform, model) else "nothing"
    return RolledBack(
        model=model,
        left=left,
        answers=f"version {production.version}" if production.version else rules,
        was_in_production=was_in_production,
        revision=production.revision,
        passed_over=passed_over,
    )
