"""Cells: six hours of a feature table as counts that can be merged to a day or a week.

A cell holds, for each feature, the rows by bin of the stored baseline and the sums over clusters from which shares
and their covariance follow. Sums of clusters that lie in one cell alone are added; a cluster that goes on in
another cell (a session across a boundary) is kept by itself until its cells have been merged, and is then counted
once. All are whole numbers, so that the cells of a week and the rows of that week give the same shares to the bit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np
import numpy.typing as npt

from ml_platform.arrays import Codes
from ml_platform.errors import IntegrityError
from ml_platform.monitoring.distribution import (
    ClusterSums,
    Shares,
    cluster_sums,
    cluster_table,
    first_places,
)

Keys = npt.NDArray[np.uint64]
"""Clusters by number, each once, ascending."""


@dataclass(frozen=True)
class Cell:
    """The rows of a stretch of time, counted over the bins of a baseline."""

    widths: tuple[int, ...]
    """Bins of each feature, with one for missing values."""
    closed: Keys
    """The clusters that lie in this cell alone."""
    sums: tuple[ClusterSums, ...]
    """What the closed clusters add up to, by feature."""
    open: Keys
    """The clusters that have rows in other cells."""
    counts: Codes
    """Their rows by bin, one feature beside the other, shape (open clusters, sum of ``widths``)."""

    @property
    def rows(self) -> int:
        """The number of rows."""
        first = self.counts[:, : self.widths[0]] if self.widths else self.counts
        return int(first.sum()) + sum(int(each.counts.sum()) for each in self.sums[:1])

    @property
    def clusters(self) -> int:
        """The number of clusters, each once."""
        return self.closed.size + self.open.size

    def totals(self) -> tuple[ClusterSums, ...]:
        """What all clusters add up to, by feature; to be asked of all cells in which the open ones have rows."""
        parts = np.split(self.counts, np.cumsum(self.widths)[:-1], axis=1) if self.widths else []
        return tuple(
            sums + cluster_sums(part, part.sum(axis=1))
            for sums, part in zip(self.sums, parts, strict=True)
        )


@dataclass(frozen=True)
class CountedWindow:
    """All rows of a window, as a report needs them of its features."""

    rows: int
    clusters: Mapping[str, int]
    """How many there are, by the column that tells them apart."""
    shares: Mapping[str, Shares]
    """By feature."""


def counted_window(cells: Mapping[str, Cell], names: Mapping[str, Sequence[str]]) -> CountedWindow:
    """Return the shares of the features of a window, counted once for each column of clusters.

    Args:
        cells: The whole window by the column that tells clusters apart.
        names: The features of each cell, in its order, by the same columns.
    """
    shares = {
        name: sums.shares()
        for column, cell in cells.items()
        for name, sums in zip(names[column], cell.totals(), strict=True)
    }
    rows = max(cell.rows for cell in cells.values())
    return CountedWindow(rows, {column: cell.clusters for column, cell in cells.items()}, shares)


def count_cell(
    codes: Sequence[Codes], bins: Sequence[int], clusters: Keys, crossing: Keys | None = None
) -> Cell:
    """Count the rows of a cell.

    Args:
        codes: The bin of each row by feature, each of shape (rows,); -1 where the value is missing.
        bins: The number of bins by feature.
        clusters: The cluster of each row, shape (rows,).
        crossing: The clusters, ascending, that have rows in other cells, and any others; without it there are none.
    """
    import pandas as pd

    # In the order in which clusters begin, the counts of rows that come together lie together.
    numbers, found = pd.factorize(clusters)
    place = np.argsort(found)
    keys = found[place]
    is_open = _among(keys, crossing) if crossing is not None else np.zeros(keys.size, dtype=bool)
    opened = place[is_open]
    sizes = np.bincount(numbers, minlength=keys.size)
    sizes[opened] = 0
    first = {count: first_places(numbers, count) for count in set(bins)}
    tables, sums = [], []
    for code, count in zip(codes, bins, strict=True):
        table = cluster_table(code, first[count], count, keys.size)
        tables.append(table[opened])
        table[opened] = 0
        sums.append(cluster_sums(table, sizes))
    counts = np.hstack(tables) if tables else np.zeros((opened.size, 0), dtype=np.int64)
    widths = tuple(count + 1 for count in bins)
    return Cell(widths, keys[~is_open], tuple(sums), keys[is_open], counts)


def merge_cells(cells: Sequence[Cell]) -> Cell:
    """Return the cell of all rows of ``cells``; clusters that were open in one of them stay open.

    Raises:
        IntegrityError: no cell, cells of other bins, or a cluster that one cell has closed is in another one too,
            and would count twice.
    """
    if len({cell.widths for cell in cells}) != 1:
        raise IntegrityError(
            f"{len(cells)} cells have {len({cell.widths for cell in cells})} kinds of bins.",
            remedy="count them again, over the bins of one baseline",
        )
    opened = np.unique(np.concatenate([cell.open for cell in cells]))
    closed = np.sort(np.concatenate([cell.closed for cell in cells]))
    twice = int((closed[1:] == closed[:-1]).sum()) + int(_among(opened, closed).sum())
    if twice:
        raise IntegrityError(
            f"{twice:,} clusters of a cell that had closed them are in another cell too.",
            remedy="count the cells again: rows have come since",
        )
    counts = np.zeros((opened.size, sum(cells[0].widths)), dtype=np.int64)
    for cell in cells:
        counts[np.searchsorted(opened, cell.open)] += cell.counts
    sums = tuple(reduce(add, each) for each in zip(*(cell.sums for cell in cells), strict=True))
    return Cell(cells[0].widths, closed, sums, opened, counts)


def _among(keys: Keys, others: Keys) -> npt.NDArray[np.bool_]:
    """Tell which of ``keys`` are among ``others``; both are ascending."""
    if not others.size:
        return np.zeros(keys.size, dtype=bool)
    places = np.minimum(np.searchsorted(others, keys), others.size - 1)
    found: npt.NDArray[np.bool_] = others[places] == keys
    return found
