from datetime import timedelta

import numpy as np
import pytest

from ml_platform.errors import InsufficientData
from ml_platform.training_sets.split import split_by_time

HOUR = 3_600_000_000


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


def test_an_change_set_that_lasts_into_the_gap_is_in_neither_part_as_a_whole():
    change_sets = np.array([0, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9])
    times = np.array([0, 1, 2, 30, 3, 4, 5, 6, 7, 8, 31]) * 24 * HOUR
    parts = split_by_time(change_sets, times, 0.1, timedelta(days=1))
    assert not parts.train[change_sets == 2].any()
    assert not parts.test[change_sets == 2].any()


def test_everything_within_the_delay_of_the_label_is_insufficient():
    with pytest.raises(InsufficientData, match="nothing to train on"):
        split_by_time(np.arange(10), np.arange(10) * HOUR, 0.2, timedelta(days=1))


def test_one_change_set_cannot_be_split():
    with pytest.raises(InsufficientData, match="1 labelled change sets"):
        split_by_time(np.zeros(5, np.int64), np.arange(5), 0.2, timedelta(0))
