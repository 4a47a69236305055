"""The one splitter by time: what a model is fitted on, and what it is held against.

Every split of the platform is made here: the training and test parts, the folds of a fit, the blocks of a
hyperparameter search. They differ in three parameters:

* the granularity: rows of one unit (a change set, a session) stay together, see `UnitTimes`;
* the edges between blocks: equally many rows or units a block (`equal_edges`, `time_blocks`), or the newest units;
* the gap (`Gap`): the label of a row is known only some time after the row, so rows within that delay before a
  held-out block are left out of the fit. Its length is decided by the model: it is the ``label_delay`` of its
  `ModelSpec`. Only inside the training part is it limited, to a fraction of the history (`FOLD_GAP_DIVISOR`,
  `HOLDOUT_GAP_DIVISOR`).

Two ways of holding out are offered. `expanding_folds` fits on the past alone, as a served model does.
`purged_folds` fits on both sides of a block, for statistics that must not see a row's own label (Lopez de Prado
2018, "Advances in Financial Machine Learning", chapter 7). All times are microseconds since 1970, integers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np

from ml_platform.arrays import Codes, Flags
from ml_platform.clock import duration
from ml_platform.errors import InsufficientData
from ml_platform.spec.training_set import CHANGE_SET, CLUSTER, TIME
from ml_platform.training_sets.coded_column import coded_column

if TYPE_CHECKING:
    import pandas as pd

MICROSECOND = timedelta(microseconds=1)
FOLD_GAP_DIVISOR = 10
"""The gap between folds is at most a tenth of the history's span: a longer one would leave too little to fit on."""
HOLDOUT_GAP_DIVISOR = 3
"""The gap before the holdout of a search is at most a third of the history's span."""
SEARCH_BLOCKS = 3
HOLDOUT_BLOCKS = 4
"""The holdout of a search is the newest of so many blocks of equally many rows: a quarter."""
LEAST_ROWS = 50
"""Rows that a block of a search is fitted on at least; blocks with less before them are left out."""


@dataclass(frozen=True)
class Gap:
    """The time that is left out between the rows of a fit and the rows held out."""

    length: timedelta
    """The ``label_delay`` of the model, as a rule."""
    span_divisor: int | None = None
    """The gap is at most the history's span divided by this; ``None``: it is never shortened."""

    @classmethod
    def between_folds(cls, label_delay: timedelta) -> "Gap":
        """The gap of the folds inside a fit or a search: ``label_delay``, limited by `FOLD_GAP_DIVISOR`."""
        return cls(label_delay, FOLD_GAP_DIVISOR)

    def microseconds(self, span: int) -> int:
        """The gap in a history of ``span`` microseconds."""
        whole = self.length // MICROSECOND
        return whole if self.span_divisor is None else min(whole, span // self.span_divisor)


@dataclass(frozen=True)
class UnitTimes:
    """When the unit of each row (the row itself, its change set, its session) began and ended, shape (rows,)."""

    first: Codes
    last: Codes

    @classmethod
    def of_rows(cls, times: Codes) -> "UnitTimes":
        """Every row is a unit of its own; ``times`` has shape (rows,)."""
        return cls(times, times)

    @classmethod
    def of_units(cls, units: Codes, times: Codes) -> "UnitTimes":
        """Rows with the same code in ``units`` (integers from 0) are one unit; both have shape (rows,)."""
        first, last = unit_bounds(units, times)
        return cls(first[units], last[units])

    @property
    def span(self) -> int:
        """Microseconds from the first beginning to the last end."""
        return int(self.last.max() - self.first.min())

    @property
    def end(self) -> int:
        """One microsecond after the last beginning: the edge that closes the newest block."""
        return int(self.first.max()) + 1

    def take(self, rows: Codes) -> "UnitTimes":
        """The units of the chosen ``rows`` (places)."""
        return UnitTimes(self.first[rows], self.last[rows])


@dataclass(frozen=True)
class Fold:
    """One held-out block: the places of the rows to fit on (a gap apart) and of those to evaluate on."""

    number: int
    """The place of the block in order of time, from 0."""
    fit: Codes
    held_out: Codes

    def require_rows_to_fit(self, gap: timedelta) -> None:
        """Check that a block that a fit cannot do without leaves rows to fit on.

        Raises:
            InsufficientData: no row lies far enough from the block, which is ``gap`` or a fraction of the history.
        """
        if not len(self.fit):
            raise InsufficientData(
                f"Block {self.number + 1} of the training part holds {len(self.held_out)} rows, and no other row "
                f"lies a gap (at most {duration(gap)}) away from it; at least 1 row must be left to fit on.",
                remedy="ingest a longer labelled history",
            )


@dataclass(frozen=True)
class TimeSplit:
    """Masks of the rows of the training and test parts, and where the first ends and the second begins."""

    train: Flags
    test: Flags
    train_until_us: int
    test_from_us: int


@dataclass(frozen=True)
class TuningSplit:
    """Folds of a hyperparameter search, oldest first, and a holdout that the search never sees."""

    search: tuple[Fold, ...]
    holdout: Fold
    """Fitted on all that the search may see, evaluated on the newest quarter."""


def split_by_time(change_sets: Codes, times: Codes, share: float, gap: timedelta) -> TimeSplit:
    """The newest ``share`` of change sets is the test part; those that end ``gap`` before it are the training part.

    Args:
        change_sets: code of each row's change set, shape (rows,), integers from 0.
        times: when each row occurred, shape (rows,).
        share: share of change sets to test on, in (0, 1); change sets of one moment go to the test together.
        gap: the ``label_delay`` of the model: at the start of the test nothing younger was labelled yet.

    Raises:
        InsufficientData: one of the parts would be empty.
    """
    count = int(change_sets.max()) + 1 if len(change_sets) else 0
    if count < 2:
        raise InsufficientData(
            f"{count} labelled change sets cannot be split by time; at least 2 are needed.",
            remedy="ingest more labelled history",
        )
    ordered = np.sort(unit_bounds(change_sets, times)[0])
    test_from = int(ordered[min(round(count * (1.0 - share)), count - 1)])
    train_until = test_from - gap // MICROSECOND
    split = split_at(change_sets, times, train_until, test_from)
    if not split.train.any():
        raise InsufficientData(
            f"No labelled change set ends {duration(gap)} or more before the test part: nothing to train on.",
            remedy=f"ingest history longer than {duration(gap)}",
        )
    return split


def split_at(change_sets: Codes, times: Codes, train_until: int, test_from: int) -> TimeSplit:
    """Change sets that begin at ``test_from`` or later test; those that end before ``train_until`` train."""
    units = UnitTimes.of_units(change_sets, times)
    test = units.first >= test_from
    return TimeSplit((units.last < train_until) & ~test, test, train_until, test_from)


def expanding_folds(
    units: UnitTimes, edges: Sequence[int] | Codes, gap: Gap, *, least_rows: int = 1
) -> Iterator[Fold]:
    """Each block between two ``edges`` held out, with all units that ended a gap before it to fit on.

    Folds with fewer than ``least_rows`` rows to fit on, or no row held out, are left out; the others keep their
    number. Also known as forward chaining or rolling origin.
    """
    gap_us = gap.microseconds(units.span) if len(units.first) else 0
    for number, (start, end) in enumerate(pairwise(int(edge) for edge in edges)):
        fit = np.flatnonzero(units.last < start - gap_us)
        held_out = np.flatnonzero((units.first >= start) & (units.first < end))
        if len(fit) >= least_rows and len(held_out):
            yield Fold(number, fit, held_out)


def row_folds(
    rows: "pd.DataFrame",
    count: int,
    gap: Gap,
    *,
    start_blocks: int,
    quantile: Literal["lower", "linear"] = "lower",
) -> Iterator[Fold]:
    """`expanding_folds` of ``count`` blocks of equally many rows, after ``start_blocks`` that are only fitted on.

    For rows whose clusters (users, say) last as long as the history, so that no cluster lies in one block.
    """
    units = UnitTimes.of_rows(microseconds(rows))
    edges = equal_edges(units.first, count + start_blocks, start_blocks, quantile=quantile)
    return expanding_folds(units, edges, gap)


def purged_folds(rows: "pd.DataFrame", blocks: Codes, gap: Gap) -> Iterator[Fold]:
    """Each of the ``blocks`` (rows,) held out in turn; rows nearer than the gap to its ends are not fitted on."""
    times = microseconds(rows)
    gap_us = gap.microseconds(int(times.max() - times.min()))
    for number in range(int(blocks.max()) + 1):
        inside = blocks == number
        low, high = times[inside].min() - gap_us, times[inside].max() + gap_us
        near = (times >= low) & (times <= high)
        yield Fold(number, np.flatnonzero(~inside & ~near), np.flatnonzero(inside))


def time_blocks(rows: "pd.DataFrame", count: int) -> Codes:
    """The block of each row, shape (rows,), 0 to at most ``count - 1`` in order of time; sessions are whole.

    All rows of a session belong to the block of its first row; rows without a session go with their change set.
    """
    sessions = _session_codes(rows)
    rank = _rank_in_time(sessions, microseconds(rows))
    blocks = (rank * count // len(rank))[sessions]
    return np.unique(blocks, return_inverse=True)[1].astype(np.int64)


def tuning_split(
    rows: "pd.DataFrame", gap: timedelta, *, count: int = SEARCH_BLOCKS
) -> TuningSplit:
    """The newest quarter of ``rows`` as holdout, and ``count`` expanding folds of what lies a gap before it.

    Change sets are whole. The gap before the holdout is at most a third, between the folds at most a tenth of the
    span they lie in.

    Raises:
        InsufficientData: no fold has `LEAST_ROWS` rows before it.
    """
    change_sets = coded_column(rows[CHANGE_SET]).codes
    units = UnitTimes.of_units(change_sets, microseconds(rows))
    edges = equal_edges(units.first, HOLDOUT_BLOCKS, HOLDOUT_BLOCKS - 1)
    newest = list(
        expanding_folds(units, edges, Gap(gap, HOLDOUT_GAP_DIVISOR), least_rows=LEAST_ROWS)
    )
    search = tuple(_search_folds(units, newest[0].fit, gap, count)) if newest else ()
    if not search:
        raise InsufficientData(
            f"The training part has {len(rows)} rows over {units.span / 86_400e6:.1f} days: no block of it has "
            f"{LEAST_ROWS} rows {duration(gap)} before it to fit on.",
            remedy="ingest a longer labelled history; until then the defaults stay",
        )
    return TuningSplit(search, Fold(count, newest[0].fit, newest[0].held_out))


def _search_folds(units: UnitTimes, rows: Codes, gap: timedelta, count: int) -> Iterator[Fold]:
    """Expanding folds of the chosen ``rows``, as places among all rows."""
    chosen = units.take(rows)
    edges = equal_edges(chosen.first, count + 1, 1)
    for fold in expanding_folds(chosen, edges, Gap.between_folds(gap), least_rows=LEAST_ROWS):
        yield Fold(fold.number, rows[fold.fit], rows[fold.held_out])


def equal_edges(
    first: Codes, blocks: int, skip: int, *, quantile: Literal["lower", "linear"] = "lower"
) -> Codes:
    """Where each of ``blocks`` blocks with equally many entries of ``first`` begins, but for the first ``skip``.

    The last edge is one microsecond after the last entry, so that ``blocks - skip`` blocks lie between the edges.
    ``quantile`` says whether an edge is the moment of an entry ("lower") or may lie between two ("linear").
    """
    shares = np.arange(skip, blocks) / blocks
    edges = np.quantile(first, shares, method=quantile).astype(np.int64)
    return np.append(edges, first.max() + 1)


def unit_bounds(units: Codes, times: Codes) -> tuple[Codes, Codes]:
    """The first and the last moment of each unit, shape (units,); ``units`` are codes from 0, shape (rows,)."""
    first = np.full(int(units.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, units, times)
    last = np.full(len(first), np.iinfo(np.int64).min)
    np.maximum.at(last, units, times)
    return first, last


def microseconds(rows: "pd.DataFrame") -> Codes:
    """When each row occurred, shape (rows,)."""
    import pandas as pd

    return np.asarray(pd.DatetimeIndex(rows[TIME]).as_unit("us").asi8)


def some_sessions(rows: "pd.DataFrame", most: int) -> "pd.DataFrame":
    """About ``most`` of the ``rows``: whole sessions, evenly spaced in time; all where there are fewer.

    Rows without a session go with their change set.
    """
    if len(rows) <= most:
        return rows
    sessions = _session_codes(rows)
    rank = _rank_in_time(sessions, microseconds(rows))
    kept = (rank + 1) * most // len(rows) > rank * most // len(rows)
    return rows[kept[sessions]]


def _rank_in_time(units: Codes, times: Codes) -> Codes:
    """The place of each unit in the order of their beginnings, shape (units,)."""
    first, _ = unit_bounds(units, times)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first))
    return rank


def _session_codes(rows: "pd.DataFrame") -> Codes:
    """The code of each row's session, or of its change set where it has none; without holes, from 0."""
    change_sets = coded_column(rows[CHANGE_SET]).codes
    sessions = coded_column(rows[CLUSTER])
    unnamed = rows[CLUSTER].isna().to_numpy()
    codes = np.where(unnamed, len(sessions.words) + change_sets, sessions.codes)
    return np.asarray(np.unique(codes, return_inverse=True)[1], dtype=np.int64)
