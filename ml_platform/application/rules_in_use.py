"""The rules that answer for a model as long as no version of it is in production."""

from ml_platform.application.connections import Connections
from ml_platform.application.state_keys import rules_key


def rules_version(sha256: str) -> str:
    """The name of a rule artifact in the prediction log, baselines and reports: ``rules@`` and 12 digits."""
    return f"rules@{sha256[:12]}"


def rules_of(platform: Connections, model: str) -> str:
    """SHA-256 of the rule artifact that answers for ``model`` without a champion; empty if there is none."""
    state = platform.ledger.state(rules_key(model))
    return str(state["sha256"]) if state else ""
