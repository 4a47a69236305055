"""The errors that every ledger raises in the same words."""

from ml_platform.errors import ConflictError, ServiceError, UsageError
from ml_platform.registry.records import ProductionState


def unknown(what: str, remedy: str) -> UsageError:
    """The error for something that the ledger does not hold."""
    return UsageError(f"The ledger holds no {what}.", remedy=remedy)


def lost(state: ProductionState, expected_revision: int) -> ConflictError:
    """The error of a compare-and-swap that somebody else won."""
    return ConflictError(
        f"{state.model} is at revision {state.revision} (version {state.version}), "
        f"expected was revision {expected_revision}: somebody else changed it first.",
        remedy="look at what is in production now, then decide again",
    )


def unavailable(error: BaseException) -> ServiceError:
    """The error for a database that is gone, full, or out of connections; nothing was changed."""
    said = str(error).strip().splitlines() or [type(error).__name__]
    return ServiceError(
        f"The ledger's database failed: {said[0]}.",
        remedy="`ml-platform doctor` looks at server and disk; then run the same step again.",
    )
