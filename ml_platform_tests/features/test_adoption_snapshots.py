"""Snapshots by the compiled SQL of the session's build, against answers by hand and a plain oracle."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any

import duckdb
import pytest

from ml_platform.features.adoption_snapshots import TABLE
from ml_platform_tests.features.adoption_oracle import Run, adoption_snapshots
from ml_platform_tests.features.conftest import Built, rows_of
from ml_platform_tests.features.lakes import AS_OF, write_lake
from ml_platform_tests.features.pattern_oracle import Event
from ml_platform_tests.features.table_keys import KEYS

Rows = list[dict[str, Any]]
Compute = Callable[[Sequence[Event], Sequence[Run]], Rows]
MODELS = ("stg_events", "stg_users", "stg_workflow_executions", "adoption_snapshots")
MONDAY = datetime(2026, 6, 1, tzinfo=UTC)
TEAMS = {"a": "red", "b": "blue"}


@pytest.fixture(scope="module")
def snapshots_of(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Compute:
    manifest = json.loads((built.folder / "dbt" / "manifest.json").read_text(encoding="utf-8"))
    nodes = manifest["nodes"]
    numbers = count()

    def snapshots(events: Sequence[Event], runs: Sequence[Run]) -> Rows:
        folder = tmp_path_factory.mktemp(f"snapshots{next(numbers)}")
        users = [
            {"user_id": u, "source": "test", "received_at": MONDAY, "team": t}
            for u, t in TEAMS.items()
        ]
        ran = [run.lake_row() for run in runs]
        lake = write_lake(folder / "lake", events, users=users, workflow_executions=ran)
        with duckdb.connect() as connection:
            connection.execute("set threads = 1; set TimeZone = 'UTC'")
            connection.execute("attach ':memory:' as warehouse; use warehouse")
            for schema in ("staging", "features"):
                connection.execute(f"create schema {schema}")
            for name in MODELS:
                model = nodes[f"model.ml_platform.{name}"]
                path = built.folder / "dbt/compiled/ml_platform" / model["original_file_path"]
                sql = path.read_text().replace("'lake/", f"'{lake}/")
                connection.execute(f"create table {model['schema']}.{name} as ({sql})")
            return rows_of(connection, "select * from features.adoption_snapshots")

    return snapshots


def event(days: float, user: str = "a", **more: Any) -> Event:
    at = MONDAY + timedelta(days=days)
    values = {"tool": "editor", "operation": "M"} | more
    return Event(f"{user}{days}{more}", user, at, f"{user}{days}{more}", **values)


def run(days: float, workflow: str, user: str = "a") -> Run:
    return Run(f"{user}{workflow}{days}", user, workflow, MONDAY + timedelta(days=days))


def at_monday(rows: Rows, user: str = "a", week: int = 0) -> dict[str, Any]:
    return next(
        row
        for row in rows
        if row["user_id"] == user and row["occurred_at"] == MONDAY + timedelta(weeks=week)
    )


MICROSECOND = 1 / 86_400_000_000


def test_by_hand(snapshots_of: Compute) -> None:
    """Three runs of x and one of y before the Monday, z on its first microsecond, v a fortnight later."""
    rows = snapshots_of(
        [event(-2, workflow_category="fix"), event(-0.5, tool="late"), event(-1.5, tool="shell")],
        [
            *[run(-20 + n, "x") for n in range(3)],
            run(-MICROSECOND, "y"),
            run(0, "z"),
            run(1, "x"),
            run(14 - MICROSECOND, "w"),
            run(14, "v"),
        ],
    )
    row = at_monday(rows)
    assert row["row_id"] == "a@2026-06-01"
    assert (row["used"], row["recent"]) == (["x", "x", "y"], ["y"])
    assert row["next_used"] == ["z", "w"]
    assert (row["workflows_used"], row["runs"], row["runs_14d"]) == (2, 4, 1)
    assert row["workflows_begun_14d"] == 1
    assert row["recent_doings"] == ["c:fix", "t:editor", "t:shell"], "of the last day nothing"
    assert row["team"] == "red"
    assert row["days_since_first_seen"] == 20
    assert at_monday(rows, week=-1)["next_used"] == ["y", "z"]


def test_the_label_waits_for_its_fortnight(snapshots_of: Compute) -> None:
    """As of 1 July: the fortnight of 15 June ends on the 29th, that of the 22nd has not ended."""
    rows = snapshots_of([event(d) for d in range(0, 30, 3)], [run(1, "x")])
    assert at_monday(rows, week=2)["next_used"] == []
    assert at_monday(rows, week=3)["next_used"] is None


def test_a_user_not_seen_for_four_weeks_has_no_row(snapshots_of: Compute) -> None:
    rows = snapshots_of([event(-28), event(-28 - MICROSECOND, user="b")], [run(-60, "x")])
    mondays = {(row["user_id"], row["occurred_at"]) for row in rows}
    assert ("a", MONDAY) in mondays
    assert ("b", MONDAY) not in mondays


def test_without_a_run_there_is_no_row(snapshots_of: Compute) -> None:
    assert snapshots_of([event(-2), event(-9)], []) == []


def test_columns_are_those_of_the_declaration(snapshots_of: Compute) -> None:
    (row, *_) = snapshots_of([event(-2)], [run(-1, "x")])
    labels = [label.name for label in TABLE.labels]
    assert list(row) == [*KEYS, *labels, *(spec.name for spec in TABLE.features)]


def random_history(seed: int) -> tuple[list[Event], list[Run]]:
    random = Random(seed)
    steps = (0.0, 0.5, 1.0, 7.0, MICROSECOND, -MICROSECOND)
    events, runs = [], []
    for _ in range(60):
        day = random.randrange(-70, 30) + random.choice(steps)
        user = random.choice("abc")
        events.append(
            event(
                day,
                user,
                tool=random.choice(("editor", "shell")),
                workflow_category=random.choice((None, "fix", "feat")),
                is_bot=user == "c",
            )
        )
    for number in range(80):
        day = random.randrange(-70, 30) + random.choice(steps)
        drawn = run(day, random.choice("vwxyz"), random.choice("ab"))
        runs.append(Run(f"r{number}", drawn.user_id, drawn.workflow_id, drawn.started_at))
    return [_unique(e, n) for n, e in enumerate(events)], runs


def _unique(event: Event, number: int) -> Event:
    return replace(event, event_id=f"e{number}", change_set_id=f"e{number}")


@pytest.mark.parametrize("seed", range(4))
def test_sql_agrees_with_the_oracle(snapshots_of: Compute, seed: int) -> None:
    events, runs = random_history(seed)
    ours = [{k: v for k, v in row.items() if k != "source"} for row in snapshots_of(events, runs)]
    theirs = adoption_snapshots(events, runs, TEAMS, AS_OF)
    assert [row["row_id"] for row in ours] == [row["row_id"] for row in theirs]
    assert len(ours) > 20
    for mine, other in zip(ours, theirs, strict=True):
        assert mine == other


@pytest.mark.parametrize("how", ["deleted", "added"])
def test_poisoning_the_future_changes_no_feature(snapshots_of: Compute, how: str) -> None:
    events, runs = random_history(7)
    clean = snapshots_of(events, runs)
    kept_events = [e for e in events if e.occurred_at < MONDAY]
    kept_runs = [r for r in runs if r.started_at < MONDAY]
    if how == "added":
        kept_events = [*events, *(event(d, "a", tool="poison") for d in (0, 1, 5))]
        kept_runs = [*runs, *(run(d, "poison") for d in (0, 3, 9))]
    dirty = {row["row_id"]: row for row in snapshots_of(kept_events, kept_runs)}
    names = [spec.name for spec in TABLE.features]
    past = [row for row in clean if row["occurred_at"] <= MONDAY]
    assert len(past) > 10
    for row in past:
        assert {n: row[n] for n in names} == {n: dirty[row["row_id"]][n] for n in names}
