"""What a build refuses, and that the published features survive it."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from ml_platform.adapters.dbt_project import PLATFORM_PROJECT, DbtProject
from ml_platform.adapters.dbt_run import dbt_arguments, dbt_settings, run_dbt
from ml_platform.adapters.feature_parts import PARTS_FILE, parquet_files
from ml_platform.adapters.warehouse import build_features
from ml_platform.errors import IntegrityError, ServiceError
from ml_platform_tests.features.conftest import Built, rows_of
from ml_platform_tests.features.lakes import AS_OF, START, random_events, write_lake
from ml_platform_tests.features.pattern_oracle import Event

EVENTS = random_events(seed=3, change_sets=8)

HABIT = [
    Event(f"habit{n}", "habit", START + timedelta(minutes=n), f"habit{n}", "ab"[n % 2], "M")
    for n in range(6)
]


def build(lake: Path, folder: Path, project: DbtProject = PLATFORM_PROJECT) -> Path:
    arguments = (lake, folder / "out", folder / "warehouse.duckdb", AS_OF, lambda _: None, project)
    return build_features(*arguments).path("pattern_features")


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """Features of an earlier build, which no failure may touch."""
    path = tmp_path / "out" / "pattern_features" / PARTS_FILE
    path.parent.mkdir(parents=True)
    path.write_bytes(b"what was there before")
    return path


def test_a_dropped_column_of_a_model_fails_the_build_with_its_name(
    tmp_path: Path, published: Path
) -> None:
    project = tmp_path / "project"
    shutil.copytree(
        PLATFORM_PROJECT.folder, project, ignore=shutil.ignore_patterns("target", "logs")
    )
    model = project / "models" / "staging" / "stg_events.sql"
    model.write_text(model.read_text().replace("    is_bot,\n", ""))
    with pytest.raises(ServiceError, match=r"stg_events.*is_bot"):
        build(
            write_lake(tmp_path / "lake", EVENTS),
            tmp_path,
            replace(PLATFORM_PROJECT, folder=project),
        )
    assert published.read_bytes() == b"what was there before"


def test_a_dropped_column_of_the_lake_fails_the_build_with_its_name(
    tmp_path: Path, published: Path
) -> None:
    lake = write_lake(tmp_path / "lake", EVENTS)
    for file in lake.glob("events/day=*/*.parquet"):
        pq.write_table(pq.read_table(file, partitioning=None).drop_columns(["tool"]), file)
    with pytest.raises(ServiceError, match="tool"):
        build(lake, tmp_path)
    assert published.read_bytes() == b"what was there before"


def test_a_failed_data_test_names_its_rows_and_publishes_nothing(
    tmp_path: Path, published: Path
) -> None:
    doubled = [*EVENTS, replace(EVENTS[0], tool="another")]
    lake = write_lake(tmp_path / "lake", doubled)
    with pytest.raises(IntegrityError, match=rf"unique_stg_events_event_id.*{EVENTS[0].event_id}"):
        build(lake, tmp_path)
    assert published.read_bytes() == b"what was there before"


def test_an_empty_lake_gives_one_empty_part(tmp_path: Path) -> None:
    (part,) = parquet_files(build(write_lake(tmp_path / "lake", []), tmp_path))
    assert pq.read_metadata(part).num_rows == 0


def test_a_lake_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="nowhere"):
        build(tmp_path / "nowhere", tmp_path)


def test_a_clock_without_a_zone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        dbt_settings(tmp_path, tmp_path / "w.duckdb", datetime(2026, 1, 1))


def test_another_clock_and_newer_rows_do_not_let_dbt_parse_again(tmp_path: Path) -> None:
    warehouse, lines = tmp_path / "w.duckdb", list[str]()
    for days in range(2):
        clock = AS_OF + timedelta(days=days)
        asked = {"pattern_features": clock}
        arguments = dbt_arguments(
            "parse", tmp_path, warehouse, clock, PLATFORM_PROJECT.folder, asked
        )
        run_dbt(arguments, warehouse, lines.append)
    parsed = [line for line in lines if "partial parsing" in line.lower()]
    assert len(parsed) == 1, "the first time alone there is nothing to go on with"
    assert "saved manifest not found" in parsed[0]


def test_progress_is_told(built: Built) -> None:
    assert any("pattern_features" in line for line in built.messages)


class TestMarts:
    """Two executions and two suggestions of one user and workflow, one of each after the clock."""

    @pytest.fixture(scope="class")
    def marts(
        self, tmp_path_factory: pytest.TempPathFactory
    ) -> Callable[[str], list[dict[str, object]]]:
        folder = tmp_path_factory.mktemp("marts")
        common = {"user_id": "a", "workflow_id": "w", "received_at": START, "source": "test"}
        late = AS_OF + timedelta(hours=1)
        lake = write_lake(
            folder / "lake",
            [*random_events(seed=4), *HABIT],
            workflow_executions=[
                common | {"execution_id": "x1", "started_at": START, "status": "success"},
                common | {"execution_id": "x2", "started_at": late, "status": "success"},
            ],
            suggestions=[
                common
                | {
                    "suggestion_id": "s1",
                    "shown_at": START,
                    "outcome": "accepted",
                    "outcome_at": START,
                },
                common
                | {
                    "suggestion_id": "s2",
                    "shown_at": START,
                    "outcome": "accepted",
                    "outcome_at": late,
                },
                common | {"suggestion_id": "s3", "shown_at": late},
            ],
        )
        build(lake, folder)

        def read(sql: str) -> list[dict[str, object]]:
            with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as connection:
                return rows_of(connection, sql)

        return read

    def test_adoption_knows_nothing_after_the_clock(
        self, marts: Callable[[str], list[dict[str, object]]]
    ) -> None:
        (row,) = marts("select * from marts.workflow_adoption")
        assert (row["suggestions"], row["answered"], row["accepted"]) == (2, 1, 1)
        assert (row["executions"], row["succeeded"], row["adopted"]) == (1, 1, True)
        assert (row["first_suggestion_id"], row["first_execution_id"]) == ("s1", "x1")

    def test_shares_of_the_week_add_up_and_trace_to_events(
        self, marts: Callable[[str], list[dict[str, object]]]
    ) -> None:
        totals = marts(
            "select user_id, sum(share) as share, count(first_event_id) = count(*) as traced "
            "from marts.temporal_patterns group by user_id"
        )
        assert len(totals) == 4
        assert all(abs(float(str(row["share"])) - 1) < 1e-12 and row["traced"] for row in totals)

    def test_patterns_recur_and_trace_to_events(
        self, marts: Callable[[str], list[dict[str, object]]]
    ) -> None:
        """Six steps a, b, a, b, a, b: aba and bab twice each, first complete at the third and fourth."""
        rows = marts(
            "select first_step, occurrences, first_event_id from marts.patterns "
            "where user_id = 'habit' order by first_step"
        )
        assert rows == [
            {"first_step": "a:M", "occurrences": 2, "first_event_id": "habit2"},
            {"first_step": "b:M", "occurrences": 2, "first_event_id": "habit3"},
        ]
