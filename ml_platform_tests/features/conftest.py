"""One dbt build for the session; further lakes run the SQL that it compiled, in a second each."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ml_platform.adapters import feature_parts
from ml_platform.adapters.warehouse import FeatureBuild, build_features
from ml_platform_tests.features.lakes import AS_OF, random_events, write_lake
from ml_platform_tests.features.pattern_oracle import Event
from ml_platform_tests.features.start_time_lakes import event, execution
from ml_platform_tests.features.start_time_oracle import Done, Run
from ml_platform_tests.features.suggestion_lakes import History, lake_events, lake_tables
from ml_platform_tests.shared_folders import made_once

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Built:
    """A lake whose features dbt itself has built."""

    events: list[Event]
    folder: Path
    build: FeatureBuild
    messages: list[str]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return made_once(tmp_path_factory, "built", Built, _built)


def _built(folder: Path) -> Built:
    events = random_events(seed=1)
    messages: list[str] = []
    lake = write_lake(folder / "lake", events)
    build = build_features(
        lake, folder / "out", folder / "warehouse.duckdb", AS_OF, messages.append
    )
    return Built(events, folder, build, messages)


@pytest.fixture
def parts_of_twelve_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Published tables whose parts end with the day on which they reach twelve rows."""
    monkeypatch.setattr(feature_parts, "PART_ROWS", 12)


@pytest.fixture(scope="module")
def parts_of_twelve_rows_of_a_module() -> Iterator[None]:
    """The same for all tests of a module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feature_parts, "PART_ROWS", 12)
        yield


@pytest.fixture(scope="session")
def features_of(
    built: Built, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Sequence[Event]], Rows]:
    """Events to the rows of ``pattern_features``, by the compiled SQL of the session's build."""
    return lambda events: compute(built, tmp_path_factory, "pattern_features", events)


@pytest.fixture(scope="session")
def steps_of(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Rows]:
    """Events and executions to the rows of ``step_features``, by the compiled SQL of the session's build."""

    def steps(events: Sequence[Event], executions: Rows) -> Rows:
        tables = {"workflow_executions": executions}
        return compute(built, tmp_path_factory, "step_features", events, **tables)

    return steps


@pytest.fixture(scope="session")
def sessions_of(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Rows]:
    """Events and reports to the rows of ``session_features``, by the compiled SQL of the session's build."""

    def sessions(events: Sequence[Event], reports: Rows) -> Rows:
        tables = {"known_anomalies": reports}
        return compute(built, tmp_path_factory, "session_features", events, **tables)

    return sessions


@pytest.fixture(scope="session")
def suggestions_of(
    built: Built, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[History], dict[str, dict[str, Any]]]:
    """A history to the rows of ``suggestion_features`` by id, by the compiled SQL of the session's build."""

    def suggestions(history: History) -> dict[str, dict[str, Any]]:
        events, tables = lake_events(history), lake_tables(history)
        rows = compute(built, tmp_path_factory, "suggestion_features", events, **tables)
        return {row["row_id"]: row for row in rows}

    return suggestions


@pytest.fixture(scope="session")
def start_times_of(
    built: Built, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Sequence[Run], Sequence[Done]], Rows]:
    """Runs and events to the rows of ``start_time_features``, by the compiled SQL of the session's build."""

    def start_times(runs: Sequence[Run], events: Sequence[Done]) -> Rows:
        done = [event(each, number) for number, each in enumerate(events)]
        ran = [execution(run) for run in runs]
        table = "start_time_features"
        return compute(built, tmp_path_factory, table, done, workflow_executions=ran)

    return start_times


def compute(
    built: Built,
    folders: pytest.TempPathFactory,
    table: str,
    events: Sequence[Event],
    **tables: Rows,
) -> Rows:
    """The rows of a feature table for other events, by the compiled SQL of the session's build."""
    manifest = json.loads((built.folder / "dbt" / "manifest.json").read_text(encoding="utf-8"))
    folder = folders.mktemp("lake")
    lake = write_lake(folder / "lake", events, **tables)
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        connection.execute("set threads = 1; set TimeZone = 'UTC'")
        for schema in ("staging", "intermediate", "features"):
            connection.execute(f"create schema {schema}")
        for model in _in_order(manifest["nodes"], table):
            sql = _compiled(built.folder, model).replace("'lake/", f"'{lake}/")
            connection.execute(f"create table {model['schema']}.{model['name']} as ({sql})")
        return rows_of(connection, f"select * from features.{table}")


def rows_of(connection: duckdb.DuckDBPyConnection, sql: str) -> Rows:
    """The result as dictionaries."""
    result = connection.execute(sql)
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _compiled(folder: Path, model: dict[str, Any]) -> str:
    compiled: Path = folder / "dbt" / "compiled" / "ml_platform" / model["original_file_path"]
    return compiled.read_text(encoding="utf-8")


def _in_order(nodes: dict[str, Any], table: str) -> list[dict[str, Any]]:
    wanted = f"model.ml_platform.{table}"
    order: list[str] = []

    def visit(name: str) -> None:
        if name in nodes and name not in order:
            for parent in nodes[name]["depends_on"]["nodes"]:
                visit(parent)
            order.append(name)

    visit(wanted)
    return [nodes[name] for name in order]
