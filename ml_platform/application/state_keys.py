"""The keys under which the ledger keeps the small state of a model between runs."""

FEATURES_BUILT_KEY = "features_built"
"""The key of what the published features were built from, which is no state of one model."""


def candidate_key(model: str) -> str:
    """The key of the artifact that is the latest candidate: challengers are evaluated beside it."""
    return f"candidate/{model}"


def tuned_key(model: str) -> str:
    """The key of the parameters that a search or an experiment has shown to beat the defaults."""
    return f"tuned/{model}"


def rules_key(model: str) -> str:
    """The key of the rule artifact that answers while the model has no champion."""
    return f"rules/{model}"


def insufficient_key(asset: str) -> str:
    """The key of the reason why an asset (``model/asset``) could not be made in its last run."""
    return f"insufficient/{asset}"


def measurement_key(model: str) -> str:
    """The key of what has decided the figures of the model's last report: with the same, another policy uses it."""
    return f"measurement/{model}"


def search_key(table: str) -> str:
    """The key of the code that has searched a published feature table for looks into the future."""
    return f"search/{table}"
