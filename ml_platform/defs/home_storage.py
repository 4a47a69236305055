"""Dagster's storage in the database of a home, which is found or started by itself.

So every tool of Dagster (`dagster dev`, `dagster job launch`, its daemon) opens the instance of a home by
``DAGSTER_HOME`` alone, without the command `ml-platform`.
"""

import os
from pathlib import Path
from typing import Any

from dagster_postgres import DagsterPostgresStorage

from ml_platform.settings import Settings, disable_telemetry, read_settings

DATABASE_VARIABLE = "ML_PLATFORM_DAGSTER_DATABASE"
"""URL of the database, set by a command of ours that has started it, for its child processes."""


class HomeStorage(DagsterPostgresStorage):
    """Runs, events and schedules in the PostgreSQL of the home; ``dagster.yaml`` gives it no settings."""

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """No settings: the home says where its database is."""
        return {}

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> "HomeStorage":
        """Open the storage; starts the home's database where nobody has, until this process ends.

        Raises:
            ServiceError: the database does not start or does not answer.
        """
        return cls(postgres_url=_database_url(), inst_data=inst_data)


def _database_url() -> str:
    url = os.environ.get(DATABASE_VARIABLE)
    if url:
        return url
    from ml_platform.adapters.services import running_services

    disable_telemetry()
    return running_services(_settings_of_instance()).urls.dagster


def _settings_of_instance() -> Settings:
    """The settings of the home whose folder ``dagster`` is the DAGSTER_HOME, unless a home is named."""
    folder = os.environ.get("DAGSTER_HOME")
    if folder and not os.environ.get("ML_PLATFORM_HOME"):
        os.environ["ML_PLATFORM_HOME"] = str(Path(folder).resolve().parent)
    return read_settings()
