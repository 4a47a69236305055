"""Models whose data do not suffice: the reason is kept in the ledger, where `run` and `status` read it."""

from ml_platform.application.connections import Connections
from ml_platform.application.state_keys import insufficient_key


def record_reason(platform: Connections, asset: str, reason: str, found_with: str = "") -> None:
    """Keep why ``asset`` (``model/step``) could not be made; an empty reason: it could.

    Args:
        platform: The home.
        asset: Its key as text.
        reason: In words.
        found_with: The versions of code and data that it was found with: while they are the same, so is the reason.
    """
    platform.ledger.set_state(insufficient_key(asset), {"reason": reason, "found_with": found_with})


def reason_stands(platform: Connections, asset: str, present: str) -> bool:
    """Whether it is known that ``asset`` cannot be made from the ``present`` versions of code and data."""
    stored = platform.ledger.state(insufficient_key(asset)) or {}
    return bool(stored.get("reason")) and stored.get("found_with") == present


def reason_not_trained(platform: Connections, model: str) -> str:
    """Why the model could not be trained in its last run; empty if it could."""
    for step in ("training_set", "candidate"):
        stored = platform.ledger.state(insufficient_key(f"{model}/{step}"))
        if stored and stored["reason"]:
            return str(stored["reason"])
    return ""
