"""What a person says about a version: approved, held, lifted; each is an event of the chain."""

from ml_platform.application.connections import Connections
from ml_platform.errors import UsageError
from ml_platform.registry.changes import Request, approve, hold, resume
from ml_platform.registry.records import PromotionEvent
from ml_platform.registry.rollbacks import NO_REASON

CHANGES = {"approve": approve, "hold": hold, "resume": resume}
"""The changes by the name of their command."""


def change_version(
    platform: Connections, what: str, model: str, version: int, request: Request
) -> tuple[PromotionEvent, ...]:
    """Make one of `CHANGES`; the events that it has added, none where a version is approved already.

    Raises:
        UsageError: the version is not registered, or is in no status for this.
    """
    change = CHANGES[what]
    return platform.ledger.change(model, lambda history: change(history, version, request))


def asked(platform: Connections, actor: str, reason: str) -> Request:
    """Who asks for a change, why, at the clock of the home.

    Raises:
        UsageError: actor or reason is empty, or the reason is the word that stands in its place in our texts.
    """
    if reason.strip() == NO_REASON:
        raise UsageError(
            "The reason is missing.", remedy=f"write in place of {NO_REASON} why it is done"
        )
    return Request(actor, reason, platform.home.as_of)
