"""Rows on their way into the lake: kept batch by batch in files that no query reads, then sorted into their days.

A batch is appended as one file, `lake/<table>/arrived/000007.arrow`: Arrow, uncompressed, so that single rows can
be taken out of it. At the end of the ingestion each day that got rows is written once, and the files are removed.
So a batch costs what it holds, and whoever reads the days sees each as it was before or as it is afterwards.

What a killed process leaves in these files arrives again at the next ingestion, before anything else: rows that
were sorted in by then are repeats, and the others are new, in whatever order files were left.
"""

import os
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from ml_platform.adapters.id_index import (
    IdIndex,
    by_file,
    hashes_of,
    places_in,
    rows_by_file,
    stored_ids,
)
from ml_platform.adapters.lake_queries import reading
from ml_platform.adapters.manifest import manifest_beside
from ml_platform.adapters.quarantine import Quarantine
from ml_platform.adapters.writing import writing
from ml_platform.events.lake import (
    MergePlan,
    MergeResult,
    by_day,
    merged_day,
    newest_of_each_id,
    plan_merge,
)
from ml_platform.events.schema import IDENTITY, TABLES
from ml_platform.files import TEMPORARY_SUFFIX, flush

ARRIVED = "arrived"
"""The folder of a table in which rows wait to be sorted into their days."""
_SORTED_ROWS = 200_000
"""Rows of days that are written together, new and stored: what memory holds while an ingestion ends."""
_WRITERS = 8
"""Days written at once: each waits some milliseconds for its flush to disk, and there may be thousands."""


@dataclass(frozen=True)
class _Batch:
    """One file of arrived rows, which lie in the order of their days."""

    path: Path
    days: tuple[date | None, ...]
    sizes: tuple[int, ...]
    """The number of rows of each day."""

    def rows_of(self, first: date | None, last: date | None) -> pa.Table:
        """The rows from a day to another one; read where they lie, without a copy."""
        rows = _opened(self.path)
        if first is None or last is None:
            return rows
        since = bisect_left(self.days, first, key=_day)
        until = bisect_right(self.days, last, key=_day)
        return rows.slice(sum(self.sizes[:since]), sum(self.sizes[since:until]))


class TableArrivals:
    """The rows of one table that arrive during an ingestion.

    The stored files are held against the manifest once, when this is made; the days that are rewritten once more.
    """

    def __init__(self, table: str, folder: Path, quarantine: Quarantine) -> None:
        self._table, self._folder, self._quarantine = table, folder, quarantine
        self._manifest = manifest_beside(folder.parent)
        self._manifest.require_folder(folder)
        self._files = sorted(folder.glob("**/rows.parquet"))
        self._index, self._stored_rows = IdIndex(), Counter[Path]()
        if self._files:
            hashes, places = stored_ids(table, IDENTITY[table], self._files)
            self._index.add(hashes, places)
            for file, rows in rows_by_file(places):
                self._stored_rows[self._files[file]] = rows
        self._random_access: dict[int, Path] = {}
        self._batches: list[_Batch] = []
        self._left_behind = left_behind(folder)

    def merge_left_behind(self) -> None:
        """Let arrive again what an ingestion that was killed had taken in."""
        for path in self._left_behind:
            with reading(self._table):
                rows = _opened(path)
            self.merge(rows)

    def merge(self, rows: pa.Table) -> MergeResult:
        """See `Arrivals.merge`."""
        plan = plan_merge(self._table, self._sharing_an_id(rows), rows)
        self._quarantine.refuse(plan.conflicts)
        if plan.days:
            self._append(plan)
        return plan.result

    def sort_into_days(self) -> None:
        """Write every day that got rows, and remove the files in which these waited."""
        for first, last in self._ranges():
            with reading(self._table):
                waiting = pa.concat_tables(batch.rows_of(first, last) for batch in self._batches)
                changes = newest_of_each_id(self._table, waiting.combine_chunks())
            self._write(list(by_day(self._table, changes)))
        self._manifest.remove(*self._left_behind, *(batch.path for batch in self._batches))

    def close(self) -> None:
        """Remove the copies of stored days."""
        for path in self._random_access.values():
            path.unlink(missing_ok=True)

    def _append(self, plan: MergePlan) -> None:
        days, sizes = zip(*((day, len(rows)) for day, rows in plan.days), strict=True)
        rows = pa.concat_tables(rows for _, rows in plan.days).cast(TABLES[self._table])
        path = self._folder / ARRIVED / f"{self._next_number():06}.arrow"
        ends = sorted({str(day or "all days") for day in (days[0], days[-1])})
        with (
            writing(f"{self._table} of {' to '.join(ends)}", path),
            self._manifest.replacing(path) as (beside,),
        ):
            _write_arrow(rows, beside)
        self._batches.append(_Batch(path, days, sizes))
        places = places_in(len(self._files), len(rows))
        self._files.append(path)
        self._index.add(hashes_of(rows.select(IDENTITY[self._table])), places)

    def _next_number(self) -> int:
        return 1 + max((int(path.stem) for path in left_behind(self._folder)), default=0)

    def _sharing_an_id(self, rows: pa.Table) -> pa.Table:
        """Stored and arrived rows, of any day, whose id one of ``rows`` has, before and after completion."""
        candidates = self._index.find(hashes_of(rows.select(IDENTITY[self._table])))
        taken = [TABLES[self._table].empty_table()]
        with reading(self._table):
            taken += [self._taken(file, numbers) for file, numbers in by_file(candidates)]
        return pa.concat_tables(taken)

    def _taken(self, file: int, numbers: npt.NDArray[np.int64]) -> pa.Table:
        path = self._files[file]
        if path.suffix == ".parquet":
            path = self._random_access.get(file) or self._copied(file)
        return _opened(path).take(pa.array(numbers))

    def _copied(self, file: int) -> Path:
        """A copy of a stored day from which single rows can be taken, until the ingestion ends."""
        stored = self._files[file]
        copy = (
            self._folder / ARRIVED / f"{stored.parent.name}.arrow.{os.getpid()}{TEMPORARY_SUFFIX}"
        )
        self._random_access[file] = copy
        rows = pq.read_table(stored, schema=TABLES[self._table], partitioning=None)
        with writing(f"{self._table} of {_day_of(stored)}", copy):
            copy.parent.mkdir(exist_ok=True)
            _write_arrow(rows, copy)
        return copy

    def _ranges(self) -> Iterator[tuple[date | None, date | None]]:
        """First and last day of those that are written together."""
        sizes: Counter[date | None] = Counter()
        for batch in self._batches:
            sizes.update(dict(zip(batch.days, batch.sizes, strict=True)))
        together: list[date | None] = []
        rows = 0
        for day in sorted(sizes, key=_day):
            size = sizes[day] + self._stored_rows[self._day_file(day)]
            if together and rows + size > _SORTED_ROWS:
                yield together[0], together[-1]
                together, rows = [], 0
            together.append(day)
            rows += size
        if together:
            yield together[0], together[-1]

    def _write(self, days: list[tuple[date | None, pa.Table]]) -> None:
        paths = [self._day_file(day) for day, _ in days]
        self._manifest.require(*(path for path in paths if path.exists()))
        with (
            writing(self._table, self._folder),
            self._manifest.replacing(*paths) as beside,
            ThreadPoolExecutor(_WRITERS) as pool,
        ):
            list(pool.map(self._put, (rows for _, rows in days), paths, beside))

    def _put(self, changes: pa.Table, path: Path, beside: Path) -> None:
        """Write the day that is stored at ``path``, with its changes merged into it, to ``beside``."""
        stored = TABLES[self._table].empty_table()
        if path.exists():
            with reading(self._table):
                stored = pq.read_table(
                    path, schema=TABLES[self._table], partitioning=None, use_threads=False
                )
        with writing(f"{self._table} of {_day_of(path)}", path):
            rows = merged_day(self._table, stored, changes)
            pq.write_table(rows, beside, compression="zstd")
            flush(beside)

    def _day_file(self, day: date | None) -> Path:
        folder = self._folder if day is None else self._folder / f"day={day.isoformat()}"
        return folder / "rows.parquet"


class LakeArrivals:
    """The rows of all tables that arrive during an ingestion."""

    def __init__(self, root: Path, quarantine_root: Path) -> None:
        self._root, self._quarantine_root = root, quarantine_root
        self._tables: dict[str, TableArrivals] = {}
        self._quarantines: dict[str, Quarantine] = {}

    def merge_left_behind(self) -> None:
        """Let arrive again what an ingestion that was killed had taken in."""
        for table in TABLES:
            if left_behind(self._root / table):
                self._of(table).merge_left_behind()

    def merge(self, table: str, rows: pa.Table) -> MergeResult:
        """See `Arrivals.merge`."""
        return self._of(table).merge(rows)

    def refuse(self, table: str, refused: pa.Table) -> int:
        """See `Arrivals.refuse`."""
        return self._quarantine_of(table).refuse(refused)

    def sort_into_days(self) -> None:
        """Make readable what arrived."""
        for arrivals in self._tables.values():
            arrivals.sort_into_days()

    def close(self) -> None:
        """Remove what served the ingestion alone."""
        for arrivals in self._tables.values():
            arrivals.close()

    def _of(self, table: str) -> TableArrivals:
        if table not in self._tables:
            quarantine = self._quarantine_of(table)
            self._tables[table] = TableArrivals(table, self._root / table, quarantine)
        return self._tables[table]

    def _quarantine_of(self, table: str) -> Quarantine:
        if table not in self._quarantines:
            self._quarantines[table] = Quarantine(table, self._quarantine_root / table)
        return self._quarantines[table]


def left_behind(folder: Path) -> list[Path]:
    """The files of rows that wait in the folder of a table, in the order of their arrival."""
    return sorted((folder / ARRIVED).glob("*.arrow"))


def _write_arrow(rows: pa.Table, path: Path) -> None:
    with pa.ipc.new_file(path, rows.schema) as writer:
        writer.write_table(rows.combine_chunks())


def _opened(path: Path) -> pa.Table:
    """The rows of an Arrow file, which stay on disk until they are looked at."""
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).read_all()


def _day_of(day_file: Path) -> str:
    folder = day_file.parent.name
    return folder.removeprefix("day=") if folder.startswith("day=") else "all days"


def _day(day: date | None) -> date:
    """A day to sort by; a table without a time has but one."""
    return day or date.min
