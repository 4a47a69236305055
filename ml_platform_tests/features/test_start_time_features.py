"""Start-time features: dbt against plain Python, an example worked by hand, and a future that changes nothing."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ml_platform.features.start_time_features import START_TIME_FEATURES, TABLE
from ml_platform_tests.features.conftest import Built, Rows, compute
from ml_platform_tests.features.lakes import AS_OF, START
from ml_platform_tests.features.pattern_oracle import Event
from ml_platform_tests.features.start_time_oracle import DAY, HOUR, Done, Run, start_time_features

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BEGIN = (START - EPOCH) // timedelta(microseconds=1)
END = (AS_OF - EPOCH) // timedelta(microseconds=1)
STATUS = {"yes": "success", "no": "failure", None: "running"}
NAMES = [spec.name for spec in START_TIME_FEATURES]

Compute = Callable[[Sequence[Run], Sequence[Done]], Rows]


def moment(t: int | None) -> datetime | None:
    return None if t is None else EPOCH + timedelta(microseconds=t)


def execution(run: Run) -> dict[str, Any]:
    hours = ",".join(str(hour) for hour in run.candidates)
    return {
        "execution_id": run.execution_id,
        "workflow_id": run.workflow_id,
        "user_id": run.user_id,
        "started_at": moment(run.t),
        "received_at": AS_OF,
        "source": "test",
        "finished_at": moment(run.settled_t),
        "status": STATUS[run.outcome],
        "trigger": run.trigger,
        "propensity": run.propensity,
        "candidate_set": f"[{hours}]" if run.candidates else None,
        "attributes": json.dumps({"utc_offset_minutes": run.zone // 60_000_000}),
    }


def event(done: Done, number: int) -> Event:
    at = moment(done.t)
    assert at is not None
    offset = done.zone // 60_000_000
    return Event(
        f"e{number}", done.user_id, at, f"a{number}", "editor", "M", utc_offset_minutes=offset
    )


@pytest.fixture(scope="session")
def start_times_of(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Compute:
    """Runs and events to the rows of ``start_time_features``, by the compiled SQL of the session's build."""

    def start_times(runs: Sequence[Run], events: Sequence[Done]) -> Rows:
        event_rows = [event(done, number) for number, done in enumerate(events)]
        ran = [execution(run) for run in runs]
        return compute(built, tmp_path_factory, TABLE.name, event_rows, workflow_executions=ran)

    return start_times


def random_history(seed: int, size: int = 60) -> tuple[list[Run], list[Done]]:
    """Two users, three workflows, ties, windows hit exactly, unfinished runs, unlogged ones, sets in part."""
    draw = random.Random(seed)
    pauses = (0, 1, HOUR // 2, HOUR, 5 * HOUR, DAY, 28 * DAY)
    t, runs = BEGIN + 12 * HOUR, list[Run]()
    for number in range(size):
        t += draw.choices(pauses, weights=(3, 2, 3, 4, 6, 6, 0.3))[0]
        zone = draw.choice((-300, 0, 330)) * 60_000_000
        outcome = draw.choice(("yes", "yes", "no", None))
        settled = None if outcome is None else t + draw.choice((0, 1, HOUR, 3 * DAY))
        logged = (t + zone) // HOUR % 24
        drawn = draw.random() < 0.6
        candidates = {logged, *draw.sample(range(24), 3)} if draw.random() < 0.9 else {3, 4}
        runs.append(
            Run(
                f"x{number:03d}",
                draw.choice(("export", "report", "sync")),
                draw.choice("ab"),
                t,
                settled,
                outcome,
                draw.choice(("manual", "schedule")),
                zone,
                draw.choice((0.2, 0.5, 1.0)) if drawn else None,
                tuple(sorted(candidates)) if drawn else (),
            )
        )
    events = [
        Done(draw.choice("ab"), draw.choice(runs).t + draw.choice((-HOUR, -1, 0, 1, DAY)), 0)
        for _ in range(2 * size)
    ]
    return runs, events


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_dbt_and_plain_python_agree(start_times_of: Compute, seed: int) -> None:
    runs, events = random_history(seed)
    ours, theirs = start_times_of(runs, events), start_time_features(runs, events, END)
    assert [row["row_id"] for row in ours] == [row["row_id"] for row in theirs]
    assert len(ours) > 100
    for mine, other in zip(ours, theirs, strict=True):
        for name, value in other.items():
            if isinstance(value, float):
                assert mine[name] == pytest.approx(value, rel=1e-12, abs=1e-12), (mine, name)
            else:
                assert mine[name] == value, (mine["row_id"], name)
        assert set(mine) >= {*NAMES, "is_bot", "source", "occurred_at"}


def test_nothing_after_the_decision_changes_a_row(start_times_of: Compute) -> None:
    runs, events = random_history(4, size=40)
    rows = {row["row_id"]: row for row in start_times_of(runs, events)}
    middle = sorted(rows.values(), key=lambda row: row["occurred_at"])[len(rows) // 2]
    cut = (middle["occurred_at"] - EPOCH) // timedelta(microseconds=1)
    poisoned = [
        replace(run, outcome="no" if run.outcome == "yes" else "yes")
        if run.settled_t is not None and run.settled_t >= cut
        else run
        for run in runs
    ]
    poisoned += [
        replace(run, execution_id=f"p{run.execution_id}", t=run.t + cut - BEGIN, settled_t=None)
        for run in runs
    ]
    more = [*events, *(Done(user, cut + n, 0) for user in "ab" for n in range(50))]
    after = {row["row_id"]: row for row in start_times_of(poisoned, more)}
    compared = 0
    for name, row in rows.items():
        if row["occurred_at"] <= middle["occurred_at"]:
            assert [row[n] for n in NAMES] == [after[name][n] for n in NAMES], name
            compared += 1
    assert compared >= len(rows) // 2


def test_a_day_by_hand(start_times_of: Compute) -> None:
    """A run at 9:10 that failed at 9:40; the hour of the next day was drawn among 8, 9 and 20 o'clock: 20."""
    first = BEGIN + 9 * HOUR + HOUR // 6
    second = BEGIN + DAY + 20 * HOUR
    runs = [
        Run("x1", "export", "u", first, first + HOUR // 2, "no", "manual", 0),
        Run("x2", "export", "u", second, second + 1, "yes", "schedule", 0, 0.25, (8, 9, 20)),
    ]
    rows = {row["row_id"]: row for row in start_times_of(runs, [Done("u", first - HOUR, 0)])}
    assert sorted(rows) == ["x1:9", "x2:20", "x2:8", "x2:9"]
    assert rows["x1:9"]["hours_since_last"] is None
    assert rows["x1:9"]["succeeded"] == "no"
    assert rows["x1:9"]["propensity"] is None
    nine, eight = rows["x2:9"], rows["x2:8"]
    assert nine["occurred_at"] == moment(BEGIN + DAY), "decided at midnight"
    assert nine["hours_since_last"] == pytest.approx(24 + 1 / 3), "to half past nine"
    assert (nine["succeeded"], nine["outcome"], nine["chosen"]) == (None, "yes", 0.0)
    assert (nine["workflow_success_rate_28d"], nine["last_succeeded"]) == (0.0, 0.0)
    assert (nine["workflow_part_runs_28d"], nine["workflow_part_success_rate_28d"]) == (1.0, 0.0)
    assert (eight["workflow_part_runs_28d"], eight["workflow_part_success_rate_28d"]) == (0.0, None)
    assert rows["x2:20"]["succeeded"] == "yes"
    # The event at 8:10 lies in the hour before nine on a Sunday, which says nothing of the Monday after.
    assert rows["x1:9"]["expected_activity"] == 1.0
    assert (nine["expected_activity"], eight["expected_activity"]) == (0.0, 0.0)


def test_a_set_that_is_not_over_yet_has_no_rows(start_times_of: Compute) -> None:
    midnight = END - DAY
    over = Run("x1", "w", "u", midnight + HOUR, None, None, "schedule", 0, 0.5, (1, 22, 23))
    open_ = replace(
        over, execution_id="x2", t=midnight + DAY + HOUR // 2 - HOUR, candidates=(1, 23)
    )
    later = replace(open_, execution_id="x3", zone=-HOUR, candidates=(1, 22, 23))
    rows = start_times_of([over, open_, later], [])
    assert {row["change_set_id"] for row in rows} == {"x1", "x2"}


def test_the_table_is_declared(built: Built) -> None:
    assert built.build.rows[TABLE.name] == 0, "this lake has no executions"
    assert len(set(NAMES)) == len(NAMES)
    sql = built.build.sql_by_model
    assert set(TABLE.versions(sql)) == set(NAMES)
    edited = sql | {"int_runs": sql["int_runs"] + " "}
    assert not set(TABLE.versions(sql).values()) & set(TABLE.versions(edited).values())
