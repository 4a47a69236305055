"""The months that are looked at, the false incidents in them, and the shifts that are planted there."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from ml_platform.monitoring.self_test.examine import examine_table, months_of
from ml_platform.monitoring.self_test.history import resampled
from ml_platform.monitoring.self_test.result import ModelSelfTest, Outcome, SelfTest
from ml_platform.spec.feature import Kind
from ml_platform_tests.monitoring.self_test.homes import (
    AS_OF,
    FEATURES,
    MODEL,
    QUICK,
    START,
    history,
    quiet_rows,
    restless_rows,
)

DAY = timedelta(days=1)


def after(count: int) -> Callable[[], bool]:
    """In time for the month that was, and for so many resampled ones."""
    left = iter(range(count + 1))
    return lambda: next(left, None) is not None


def of_home(model: ModelSelfTest) -> SelfTest:
    return SelfTest(AS_OF, True, "policy", 0, (model,))


@pytest.fixture(scope="module")
def quiet() -> ModelSelfTest:
    (found,) = examine_table(history(quiet_rows()), [MODEL], seed=1, policy=QUICK, in_time=after(1))
    return found


def test_a_month_as_it_was_is_looked_at_every_six_hours_a_resampled_one_daily(
    quiet: ModelSelfTest,
) -> None:
    assert [(month.resampled, month.looks) for month in quiet.months] == [
        (False, 4 * 14 - 1),
        (True, 14),
    ]
    assert quiet.telling == quiet.looks == 69


def test_a_month_is_looked_at_daily_when_the_time_is_up() -> None:
    table = history(quiet_rows())
    (found,) = examine_table(table, [MODEL], seed=1, policy=QUICK, in_time=lambda: False)
    assert [(month.resampled, month.looks, month.days) for month in found.months] == [
        (False, 14, 14.0)
    ]
    assert [power.times for power in found.power] == [1.0]


def test_a_quiet_history_has_no_false_incident(quiet: ModelSelfTest) -> None:
    assert quiet.incidents == 0
    assert quiet.flagged_features == []


def test_shifts_are_planted_once_a_week_in_each_feature_and_found(quiet: ModelSelfTest) -> None:
    assert {each.feature: each.planted for each in quiet.planted} == dict.fromkeys(FEATURES, 2)
    for kind in Kind.NUMBER, Kind.CATEGORY:
        shifts = quiet.shifts(kind)
        assert shifts.planted == 4
        assert shifts.found + shifts.insufficient + shifts.missed == 4
    assert quiet.shifts().found >= 6


def test_shifts_of_four_sizes_are_planted_and_larger_ones_are_found_more_often(
    quiet: ModelSelfTest,
) -> None:
    assert [(power.times, power.planted) for power in quiet.power] == [
        (times, 8) for times in (0.5, 1.0, 1.5, 2.0)
    ]
    found = [power.found for power in quiet.power]
    assert found == sorted(found)
    assert found[0] < found[-1] == 8
    assert quiet.power[1].found == quiet.shifts().found


def test_a_policy_that_cries_wolf_fails() -> None:
    noisy = replace(QUICK, size_moderate=0.0, psi_moderate=-1.0, alpha=1.0)
    (found,) = examine_table(history(quiet_rows()), [MODEL], seed=1, policy=noisy, in_time=after(0))
    (month,) = found.months
    assert month.flagged == month.looks == 55
    assert of_home(found).outcome is Outcome.FAILS


def test_a_history_that_comes_and_goes_fails_until_a_person_says_that_it_was_real() -> None:
    table = history(restless_rows())
    (found,) = examine_table(table, [MODEL], seed=1, policy=QUICK, in_time=after(0))
    assert found.incidents == 2
    assert [name for name, _ in found.flagged_features] == ["category_0"]
    assert of_home(found).outcome is Outcome.FAILS
    known = replace(MODEL, known=((START + 43 * DAY, START + 53 * DAY),))
    (found,) = examine_table(table, [known], seed=1, policy=QUICK, in_time=after(0))
    assert found.incidents == 1
    assert found.looks == 14


def test_too_few_days_say_so() -> None:
    rows = quiet_rows()
    few = rows[rows["occurred_at"] < START + 40 * DAY]
    (found,) = examine_table(history(few, START + 40 * DAY), [MODEL], seed=1)
    assert (found.months, found.planted, found.rate) == ((), (), None)
    assert found.reason == "table has no 49 days of rows, or none at their beginning"
    assert of_home(found).outcome is Outcome.INSUFFICIENT


def test_a_history_that_begins_with_one_row_cannot_tell_and_says_so() -> None:
    rows = quiet_rows()
    rows["occurred_at"] = rows["occurred_at"].dt.floor("us")
    late = pd.concat([rows[:1], rows[rows["occurred_at"] > AS_OF - 8 * DAY]], ignore_index=True)
    (found,) = examine_table(history(late), [MODEL], seed=1, policy=QUICK, in_time=after(2))
    assert found.planted == ()
    assert all(month.insufficient == month.looks > 0 for month in found.months)
    assert of_home(found).outcome is Outcome.INSUFFICIENT


def test_months_are_the_newest_and_leave_six_weeks_for_the_baseline() -> None:
    first = START
    assert months_of(first, first + 48 * DAY) == []
    assert months_of(first, first + 50 * DAY) == [(first + 42 * DAY, first + 50 * DAY)]
    assert months_of(first, first + 90 * DAY) == [(first + 60 * DAY, first + 90 * DAY)]
    longest = [end - start for start, end in months_of(first, first + 900 * DAY)]
    assert longest == [30 * DAY] * 3


def test_drawn_users_keep_all_their_rows_and_a_copy_has_clusters_of_its_own() -> None:
    rows = pd.DataFrame(
        {
            "user_id": ["a", "b", "a", "c", "b"],
            "cluster_id": ["a1", "b1", "a2", "c1", "b1"],
            "occurred_at": pd.date_range("2024-01-01", periods=5, freq="h", tz="UTC"),
        }
    )
    seed = next(s for s in range(100) if set(np.random.default_rng(s).integers(3, size=3)) == {1})
    drawn = resampled(rows, seed)
    assert drawn["user_id"].tolist() == ["b"] * 6
    assert drawn["occurred_at"].is_monotonic_increasing
    assert drawn["cluster_id"].nunique() == 3
    assert drawn.groupby("cluster_id").size().tolist() == [2, 2, 2]
