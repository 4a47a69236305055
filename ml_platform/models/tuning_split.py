"""What a search sees of the training part: blocks of time to search on, and a last one that it never sees.

Every block is judged by what was fitted before it, as a served model is; change sets are whole. Rows within the
delay
of the labels before the holdout belong to neither side, so that no label of the search looks into it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.errors import InsufficientData
from ml_platform.models.time_series_split import Fold, microseconds
from ml_platform.models.tokens import token_column
from ml_platform.spec.training_set import CHANGE_SET

if TYPE_CHECKING:
    import pandas as pd

SEARCH_BLOCKS = 3
HOLDOUT_SHARE = 0.25
"""Of the rows of the training part, the newest ones; change sets are whole."""
LEAST_ROWS = 50
"""Rows that a block is fitted on at least; earlier blocks are left out."""
_HOLDOUT_GAP = 3
_SEARCH_GAP = 10
"""The gap is no longer than this part of the span: before the holdout a third, between blocks a tenth."""


@dataclass(frozen=True)
class TuningBlocks:
    """Places of rows: blocks to search on, oldest first, and the holdout with all that came before it."""

    search: tuple[Fold, ...]
    holdout: Fold


@dataclass(frozen=True)
class _Acts:
    """When the change set of each row began and ended, microseconds since 1970; shape (rows,)."""

    first: np.ndarray
    last: np.ndarray


def tuning_blocks(
    rows: "pd.DataFrame", gap: timedelta, *, count: int = SEARCH_BLOCKS
) -> TuningBlocks:
    """The newest quarter as holdout; what lies a gap before it cut into ``count`` blocks and a start.

    Change sets of one moment go together. A gap longer than a third (between blocks: a tenth) of the span would
    leave
    nothing to fit on, and is cut to it.

    Raises:
        InsufficientData: no block has `LEAST_ROWS` rows before it.
    """
    change_sets = _change_sets(rows)
    us = gap // timedelta(microseconds=1)
    span = int(change_sets.last.max() - change_sets.first.min())
    edge = int(np.quantile(change_sets.first, 1 - HOLDOUT_SHARE, method="lower"))
    before = np.flatnonzero(change_sets.last < edge - min(us, span // _HOLDOUT_GAP))
    holdout = Fold(count, before, np.flatnonzero(change_sets.first >= edge))
    search = tuple(_search(change_sets, before, us, count)) if len(before) else ()
    if not search or len(before) < LEAST_ROWS:
        raise InsufficientData(
            f"The training part has {len(rows)} rows over {span / 86_400e6:.1f} days: no block of it has "
            f"{LEAST_ROWS} rows {gap} before it to fit on.",
            remedy="ingest a longer labelled history; until then the defaults stay",
        )
    return TuningBlocks(search, holdout)


def _search(change_sets: _Acts, places: np.ndarray, gap_us: int, count: int) -> Iterator[Fold]:
    first, last = change_sets.first[places], change_sets.last[places]
    apart = min(gap_us, int(last.max() - first.min()) // _SEARCH_GAP)
    edges = np.quantile(first, np.arange(1, count + 1) / (count + 1), method="lower")
    ends = [*edges[1:].tolist(), int(first.max()) + 1]
    for number, (start, end) in enumerate(zip(edges.tolist(), ends, strict=True)):
        fit = places[last < start - apart]
        held_out = places[(first >= start) & (first < end)]
        if len(fit) >= LEAST_ROWS and len(held_out):
            yield Fold(number, fit, held_out)


def _change_sets(rows: "pd.DataFrame") -> _Acts:
    codes = token_column(rows[CHANGE_SET], lists=False).codes
    times = microseconds(rows)
    first = np.full(int(codes.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, codes, times)
    last = np.full(len(first), np.iinfo(np.int64).min)
    np.maximum.at(last, codes, times)
    return _Acts(first[codes], last[codes])
