"""What a build refuses, and that the published features survive it."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from ml_platform.adapters import dbt_run
from ml_platform.adapters.dbt_project import PLATFORM_PROJECT, ParsedProject, parsed_project
from ml_platform.adapters.dbt_run import dbt_arguments, dbt_settings, run_dbt
from ml_platform.adapters.feature_parts import PARTS_FILE, parquet_files
from ml_platform.adapters.warehouse import build_features, lay_out_kept_parts
from ml_platform.errors import IntegrityError, ServiceError
from ml_platform.models.catalogue import Catalogue
from ml_platform.settings import Settings, read_settings
from ml_platform_tests.features.compiled_features import CompiledFeatures
from ml_platform_tests.features.conftest import Built, rows_of
from ml_platform_tests.features.lakes import AS_OF, START, random_events, write_lake
from ml_platform_tests.features.pattern_oracle import Event

EVENTS = random_events(seed=3, change_sets=8)

HABIT = [
    Event(f"habit{n}", "habit", START + timedelta(minutes=n), f"habit{n}", "ab"[n % 2], "M")
    for n in range(6)
]


def build(folder: Path) -> Path:
    project = replace(PLATFORM_PROJECT, folder=folder / "project")
    lake, warehouse = folder / "lake", folder / "warehouse.duckdb"
    arguments = (lake, folder / "out", warehouse, AS_OF, lambda _: None, project)
    return build_features(*arguments).path("pattern_features")


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for one build after the other: what dbt has parsed for its paths is not parsed again."""
    return tmp_path_factory.mktemp("parsed")


@pytest.fixture
def folder(parsed: Path) -> Path:
    """That folder with the project as it is, and with neither lake, warehouse nor features."""
    for name in ("project", "lake", "kept", "out"):
        shutil.rmtree(parsed / name, ignore_errors=True)
    for path in parsed.glob("warehouse.duckdb*"):
        path.unlink()
    left_out = shutil.ignore_patterns("target", "logs")
    shutil.copytree(PLATFORM_PROJECT.folder, parsed / "project", ignore=left_out)
    return parsed


@pytest.fixture
def published(folder: Path) -> Path:
    """Features of an earlier build, which no failure may touch."""
    path = folder / "out" / "pattern_features" / PARTS_FILE
    path.parent.mkdir(parents=True)
    path.write_bytes(b"what was there before")
    return path


def test_a_dropped_column_of_a_model_fails_the_build_with_its_name(
    folder: Path, published: Path
) -> None:
    write_lake(folder / "lake", EVENTS)
    model = folder / "project" / "models" / "staging" / "stg_events.sql"
    model.write_text(model.read_text().replace("    is_bot,\n", ""))
    with pytest.raises(ServiceError, match=r"stg_events.*is_bot"):
        build(folder)
    assert published.read_bytes() == b"what was there before"


def test_a_dropped_column_of_the_lake_fails_the_build_with_its_name(
    folder: Path, published: Path
) -> None:
    lake = write_lake(folder / "lake", EVENTS)
    for file in lake.glob("events/day=*/*.parquet"):
        pq.write_table(pq.read_table(file, partitioning=None).drop_columns(["tool"]), file)
    with pytest.raises(ServiceError, match="tool"):
        build(folder)
    assert published.read_bytes() == b"what was there before"


def test_a_failed_data_test_names_its_rows_and_publishes_nothing(
    folder: Path, published: Path
) -> None:
    doubled = [*EVENTS, replace(EVENTS[0], tool="another")]
    write_lake(folder / "lake", doubled)
    with pytest.raises(IntegrityError, match=rf"unique_stg_events_event_id.*{EVENTS[0].event_id}"):
        build(folder)
    assert published.read_bytes() == b"what was there before"


def test_an_empty_lake_gives_one_empty_part(folder: Path) -> None:
    write_lake(folder / "lake", [])
    (part,) = parquet_files(build(folder))
    assert pq.read_metadata(part).num_rows == 0


def test_a_lake_that_is_not_there_is_named(folder: Path) -> None:
    with pytest.raises(ServiceError, match=r"lake/\w+/"):
        build(folder)


def test_a_clock_without_a_zone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        dbt_settings(tmp_path, tmp_path / "w.duckdb", datetime(2026, 1, 1))


@pytest.fixture(scope="module")
def new_home(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, ParsedProject]:
    """A home in which nothing was built, and its project, which was parsed for another home."""
    cache, folder = read_settings().cache, tmp_path_factory.mktemp("new")
    parsed_project(Catalogue(), Settings(folder / "another", None, None, None, cache=cache))
    settings = Settings(folder / "moved" / "home", None, None, None, cache=cache)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dbt_run, "DBT", folder / "no dbt")
        return settings, parsed_project(Catalogue(), settings)


def test_the_project_of_the_platform_is_not_written_to(
    new_home: tuple[Settings, ParsedProject],
) -> None:
    settings, parsed = new_home
    assert parsed.project.folder.is_relative_to(settings.home)
    assert parsed.manifest.is_relative_to(settings.home)


def test_another_home_clock_and_newer_rows_do_not_let_dbt_parse_again(
    new_home: tuple[Settings, ParsedProject],
) -> None:
    (settings, parsed), lines = new_home, list[str]()
    clock = AS_OF + timedelta(days=1)
    asked = {"pattern_features": clock}
    paths = (settings.lake, settings.warehouse)
    run_dbt(
        dbt_arguments("parse", *paths, clock, parsed.project.folder, asked),
        settings.warehouse,
        lines.append,
    )
    assert any("Running with dbt" in line for line in lines)
    assert [line for line in lines if "partial parsing" in line.lower()] == []


def test_progress_is_told(built: Built) -> None:
    assert any("pattern_features" in line for line in built.messages)


class TestMarts:
    """Two executions and two suggestions of one user and workflow, one of each after the clock."""

    @pytest.fixture(scope="class")
    def marts(
        self, tmp_path_factory: pytest.TempPathFactory, compiled: CompiledFeatures
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
        lay_out_kept_parts(PLATFORM_PROJECT, folder / "out", folder / "warehouse.duckdb", {})
        compiled.build(lake, folder / "warehouse.duckdb", AS_OF)

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
