"""Dagster's instance of a home: a command keeps its connections to the database, a daemon opens one each time."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from ml_platform.adapters.database_urls import DatabaseUrls, connect
from ml_platform.adapters.services import Services, Tracker
from ml_platform.cli.instance import dagster_instance
from ml_platform.defs.home_storage import DATABASE_VARIABLE
from ml_platform.settings import Settings, read_settings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings of a home without anything in it; the environment that its instance sets is put back."""
    for name in ("DAGSTER_HOME", "ML_PLATFORM_HOME", DATABASE_VARIABLE):
        monkeypatch.setenv(name, "")
    return replace(read_settings({}), home=tmp_path)


@pytest.fixture
def empty_database(postgres: DatabaseUrls) -> Iterator[str]:
    """The URL of a fresh database without any table."""
    name = f"test_{uuid.uuid4().hex}"
    connection = connect(postgres.ml_platform, database="postgres")
    cursor = connection.cursor()
    try:
        cursor.execute(f'CREATE DATABASE "{name}"')
        yield postgres.ml_platform.rsplit("/", 1)[0] + f"/{name}"
        cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        connection.close()


def connections_after_use(instance: dg.DagsterInstance, url: str) -> int:
    """How many connections to the database are open when the storages have been asked for something twice."""
    for _ in range(2):
        assert instance.get_runs() == []
        assert list(instance.all_asset_keys()) == []
        assert instance.all_instigator_state() == []
    connection = connect(url, database="postgres")
    try:
        cursor = connection.cursor()
        name = url.rsplit("/", 1)[1]
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = %s", (name,))
        return int(cursor.fetchone()[0])
    finally:
        connection.close()


def test_a_command_keeps_a_connection_for_each_of_three_storages_and_a_daemon_none(
    settings: Settings, empty_database: str
) -> None:
    urls = DatabaseUrls(empty_database, empty_database, empty_database)
    running = Services(urls, None, Tracker("http://unused", lambda: pytest.fail("not asked for")))
    with dagster_instance(settings, running) as of_command:
        assert connections_after_use(of_command, empty_database) == 3
        with dg.DagsterInstance.from_config(str(settings.dagster)) as of_daemon:
            assert connections_after_use(of_daemon, empty_database) == 3, "those of the command"
