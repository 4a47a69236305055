"""Blocks of time of the training part: contiguous, about equal, with sessions and change sets whole."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.models.tokens import token_column
from ml_platform.spec.training_set import CHANGE_SET, CLUSTER, TIME

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Fold:
    """One held-out block: the rows to fit on (a gap apart) and the rows to judge on."""

    number: int
    fit: np.ndarray
    held_out: np.ndarray


def time_blocks(rows: "pd.DataFrame", count: int) -> np.ndarray:
    """Block of each row, 0 to at most ``count - 1`` in order of time; a session or a change set is in one block.

    Rows of one session go with the start of the session; those without a session with their change set.
    """
    clusters = _clusters(rows)
    times = microseconds(rows)
    first = np.full(int(clusters.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, clusters, times)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first))
    blocks: np.ndarray = (rank * count // len(first))[clusters]
    return np.unique(blocks, return_inverse=True)[1].astype(np.int64)


def folds(rows: "pd.DataFrame", blocks: np.ndarray, gap: timedelta) -> Iterator[Fold]:
    """Each block held out in turn; rows nearer than ``gap`` to its ends are neither fitted nor judged on.

    In a history of less than ten gaps the gap is a tenth of it: a longer one would leave nothing to fit on.
    """
    times = microseconds(rows)
    apart = min(gap // timedelta(microseconds=1), int(times.max() - times.min()) // 10)
    for number in range(int(blocks.max()) + 1):
        inside = blocks == number
        low, high = times[inside].min() - apart, times[inside].max() + apart
        near = (times >= low) & (times <= high)
        yield Fold(number, np.flatnonzero(~inside & ~near), np.flatnonzero(inside))


def later_blocks(rows: "pd.DataFrame", count: int, gap: timedelta) -> Iterator[Fold]:
    """The last ``count`` of ``count + 2`` blocks of time, each with what came a gap before it to fit on.

    For rows whose clusters (users, say) last as long as the history, so that no cluster lies in one block. The
    gap is cut as in `folds`.
    """
    times = microseconds(rows)
    apart = min(gap // timedelta(microseconds=1), int(times.max() - times.min()) // 10)
    edges = np.quantile(times, np.arange(2, count + 3) / (count + 2), method="lower")
    for number in range(count):
        low, high = edges[number], edges[number + 1]
        inside = (times >= low) & ((times < high) | (number == count - 1))
        yield Fold(number, np.flatnonzero(times < low - apart), np.flatnonzero(inside))


def microseconds(rows: "pd.DataFrame") -> np.ndarray:
    """When each row occurred, microseconds since 1970."""
    import pandas as pd

    return np.asarray(pd.DatetimeIndex(rows[TIME]).as_unit("us").asi8)


def _clusters(rows: "pd.DataFrame") -> np.ndarray:
    """Integer code of each row's session, or of its change set where it has none; without gaps from 0."""
    change_sets = token_column(rows[CHANGE_SET], lists=False)
    sessions = token_column(rows[CLUSTER], lists=False)
    unnamed = rows[CLUSTER].isna().to_numpy()
    codes = np.where(unnamed, len(sessions.words) + change_sets.codes, sessions.codes)
    return np.asarray(np.unique(codes, return_inverse=True)[1], dtype=np.int64)
