"""Files that are no Python and belong to the platform: where they lie in a checkout and in an installed wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent

DAGSTER_SETTINGS = _PACKAGE / "cli" / "dagster.yaml"
"""Dagster's instance: storage in PostgreSQL, one run at a time."""
WORKSPACE = _PACKAGE / "cli" / "workspace.yaml"
"""What Dagster's servers load: `ml_platform.definitions`, wherever the package is installed."""

SKELETON = _PACKAGE / "cli" / "skeleton"
"""The package that `ml-platform new-model` writes, under a placeholder's name."""


def dbt_project() -> Path:
    """The dbt project of the platform: inside the package in a wheel, beside it in a checkout.

    Nothing is ever written there: dbt builds a copy in the home (`ml_platform.adapters.dbt_project`).
    """
    inside = _PACKAGE / "dbt_project"
    return inside if inside.is_dir() else _PACKAGE.parent / "dbt_project"


def runbooks() -> Path:
    """The runbooks in Markdown: inside the package in a wheel, among the documents beside it in a checkout."""
    inside = _PACKAGE / "runbooks"
    return inside if inside.is_dir() else _PACKAGE.parent / "docs" / "runbooks"
