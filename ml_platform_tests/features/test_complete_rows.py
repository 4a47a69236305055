"""A window that ends where rows are complete holds the same rows whenever it is looked at."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ml_platform.adapters.dbt_project import PLATFORM_PROJECT
from ml_platform.adapters.lake import ParquetLake
from ml_platform.adapters.warehouse import lay_out_kept_parts
from ml_platform.clock import WINDOW
from ml_platform.events.ingest import ingest
from ml_platform.events.sources.simulate import SimulateSource
from ml_platform.features.tables import TABLES
from ml_platform.spec.feature_table import FeatureTable
from ml_platform_tests.features.compiled_features import CompiledFeatures

LATER = datetime(2026, 1, 5, tzinfo=UTC)
LOOKS = [LATER - timedelta(days=8) - n * WINDOW for n in range(2)]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("complete")
    source = SimulateSource(as_of=LATER, days=40, users=12, seed=4)
    lake = ParquetLake(folder / "lake", folder / "quarantine")
    ingest(source, lake, now=LATER, progress=lambda _: None)
    return folder / "lake"


@pytest.fixture(scope="module")
def warehouses(lake: Path, compiled: CompiledFeatures) -> dict[datetime, Path]:
    """The features as they were known at each look, and long after."""
    built = {}
    for as_of in (*LOOKS, LATER):
        built[as_of] = lake.parent / f"{as_of:%d%H}" / "warehouse.duckdb"
        built[as_of].parent.mkdir()
        lay_out_kept_parts(PLATFORM_PROJECT, lake.parent / "features", built[as_of], {})
        compiled.build(lake, built[as_of], as_of)
    return built


def window(
    warehouse: Path, table: FeatureTable, end: datetime, until: timedelta
) -> list[tuple[Any, ...]]:
    """Ids, times and features of the rows of the week that ends ``until`` before ``end``."""
    columns = ", ".join(["row_id", "cluster_id", *(feature.name for feature in table.features)])
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        return connection.execute(
            f"select {columns} from features.{table.name} where occurred_at >= $1 and occurred_at < $2 "
            "order by row_id",
            [end - until - timedelta(days=7), end - until],
        ).fetchall()


@pytest.mark.parametrize("name", TABLES)
def test_a_window_looks_the_same_at_its_end_and_a_week_later(
    name: str, warehouses: dict[datetime, Path]
) -> None:
    table = TABLES[name]
    assert table.complete_after % WINDOW == timedelta(0)
    for end in LOOKS:
        then = window(warehouses[end], table, end, table.complete_after)
        assert then, "there is nothing to compare"
        assert then == window(warehouses[LATER], table, end, table.complete_after), end


def test_without_the_wait_candidate_sets_of_the_newest_day_are_missing(
    warehouses: dict[datetime, Path],
) -> None:
    table, none = TABLES["start_time_features"], timedelta(0)
    for end in LOOKS:
        then = window(warehouses[end], table, end, none)
        assert len(then) < len(window(warehouses[LATER], table, end, none))
