"""Where the ids of a table are stored: looked up for a batch in proportion to the batch, not to the table.

The index lives as long as an ingestion and is made from the stored files themselves: there is no second copy of
the truth that could be old or damaged.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from ml_platform.adapters.lake_queries import reading

Hashes = npt.NDArray[np.uint64]
"""64-bit hashes; two different ids may have the same one."""
Places = npt.NDArray[np.int64]
"""Stored rows: the number of a file in the upper 32 bits, that of a row in it in the lower."""

_ROW_BITS = 32
_AT_ONCE = 2_000
"""Rows whose ids are Python's at one time."""


class IdIndex:
    """The places of rows by the hash of their id, in a few sorted arrays of 16 bytes a row.

    A new array is merged with those that are not more than twice as large, so that each row is moved a few times
    however many batches come. A place is a candidate: whoever asks compares the rows themselves.

    >>> index = IdIndex()
    >>> index.add(np.array([30, 10], np.uint64), np.array([0, 1]))
    >>> index.add(np.array([10, 20], np.uint64), np.array([2, 3]))
    >>> index.find(np.array([10, 40], np.uint64)).tolist()
    [1, 2]
    """

    def __init__(self) -> None:
        self._levels: list[tuple[Hashes, Places]] = []

    def add(self, hashes: Hashes, places: Places) -> None:
        """Remember where rows are."""
        if len(hashes) == 0:
            return
        level = _sorted(hashes, places)
        while self._levels and len(self._levels[-1][0]) <= 2 * len(level[0]):
            older_hashes, older_places = self._levels.pop()
            level = _sorted(
                np.concatenate([older_hashes, level[0]]), np.concatenate([older_places, level[1]])
            )
        self._levels.append(level)

    def find(self, hashes: Hashes) -> Places:
        """The places of all rows with one of the hashes, ascending."""
        wanted = np.unique(hashes)
        candidates = [np.zeros(0, np.int64)]
        for stored, places in self._levels:
            first = np.searchsorted(stored, wanted)
            hit = stored[np.minimum(first, len(stored) - 1)] == wanted
            first, last = first[hit], np.searchsorted(stored, wanted[hit], side="right")
            counts = last - first
            starts = np.repeat(first - (np.cumsum(counts) - counts), counts)
            candidates.append(places[starts + np.arange(len(starts))])
        return np.sort(np.concatenate(candidates))


def places_in(file: int, rows: int) -> Places:
    """The places of the first ``rows`` rows of a file."""
    return np.arange(rows, dtype=np.int64) + (file << _ROW_BITS)


def by_file(places: Places) -> list[tuple[int, npt.NDArray[np.int64]]]:
    """Ascending places as files, each with the numbers of its rows."""
    files = places >> _ROW_BITS
    numbers, starts = np.unique(files, return_index=True)
    rows = np.split(places & ((1 << _ROW_BITS) - 1), starts)[1:]
    return list(zip(numbers.tolist(), rows, strict=True))


def rows_by_file(places: Places) -> list[tuple[int, int]]:
    """How many of the places, in any order, are in each file."""
    numbers, rows = np.unique(places >> _ROW_BITS, return_counts=True)
    return list(zip(numbers.tolist(), rows.tolist(), strict=True))


def hashes_of(ids: pa.Table) -> Hashes:
    """A hash of each row over all columns given, of this process alone: nobody can prepare ids that collide."""
    hashes = [np.zeros(0, np.int64)]
    for start in range(0, len(ids), _AT_ONCE):
        columns = [column.to_pylist() for column in ids.slice(start, _AT_ONCE).columns]
        rows = columns[0] if len(columns) == 1 else zip(*columns, strict=True)
        hashes.append(np.fromiter(map(hash, rows), np.int64))
    return np.concatenate(hashes).view(np.uint64)


def stored_ids(table: str, columns: tuple[str, ...], files: list[Path]) -> tuple[Hashes, Places]:
    """Hashes and places of the rows of Parquet files, which are numbered as they are listed.

    Raises:
        IntegrityError: a file is broken or gone.
    """
    hashes = [np.zeros(0, np.uint64)]
    places = [np.zeros(0, np.int64)]
    for number, file in enumerate(files):
        with reading(table):
            ids = pq.read_table(file, columns=list(columns), partitioning=None, use_threads=False)
        hashes.append(hashes_of(ids))
        places.append(places_in(number, len(ids)))
    return np.concatenate(hashes), np.concatenate(places)


def _sorted(hashes: Hashes, places: Places) -> tuple[Hashes, Places]:
    # Stable sorting of 64-bit numbers finds runs that are in order already, and merges them in one pass.
    order = np.argsort(hashes, kind="stable")
    return hashes[order], places[order]
