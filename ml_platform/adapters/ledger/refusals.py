"""The one parser of stored bodies, and the errors that every ledger raises in the same words."""

from collections.abc import Iterable
from typing import TypeVar

from pydantic import ValidationError

from ml_platform.errors import ConflictError, IntegrityError, ServiceError, UsageError
from ml_platform.registry.chain import EventDraft
from ml_platform.registry.records import ProductionState
from ml_platform.registry.states import ModelState, after, fault
from ml_platform.values import from_json

T = TypeVar("T")


def parsed(kind: type[T], body: str, row: str) -> T:
    """The value of a stored body; ``row`` says which row it is of, for a person to look at.

    Raises:
        IntegrityError: the body is not one any more: somebody changed it in its place.
    """
    try:
        return from_json(kind, body)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in fault["loc"]) or "body"
        raise IntegrityError(
            f"The ledger's {row} cannot be read: {place}: {fault['msg']}.",
            remedy="`ml-platform verify` names what else was changed; restore the row from a backup",
        ) from error


def unknown(what: str, remedy: str) -> UsageError:
    """The error for something that the ledger does not hold."""
    return UsageError(f"The ledger holds no {what}.", remedy=remedy)


def policy_conflict(revision: int) -> ConflictError:
    """The error of a revision of the policy that somebody else has appended meanwhile."""
    return ConflictError(
        f"Revision {revision} of the policy is not the next one: somebody else changed it first.",
        remedy="run the command again",
    )


def lost(state: ProductionState, expected_revision: int) -> ConflictError:
    """The error of a compare-and-swap that somebody else won."""
    return ConflictError(
        f"{state.model} is at revision {state.revision} (version {state.version}), "
        f"expected was revision {expected_revision}: somebody else changed it first.",
        remedy="look at what is in production now, then decide again",
    )


def require_legal(state: ModelState, drafts: Iterable[EventDraft]) -> ModelState:
    """The state after some events, each of which may happen in the state before it.

    Raises:
        UsageError: one of them may not; the reason names the version, its status and what would be legal.
    """
    for draft in drafts:
        reason = fault(state, draft)
        if reason:
            raise UsageError(
                f"{reason[0].upper()}{reason[1:]}.",
                remedy=f"`ml-platform models show {state.model}` says where its versions stand",
            )
        state = after(state, draft)
    return state


def changed_key(key_id: str) -> ConflictError:
    """The error of an API key that somebody else has added, rotated, revoked or removed meanwhile."""
    return ConflictError(
        f"API key {key_id} was rotated, revoked or removed before.",
        remedy="`ml-platform keys list` says where it stands",
    )


def unavailable(error: BaseException) -> ServiceError:
    """The error for a database that is gone, full, or out of connections; nothing was changed."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return ServiceError(
        f"The ledger's database failed: {lines[0]}.",
        remedy="`ml-platform doctor` looks at server and disk; then run the same step again.",
    )
