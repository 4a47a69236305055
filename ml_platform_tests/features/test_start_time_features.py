"""Start-time features: dbt against plain Python, an example worked by hand, and a future that changes nothing."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from ml_platform.features.start_time_features import START_TIME_FEATURES, TABLE
from ml_platform_tests.features.conftest import Built, Rows
from ml_platform_tests.features.start_time_lakes import BEGIN, END, EPOCH, moment, random_history
from ml_platform_tests.features.start_time_oracle import DAY, HOUR, Done, Run, start_time_features

NAMES = [spec.name for spec in START_TIME_FEATURES]

Compute = Callable[[Sequence[Run], Sequence[Done]], Rows]


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
