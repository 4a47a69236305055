"""The splitter by time: worked examples of every way in which the platform splits."""

from datetime import timedelta
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from ml_platform.errors import InsufficientData
from ml_platform.training_sets.time_split import (
    LEAST_ROWS,
    Gap,
    UnitTimes,
    equal_edges,
    expanding_folds,
    microseconds,
    purged_folds,
    row_folds,
    some_sessions,
    split_by_time,
    time_blocks,
    tuning_split,
)
from ml_platform_tests.models.pattern_rows import START, synthetic_rows
from ml_platform_tests.models.proportion_rows import proportion_rows

HOUR = 3_600_000_000
DAY = 24 * HOUR


def rows_every(hours: float, count: int) -> pd.DataFrame:
    """Rows at regular moments, each in a session of its own."""
    return pd.DataFrame(
        {
            "cluster_id": [f"s{i}" for i in range(count)],
            "change_set_id": [f"a{i}" for i in range(count)],
            "occurred_at": [START + timedelta(hours=hours * i) for i in range(count)],
        }
    )


def test_ten_change_sets_a_fifth_of_them_newest_test_and_a_day_between_stays_unused():
    change_sets = np.arange(10)
    times = np.arange(10) * 12 * HOUR
    parts = split_by_time(change_sets, times, 0.2, timedelta(days=1))
    # change sets 8 and 9 test (96 h, 108 h); 96 h - 24 h = 72 h: change sets 0..5 end before it, 6 and 7 are
    # the gap
    assert parts.test.tolist() == [False] * 8 + [True] * 2
    assert parts.train.tolist() == [True] * 6 + [False] * 4
    assert parts.test_from_us == 96 * HOUR
    assert parts.train_until_us == 72 * HOUR


def test_change_sets_of_one_moment_go_to_the_test_together():
    times = np.array([0, 1, 2, 3, 4, 5, 6, 9, 9, 9]) * 48 * HOUR
    parts = split_by_time(np.arange(10), times, 0.2, timedelta(days=1))
    assert parts.test.sum() == 3


def test_a_change_set_that_lasts_into_the_gap_is_in_neither_part_as_a_whole():
    change_sets = np.array([0, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9])
    times = np.array([0, 1, 2, 30, 3, 4, 5, 6, 7, 8, 31]) * 24 * HOUR
    parts = split_by_time(change_sets, times, 0.1, timedelta(days=1))
    assert not parts.train[change_sets == 2].any()
    assert not parts.test[change_sets == 2].any()


def test_everything_within_the_delay_of_the_label_is_insufficient():
    with pytest.raises(InsufficientData, match="ends 1 day or more before the test part") as caught:
        split_by_time(np.arange(10), np.arange(10) * HOUR, 0.2, timedelta(days=1))
    assert caught.value.remedy == "ingest history longer than 1 day"


@pytest.mark.parametrize(
    ("share", "tested"),
    [(0.01, 1), (0.1, 1), (0.23, 2), (0.27, 3), (0.77, 8), (0.9, 9)],
)
def test_the_share_is_rounded_to_whole_change_sets_and_at_least_one_tests(share, tested):
    times = np.arange(10) * 48 * HOUR
    assert split_by_time(np.arange(10), times, share, timedelta(0)).test.sum() == tested


def test_a_change_set_that_ends_when_the_gap_begins_is_not_trained_on():
    times = np.array([0, 24, 48, 72, 96]) * HOUR
    parts = split_by_time(np.arange(5), times, 0.2, timedelta(days=1))
    assert parts.train.tolist() == [True, True, True, False, False]
    shorter = split_by_time(np.arange(5), times, 0.2, timedelta(hours=24) - timedelta.resolution)
    assert shorter.train.tolist() == [True, True, True, True, False]


def test_no_row_trains_that_ends_after_the_test_has_begun_however_short_the_gap():
    change_sets = np.array([0, 1, 1, 2, 3, 4])
    times = np.array([0, 1, 60, 2, 50, 60]) * HOUR
    parts = split_by_time(change_sets, times, 0.4, timedelta(0))
    assert parts.test.tolist() == [False, False, False, False, True, True]
    assert parts.train.tolist() == [True, False, False, True, False, False]


def test_change_sets_are_in_order_of_their_beginnings() -> None:
    """The first change set goes on for a hundred hours; the test begins when the fourth does."""
    parts = split_by_time(
        np.array([0, 0, 1, 2, 3]), np.array([0, 100, 1, 2, 3]) * HOUR, 0.25, timedelta(0)
    )
    assert parts.test_from_us == 3 * HOUR
    assert parts.test.tolist() == [False, False, False, False, True]
    assert parts.train.tolist() == [False, False, True, True, False]


def test_units_span_from_the_first_beginning_to_the_last_end() -> None:
    units = UnitTimes.of_units(np.array([1, 0, 1]), np.array([5, 20, 40]))
    assert units.first.tolist() == [5, 20, 5]
    assert units.last.tolist() == [40, 20, 40]
    assert (units.span, units.end) == (35, 21)
    assert units.take(np.array([1])).span == 0


def test_a_block_without_rows_is_no_fold_and_the_others_keep_their_number() -> None:
    units = UnitTimes.of_rows(np.array([0, 1, 2, 10, 11]))
    folds = list(expanding_folds(units, [2, 3, 9, 12], Gap(timedelta(0))))
    assert [fold.number for fold in folds] == [0, 2]
    assert [fold.held_out.tolist() for fold in folds] == [[2], [3, 4]]
    assert [fold.fit.tolist() for fold in folds] == [[0, 1], [0, 1, 2]]
    two = list(expanding_folds(units, [2, 3, 9, 12], Gap(timedelta(0)), least_rows=3))
    assert [fold.number for fold in two] == [2]


def test_rows_before_the_gap_alone_are_fitted_on() -> None:
    """A gap of 2 microseconds, at most a tenth of the span 30: rows that ended before 20 - 2."""
    units = UnitTimes.of_rows(np.array([0, 17, 18, 19, 20, 30]))
    (fold,) = expanding_folds(units, [20, 31], Gap(2 * timedelta.resolution))
    assert fold.fit.tolist() == [0, 1]
    (fold,) = expanding_folds(units, [20, 31], Gap(timedelta(days=1), 10))  # a tenth of it: 3
    assert fold.fit.tolist() == [0]


def test_rows_without_a_session_go_with_their_change_set() -> None:
    rows = rows_every(1, 6).assign(cluster_id=["s1", None, None, "s2", None, "s1"])
    rows["change_set_id"] = ["a0", "a1", "a1", "a2", "a3", "a4"]
    assert time_blocks(rows, 4).tolist() == [0, 1, 1, 2, 3, 0]


def test_purged_folds_leave_out_what_lies_within_the_gap_on_either_side() -> None:
    rows = rows_every(1, 9)
    folds = list(purged_folds(rows, np.repeat([0, 1, 2], 3), Gap(timedelta(hours=1))))
    assert [fold.number for fold in folds] == [0, 1, 2]
    assert folds[1].held_out.tolist() == [3, 4, 5]
    assert folds[1].fit.tolist() == [0, 1, 7, 8]
    assert folds[0].fit.tolist() == [4, 5, 6, 7, 8]
    assert folds[2].fit.tolist() == [0, 1, 2, 3, 4]


def test_edges_of_equal_blocks_are_moments_of_rows() -> None:
    """Ten moments, five blocks, the first two skipped: edges at ranks .4, .6 and .8 of nine steps, floored."""
    first = np.arange(10) * 100
    assert equal_edges(first, 5, 2).tolist() == [300, 500, 700, 901]
    assert equal_edges(first, 5, 2, quantile="linear").tolist() == [360, 540, 720, 901]


def test_one_change_set_cannot_be_split():
    with pytest.raises(InsufficientData, match="1 labelled change sets"):
        split_by_time(np.zeros(5, np.int64), np.arange(5), 0.2, timedelta(0))


def test_sessions_and_change_sets_are_whole_and_blocks_follow_time():
    shuffled = synthetic_rows(100).sample(frac=1.0, random_state=1)
    blocks = time_blocks(shuffled, 5)
    shuffled = shuffled.assign(block=blocks)
    assert (shuffled.groupby("cluster_id")["block"].nunique() == 1).all()
    assert np.bincount(blocks).tolist() == [100] * 5
    ordered = shuffled.sort_values("occurred_at")["block"].to_numpy()
    assert (np.diff(ordered) >= 0).all()


def test_a_row_without_a_session_goes_with_its_change_set():
    rows = rows_every(1, 4).assign(
        cluster_id=[None, None, None, "s"], change_set_id=["a", "b", "a", "c"]
    )
    assert time_blocks(rows, 3).tolist() == [0, 1, 0, 2]


def test_sessions_of_one_moment_are_ranked_by_their_code():
    rows = rows_every(0, 4).assign(cluster_id=["d", "c", "b", "a"])
    assert time_blocks(rows, 2).tolist() == [0, 0, 1, 1]
    by_name = rows.assign(cluster_id=rows["cluster_id"].astype("category"))
    assert time_blocks(by_name, 2).tolist() == [1, 1, 0, 0]


def test_rows_near_a_held_out_block_are_purged_from_its_fit():
    rows = rows_every(12, 40)
    folds = list(purged_folds(rows, time_blocks(rows, 20), Gap(timedelta(days=1))))
    # block 2 is rows 4 and 5; a day on either side is rows 2, 3 and 6, 7
    assert folds[2].held_out.tolist() == [4, 5]
    assert folds[2].fit.tolist() == [0, 1, *range(8, 40)]
    assert [fold.number for fold in folds] == list(range(20))


def test_a_gap_with_a_limit_is_at_most_that_part_of_the_history():
    rows = rows_every(1, 11)
    (*_, fold) = list(
        purged_folds(rows, time_blocks(rows, 11), Gap.between_folds(timedelta(days=1)))
    )[:6]
    # ten hours long, so an hour on either side
    assert fold.fit.tolist() == [0, 1, 2, 3, 7, 8, 9, 10]
    assert Gap.between_folds(timedelta(days=1)).microseconds(10 * HOUR) == HOUR
    assert Gap.between_folds(timedelta(minutes=5)).microseconds(10 * HOUR) == HOUR // 12
    assert Gap(timedelta(days=1)).microseconds(10 * HOUR) == 24 * HOUR


def test_expanding_folds_are_fitted_on_units_that_ended_a_gap_before_the_block():
    # units 0..3 take rows (0, 1), (2, 3), (4,), (5,); unit 1 lasts from hour 2 to hour 6
    units = UnitTimes.of_units(
        np.array([0, 0, 1, 1, 2, 3]), np.array([0, 1, 2, 6, 7, 9], dtype=np.int64) * HOUR
    )
    edges = (7 * HOUR, 9 * HOUR, units.end)
    first, second = expanding_folds(units, edges, Gap(timedelta(hours=2)))
    assert (first.fit.tolist(), first.held_out.tolist()) == ([0, 1], [4])
    assert (second.fit.tolist(), second.held_out.tolist()) == ([0, 1, 2, 3], [5])


def test_folds_with_too_little_to_fit_on_are_left_out_and_the_others_keep_their_number():
    units = UnitTimes.of_rows(np.arange(6, dtype=np.int64) * HOUR)
    folds = list(expanding_folds(units, (0, 2 * HOUR, 4 * HOUR, units.end), Gap(timedelta(0))))
    assert [(f.number, f.fit.tolist(), f.held_out.tolist()) for f in folds] == [
        (1, [0, 1], [2, 3]),
        (2, [0, 1, 2, 3], [4, 5]),
    ]
    (last,) = expanding_folds(units, (0, 4 * HOUR, units.end), Gap(timedelta(0)), least_rows=4)
    assert last.number == 1


def test_row_folds_hold_out_equally_many_rows_after_the_blocks_that_only_start():
    folds = list(row_folds(rows_every(1, 11), 3, Gap(timedelta(hours=1)), start_blocks=2))
    # edges at the quantiles 2/5, 3/5, 4/5 of rows 0..10: rows 4, 6, 8
    assert [f.held_out.tolist() for f in folds] == [[4, 5], [6, 7], [8, 9, 10]]
    assert [f.fit.tolist() for f in folds] == [[0, 1, 2], [0, 1, 2, 3, 4], [*range(7)]]


def test_an_edge_may_lie_between_two_rows_or_at_one():
    times = np.array([0, 10, 20, 30], dtype=np.int64)
    assert equal_edges(times, 2, 1).tolist() == [10, 31]
    assert equal_edges(times, 2, 1, quantile="linear").tolist() == [15, 31]


@pytest.mark.parametrize("days", [1, 4])
def test_folds_of_a_search_are_fitted_on_what_ended_a_gap_before_them(days: int) -> None:
    rows = proportion_rows()
    times, change_sets = microseconds(rows), rows["change_set_id"].to_numpy()
    split = tuning_split(rows, timedelta(days=days))
    everything = (*split.search, split.holdout)
    assert [fold.number for fold in everything] == [0, 1, 2, 3]
    for fold in everything:
        assert len(fold.fit) >= LEAST_ROWS
        assert not set(change_sets[fold.fit]) & set(change_sets[fold.held_out])
        # Blocks of the search: the gap, or a tenth of their 27 days.
        least = days * DAY if fold is split.holdout else min(days, 2.5) * DAY
        assert times[fold.held_out].min() - times[fold.fit].max() >= least
    for early, late in pairwise(everything):
        assert times[early.held_out].max() < times[late.held_out].min()


def test_nothing_of_the_search_reaches_into_the_holdout_or_its_labels() -> None:
    rows = proportion_rows()
    times = microseconds(rows)
    split = tuning_split(rows, timedelta(days=3))
    searched = np.concatenate([places for f in split.search for places in (f.fit, f.held_out)])
    assert times[searched].max() <= times[split.holdout.held_out].min() - 3 * DAY
    share = len(split.holdout.held_out) / len(rows)
    assert share == pytest.approx(0.25, abs=0.01)


def test_a_gap_longer_than_the_history_is_cut_to_a_third_of_it() -> None:
    split = tuning_split(proportion_rows(), timedelta(days=400))
    rows = proportion_rows()
    times = microseconds(rows)
    apart = (times[split.holdout.held_out].min() - times[split.holdout.fit].max()) / DAY
    assert 13 < apart < 14


def test_a_short_history_says_so() -> None:
    with pytest.raises(InsufficientData, match=r"40 rows over .* 50 rows 1 day before"):
        tuning_split(proportion_rows(change_sets=20), timedelta(days=1))


def test_change_sets_stay_whole_where_blocks_meet() -> None:
    rows = proportion_rows()
    spread = rows.assign(occurred_at=rows.occurred_at + (rows.index % 2) * timedelta(days=2))
    spread = spread.sort_values("occurred_at", ignore_index=True)
    split = tuning_split(spread, timedelta(days=1))
    change_sets = spread["change_set_id"].to_numpy()
    for fold in (*split.search, split.holdout):
        sizes = spread.groupby("change_set_id").size()
        for places in (fold.fit, fold.held_out):
            counts = spread.iloc[places].groupby("change_set_id").size()
            assert (counts == sizes[counts.index]).all()
        assert not set(change_sets[fold.fit]) & set(change_sets[fold.held_out])


def test_some_sessions_are_whole_evenly_spaced_in_time_and_all_where_they_are_few():
    rows = rows_every(1, 40)
    rows["cluster_id"] = [f"s{(place // 2) % 10}" for place in range(40)]
    # ten sessions of four rows each, in the order s0, s1, ...; of 40 rows 16 are two sessions of five
    some = some_sessions(rows.sample(frac=1.0, random_state=3), 16)
    assert sorted(some.cluster_id.unique()) == ["s2", "s4", "s7", "s9"]
    assert some.cluster_id.value_counts().tolist() == [4, 4, 4, 4]
    assert some_sessions(rows, 40) is rows
    assert len(some_sessions(rows, 39)) == 36


def test_of_some_sessions_rows_without_one_go_with_their_change_set():
    rows = rows_every(1, 12).assign(cluster_id=None)
    rows["change_set_id"] = [f"a{place // 3}" for place in range(12)]
    assert some_sessions(rows, 6).change_set_id.tolist() == ["a1"] * 3 + ["a3"] * 3
