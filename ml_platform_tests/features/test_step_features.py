import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from ml_platform.adapters.feature_parts import parquet_files
from ml_platform.features.step_features import STEP_FEATURES, TABLE
from ml_platform_tests.features.conftest import Built, rows_of
from ml_platform_tests.features.lakes import AS_OF, START, random_events
from ml_platform_tests.features.pattern_oracle import Event
from ml_platform_tests.features.step_oracle import step_rows
from ml_platform_tests.features.table_keys import KEYS

Rows = list[dict[str, Any]]
Compute = Callable[[Sequence[Event], Rows], Rows]
NAMES = [spec.name for spec in STEP_FEATURES]
STEPS_BACK = ("open", "share", "run", "edit", "open")


def event(minutes: float, operation: str = "edit", *, n: int = 0, **more: Any) -> Event:
    at = START + timedelta(minutes=minutes)
    values = {"tool": "editor", "object_path": "src/a.py"} | more
    return Event(f"u{minutes}-{n}", "u", at, f"u{minutes}", operation=operation, **values)


def run(at: datetime, user: str = "u", trigger: str | None = "manual") -> dict[str, Any]:
    return {
        "execution_id": f"x{user}{at.isoformat()}",
        "workflow_id": "w",
        "user_id": user,
        "started_at": at,
        "received_at": AS_OF,
        "source": "test",
        "status": "success",
        "trigger": trigger,
    }


def minutes(count: float) -> datetime:
    return START + timedelta(minutes=count)


def some_runs(events: Sequence[Event], seed: int) -> Rows:
    """Runs shortly after, shortly before and at the moments of some events; some are scheduled."""
    draw = random.Random(seed)
    executions = {}
    for each in events:
        if draw.random() < 0.3:
            at = each.occurred_at + timedelta(microseconds=draw.choice((-1, 0, 1, 1_800_000_000)))
            execution = run(at, each.user_id, draw.choice(("manual", "event", "schedule", None)))
            executions[execution["execution_id"]] = execution
    return list(executions.values())


def oracle(events: Sequence[Event], runs: Rows, as_of: datetime = AS_OF) -> Rows:
    known = [
        (each["user_id"], Event("", "", each["started_at"], "", "", "").t)
        for each in runs
        if each["trigger"] in ("manual", "event") and each["started_at"] < as_of
    ]
    who = {each.user_id for each in events}
    return step_rows(events, [(user, t) for user, t in known if user in who], as_of)


def assert_same(ours: Rows, theirs: Rows) -> None:
    assert [row["row_id"] for row in ours] == [row["row_id"] for row in theirs]
    for mine, other in zip(ours, theirs, strict=True):
        differing = {name: (mine[name], other[name]) for name in other if mine[name] != other[name]}
        assert not differing, (mine["row_id"], differing)


class TestByHand:
    """Five steps at 0, 1, 2, 3 and 100 minutes; a run half a minute after the third one."""

    @pytest.fixture(scope="class")
    def rows(self, steps_of: Compute) -> Rows:
        events = [
            event(0, "open"),
            event(1),
            event(2, "run"),
            event(2, "run", n=1, object_path="docs/x.md"),
            event(3, "share"),
            event(100, "open", object_path=None),
        ]
        return steps_of(events, [run(minutes(2.5)), run(minutes(50), trigger="schedule")])

    def test_a_moment_of_several_rows_is_one_step(self, rows: Rows) -> None:
        assert [row["row_id"] for row in rows] == ["u0-0", "u1-0", "u2-0", "u3-0", "u100-0"]

    def test_next_step_and_end(self, rows: Rows) -> None:
        labels = [row["next_step"] for row in rows]
        assert labels == ["editor:edit", "editor:run", "editor:share", "end", "end"]

    def test_soon_is_until_the_third_step_from_here(self, rows: Rows) -> None:
        # From the first step the third is at 3 minutes; what a schedule starts at 50 minutes is not asked.
        assert [row["workflow_soon"] for row in rows] == ["yes", "yes", "yes", "no", "no"]

    def test_lists_run_on_over_the_border_that_the_gap_marks(self, rows: Rows) -> None:
        last = rows[-1]
        assert last["steps"] == [f"editor:{name}" for name in STEPS_BACK]
        assert last["objects"] == ["none", "src|py", "docs|md", "src|py", "src|py"]
        assert last["gaps"] == ["pause:8h", "80s", "80s", "80s", "first"]
        assert last["runs"] == ["-", "-", "run", "-", "-"]
        assert (last["session_position"], last["steps_since_run"]) == (0, 2)

    def test_a_run_is_known_at_the_next_step(self, rows: Rows) -> None:
        assert [row["hours_since_run"] for row in rows[:4]] == [None, None, None, 0.5 / 60]
        assert rows[2]["runs"] == ["-", "-", "-"]
        assert rows[3]["runs"] == ["-", "run", "-", "-"]


def test_labels_are_unknown_until_the_session_is_over(steps_of: Compute) -> None:
    """Half an hour after its last step, and not a microsecond before."""
    early, late = AS_OF - timedelta(minutes=31), AS_OF - timedelta(minutes=30)
    rows = steps_of(
        [
            Event("a", "u", early, "a", "editor", "open"),
            Event("b", "v", late, "b", "editor", "open"),
        ],
        [run(early + timedelta(seconds=1), "u")],
    )
    known = {row["user_id"]: (row["next_step"], row["workflow_soon"]) for row in rows}
    assert known == {"u": ("end", "yes"), "v": (None, None)}


class TestCases:
    """A process log: two people at one case, one of them at another in between, with pauses of days."""

    @pytest.fixture(scope="class")
    def rows(self, steps_of: Compute) -> Rows:
        def step(hours: float, case: str, user: str, activity: str) -> Event:
            at = START + timedelta(hours=hours)
            values: dict[str, Any] = {"tool": "process-log", "source": "process-log:log.csv"}
            name = f"{case}{hours}"
            return Event(name, user, at, name, operation=activity, session_id=case, **values)

        return steps_of(
            [
                step(0, "A", "u", "open"),
                step(1, "B", "u", "open"),
                step(30, "A", "v", "check"),
                step(80, "A", "u", "close"),
                step(24 * 100, "B", "u", "check"),
            ],
            [],
        )

    def test_the_next_step_is_that_of_the_case_whoever_does_it(self, rows: Rows) -> None:
        assert [row["next_step"] for row in rows] == [
            "process-log:check",
            "process-log:check",
            "process-log:close",
            "end",
            None,
        ]

    def test_a_case_is_over_when_it_has_rested_as_long_as_pauses_are(self, rows: Rows) -> None:
        """Pauses are of 30, 50 and 2,399 hours: the last case has a hundred days to go."""
        assert rows[3]["next_step"] == "end"
        assert rows[4]["next_step"] is None

    def test_no_pause_begins_a_session_inside_a_case(self, rows: Rows) -> None:
        assert rows[3]["gaps"] == ["3d", "3d", "first"]
        assert [row["session_position"] for row in rows] == [0, 0, 1, 2, 1]
        assert rows[3]["steps"] == [f"process-log:{name}" for name in ("close", "check", "open")]

    def test_a_case_stays_whole_and_is_one_cluster(self, rows: Rows) -> None:
        assert {(row["cluster_id"], row["change_set_id"]) for row in rows} == {
            ("case:A", "case:A"),
            ("case:B", "case:B"),
        }
        assert [row["user_id"] for row in rows] == ["u", "u", "v", "u", "u"]


def test_without_unscheduled_runs_soon_is_unknown(steps_of: Compute) -> None:
    rows = steps_of([event(0), event(1)], [run(minutes(0.5), trigger="schedule")])
    assert [row["workflow_soon"] for row in rows] == [None, None]
    assert [row["next_step"] for row in rows] == ["editor:edit", "end"]


@pytest.mark.parametrize("seed", range(1, 6))
def test_compiled_sql_agrees_with_the_oracle_to_the_bit(steps_of: Compute, seed: int) -> None:
    events = random_events(seed)
    runs = some_runs(events, seed)
    assert_same(steps_of(events, runs), oracle(events, runs))


@pytest.mark.parametrize("seed", range(1, 4))
def test_cases_agree_with_the_oracle_to_the_bit(steps_of: Compute, seed: int) -> None:
    """The users of one half of the change sets are in cases of a process log, several in each."""
    events = [
        replace(
            each, source="process-log:log.csv", session_id=f"case{int(each.change_set_id[1:]) % 7}"
        )
        if int(each.change_set_id[1:]) % 2
        else each
        for each in random_events(seed)
    ]
    assert_same(steps_of(events, []), oracle(events, []))
    clock = sorted(events, key=lambda each: each.t)[-1].occurred_at + timedelta(hours=1)
    assert {row["next_step"] for row in oracle(events, [], clock)} > {None, "end"}


def test_dbt_agrees_with_the_oracle_and_the_declaration(built: Built) -> None:
    (path,) = parquet_files(built.build.path("step_features"))
    labels = [label.name for label in TABLE.labels]
    assert pq.read_schema(path).names == [*KEYS, *labels, *NAMES]
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        rows = rows_of(connection, f"select * from '{path}'")
    assert_same(rows, oracle(built.events, []))


@pytest.mark.parametrize("how", ["changed", "deleted", "added"])
@pytest.mark.parametrize("place", [20, 60, 100])
def test_poisoning_the_future_changes_no_feature(steps_of: Compute, how: str, place: int) -> None:
    """Events and runs at the row's moment or after it, but for the row's own moment."""
    events = sorted(random_events(seed=9), key=lambda event: (event.t, event.event_id))
    runs, row = some_runs(events, 9), events[place]
    kept = [e for e in events if e.t < row.t or (e.user_id, e.t) == (row.user_id, row.t)]
    future = [e for e in events if e not in kept]
    changed = [
        replace(e, event_id=f"!{e.event_id}", tool="poison", user_id=row.user_id) for e in future
    ]
    changed = [e for e in changed if e.t != row.t]
    past_runs = [each for each in runs if each["started_at"] < row.occurred_at]
    poison = [run(row.occurred_at + timedelta(microseconds=n), row.user_id) for n in (0, 1, 10**6)]
    dirty_events = {"deleted": kept, "changed": kept + changed, "added": kept + future + changed}
    dirty_runs = past_runs if how == "deleted" else [*past_runs, *poison]
    clean = {each["row_id"]: each for each in steps_of(events, runs)}
    dirty = {each["row_id"]: each for each in steps_of(dirty_events[how], dirty_runs)}
    compared = [e.event_id for e in kept if e.event_id in clean]
    assert compared
    for name in [*KEYS, *NAMES]:
        for row_id in compared:
            assert dirty[row_id][name] == clean[row_id][name], (name, row_id)


def test_other_names_of_users_change_the_names_alone(steps_of: Compute) -> None:
    events = random_events(seed=3)
    runs = some_runs(events, 3)
    other = {"a": "b", "b": "c", "c": "a"}
    renamed = steps_of(
        [replace(each, user_id=other[each.user_id]) for each in events],
        [each | {"user_id": other[each["user_id"]]} for each in runs],
    )
    same = {row["row_id"]: row for row in steps_of(events, runs)}
    assert len(renamed) == len(same)
    for row in renamed:
        for name in set(row) - {"user_id", "cluster_id"}:
            assert row[name] == same[row["row_id"]][name], name
