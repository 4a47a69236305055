"""Models whose data do not suffice: the reason is kept in the ledger, where `run` and `status` read it."""

from ml_platform.application.connections import Connections
from ml_platform.application.state_keys import insufficient_key


def record_reason(platform: Connections, asset: str, reason: str) -> None:
    """Keep why ``asset`` (``model/step``) could not be made; an empty reason: it could."""
    platform.ledger.set_state(insufficient_key(asset), {"reason": reason})


def reason_not_trained(platform: Connections, model: str) -> str:
    """Why the model could not be trained in its last run; empty if it could."""
    for step in ("training_set", "candidate"):
        stored = platform.ledger.state(insufficient_key(f"{model}/{step}"))
        if stored and stored["reason"]:
            return str(stored["reason"])
    return ""
