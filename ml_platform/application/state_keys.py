"""The keys under which the ledger keeps the small state of a model between runs."""

FEATURES_BUILT_KEY = "features_built"
"""The key of what the published features were built from, which is no state of one model."""
ROLLOUT_POLICY_KEY = "rollout_policy"
"""The key of the policy by which the home's versions are rolled out."""


def lease_key(model: str) -> str:
    """The key of the lease on which the version that is being rolled out has its share of the users."""
    return f"lease/{model}"


def look_key(model: str) -> str:
    """The key of what the guard saw when it last looked at the rollout of a model."""
    return f"look/{model}"


TOLD_KEY = "told"
"""The key of the last event of the chain that people have been told of."""

TOLD_INCIDENTS_KEY = "told_incidents"
"""The key of the last event of an incident that people have been told of."""


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


def found_key(registered_model: str) -> str:
    """The key of what people had last put in the place of ours on a registered model's pages in MLflow."""
    return f"mirror_found/{registered_model}"


def notes_key(registered_model: str) -> str:
    """The key of the texts of people that stay on a registered model's pages in MLflow."""
    return f"mirror_notes/{registered_model}"


def mirror_key(registered_model: str) -> str:
    """The key of what MLflow was last made to show of a registered model."""
    return f"mirror/{registered_model}"
