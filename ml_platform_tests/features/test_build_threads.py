"""The published bytes do not depend on how many threads have computed them."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from ml_platform.adapters import dbt_run
from ml_platform.adapters.compiled_features import compiled_features
from ml_platform.adapters.dbt_run import dbt_settings, dbt_variables
from ml_platform.features.tables import TABLES
from ml_platform.values import file_sha256
from ml_platform_tests.features.conftest import Built
from ml_platform_tests.features.lakes import random_events, write_lake


def published(built: Built, lake: Path, folder: Path, threads: int) -> dict[str, str]:
    """The SHA-256 of each table as it leaves the warehouse, computed from ``lake`` with so many threads."""
    compiled = [
        compiled_features(built.folder / "warehouse.duckdb", built.folder / "lake", table)
        for table in TABLES
    ]
    models = {model.relation: model for each in compiled for model in each.reading(lake)}
    folder.mkdir()
    with duckdb.connect(config={"threads": threads}) as connection:
        # Without it a table below 122,880 rows has one thread, however many there are.
        connection.execute("set TimeZone = 'UTC'; pragma verify_parallelism")
        connection.execute(f"attach ':memory:' as {compiled[0].database}")
        connection.execute(f"use {compiled[0].database}")
        for schema in {model.schema for model in models.values()}:
            connection.execute(f'create schema "{schema}"')
        for model in models.values():
            connection.execute(f"create table {model.relation} as ({model.sql}\n)")
        connection.execute("set threads = 1")
        for table in TABLES:
            connection.execute(f"copy features.{table} to '{folder / table}' (format parquet)")
    return {table: file_sha256(folder / table) for table in TABLES}


def test_one_thread_and_four_publish_the_same_bytes(built: Built, tmp_path: Path) -> None:
    lake = write_lake(tmp_path / "lake", random_events(seed=21, change_sets=400))
    bytes_of = {
        threads: published(built, lake, tmp_path / str(threads), threads) for threads in (1, 2, 4)
    }
    assert bytes_of[1] == bytes_of[2] == bytes_of[4]


@pytest.mark.parametrize(("cores", "threads"), [(1, "1"), (3, "3"), (4, "4"), (64, "4")])
def test_a_build_takes_the_cores_that_its_process_may_use_and_at_most_four(
    cores: int, threads: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dbt_run, "usable_cores", lambda: cores)
    variables = dbt_variables(tmp_path, tmp_path / "warehouse.duckdb")
    assert variables["threads"] == threads


@pytest.mark.parametrize(("few", "at_a_time"), [(1_000_000, "3"), (0, "1")])
def test_models_are_built_side_by_side_as_long_as_events_are_few(
    few: int, at_a_time: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dbt_run, "usable_cores", lambda: 3)
    monkeypatch.setattr(dbt_run, "FEW_EVENTS", few)
    lake = write_lake(tmp_path / "lake", random_events(seed=21, change_sets=4))
    settings = dbt_settings(lake, tmp_path / "w.duckdb", datetime(2026, 1, 1, tzinfo=UTC))
    assert settings[settings.index("--threads") + 1] == at_a_time
