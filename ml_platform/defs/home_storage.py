"""Dagster's storage in the database of a home, which is found or started by itself.

So every tool of Dagster (`dagster dev`, `dagster job launch`, its daemon) opens the instance of a home by
``DAGSTER_HOME`` alone, without the command `ml-platform`.
"""

import os
from pathlib import Path
from typing import Any

from dagster import Field
from dagster_postgres import DagsterPostgresStorage

from ml_platform.settings import Settings, disable_telemetry, read_settings

DATABASE_VARIABLE = "ML_PLATFORM_DAGSTER_DATABASE"
"""URL of the database, set by a command of ours that has started it, for its child processes."""


class HomeStorage(DagsterPostgresStorage):
    """Runs, events and schedules in the PostgreSQL of the home, which says itself where its database is."""

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """One setting, for commands and the processes of their steps, whose database lives as long as they do.

        With ``keep_connections`` a process opens three connections in all, not one an event: half
        of what storing one takes is opening it. A daemon opens one each time, and so outlives its database.
        """
        return {"keep_connections": Field(bool, default_value=False)}

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> "HomeStorage":
        """Open the storage; starts the home's database where nobody has, until this process ends.

        Raises:
            ServiceError: the database does not start or does not answer.
        """
        storage = cls(postgres_url=_database_url(), inst_data=inst_data)
        if config_value["keep_connections"]:
            for part in (storage.run_storage, storage.event_log_storage, storage.schedule_storage):
                part.optimize_for_webserver(statement_timeout=0, pool_recycle=-1, max_overflow=-1)
        return storage


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
