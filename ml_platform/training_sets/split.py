"""The split by time: change sets whole, the newest for the test, a gap as long as the label's delay before it."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from ml_platform.errors import InsufficientData

US = 1_000_000


@dataclass(frozen=True)
class TimeSplit:
    """Row masks of the two parts and, in microseconds since 1970, where they end and begin."""

    train: np.ndarray
    test: np.ndarray
    train_until_us: int
    test_from_us: int


def split_by_time(
    change_sets: np.ndarray, times_us: np.ndarray, share: float, gap: timedelta
) -> TimeSplit:
    """The newest ``share`` of change sets test; change sets that end at least ``gap`` before the first of them
    train.

    Args:
        change_sets: code of each row's change set, shape (rows,), integers from 0.
        times_us: when each row occurred, microseconds since 1970, shape (rows,).
        share: share of change sets to test on, in (0, 1); change sets of one moment go to the test together.
        gap: delay of the label: at the start of the test nothing younger was labelled yet.

    Raises:
        InsufficientData: one of the parts would be empty.
    """
    count = int(change_sets.max()) + 1 if len(change_sets) else 0
    if count < 2:
        raise InsufficientData(
            f"{count} labelled change sets cannot be split by time; at least 2 are needed.",
            remedy="ingest more labelled history",
        )
    first = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(first, change_sets, times_us)
    last = np.full(count, np.iinfo(np.int64).min)
    np.maximum.at(last, change_sets, times_us)
    ordered = np.sort(first)
    test_from = int(ordered[min(round(count * (1.0 - share)), count - 1)])
    train_until = test_from - int(gap.total_seconds() * US)
    in_test = (first >= test_from)[change_sets]
    in_train = (last < train_until)[change_sets] & ~in_test
    if not in_train.any():
        raise InsufficientData(
            f"No labelled change set ends {gap} or more before the test part: nothing to train on.",
            remedy=f"ingest history longer than {gap}",
        )
    return TimeSplit(in_train, in_test, train_until, test_from)
