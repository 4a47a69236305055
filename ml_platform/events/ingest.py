"""Reads a source into the lake: a row is stored, counted as a repeat, or put into quarantine with its reason."""

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime

import pyarrow as pa

from ml_platform.errors import SourceError
from ml_platform.events.forgotten import Forgotten, LeftOut
from ml_platform.events.lake import Arrivals, EventLake
from ml_platform.events.quality import CheckedRows, check_rows
from ml_platform.events.read_ahead import read_ahead
from ml_platform.events.schema import TABLES
from ml_platform.events.sources.base import Source, WithNotes

NOBODY = Forgotten()
MERGE_ROWS = 200_000
"""Rows that are merged at once (some 80 MB): each merge is a file that waits to be sorted into the days, so that
few large ones cost less than many small ones."""
MERGE_BYTES = 256_000_000
"""Fewer rows are merged where they are so large, so that memory is bounded for huge fields, too."""


@dataclass(frozen=True)
class TableCount:
    """What became of the rows of one table; ``read`` is the sum of the others."""

    table: str
    read: int
    added: int
    duplicates: int
    conflicts: int
    refused: dict[str, int]
    """Rows by the reason for which they are in quarantine, such as ``{"null": 3}``; conflicts are apart."""
    updated: int = 0
    """Rows that completed a stored one: a label, an outcome or an end that came late."""
    forgotten: int = 0
    """Rows of people who were forgotten: nothing of them was kept."""

    def __add__(self, other: "TableCount") -> "TableCount":
        """Both counts of one table together."""
        refused = Counter(self.refused) + Counter(other.refused)
        return TableCount(
            self.table,
            read=self.read + other.read,
            added=self.added + other.added,
            duplicates=self.duplicates + other.duplicates,
            conflicts=self.conflicts + other.conflicts,
            refused=dict(sorted(refused.items())),
            updated=self.updated + other.updated,
            forgotten=self.forgotten + other.forgotten,
        )


@dataclass(frozen=True)
class IngestReport:
    """One reading of a source, whole."""

    source: str
    simulated: bool
    live: bool
    tables: tuple[TableCount, ...]
    newest_event_at: datetime | None
    notes: tuple[str, ...]


def ingest(
    source: Source,
    lake: EventLake,
    *,
    now: datetime,
    progress: Callable[[str], None],
    forgotten: Forgotten = NOBODY,
) -> IngestReport:
    """Read a source to its end into the lake; a second time changes nothing.

    ``now`` is the clock at reading: later times are refused, and it is the default of ``received_at``. Of the rows
    of those who are ``forgotten`` only their number is kept.

    Raises:
        SourceError: the source cannot be read, or none of its events could be used.
    """
    with lake.arrivals() as arrivals:
        intake = _Intake(source.name, arrivals, now, progress, LeftOut(forgotten))
        with closing(read_ahead(source.batches())) as batches:
            for table, rows in batches:
                intake.take(table, rows)
        intake.take_what_waited()
        for table in TABLES:
            intake.merge(table)
    counters = intake.counters
    _at_least_one_event(source.name, counters["events"])
    notes = source.notes if isinstance(source, WithNotes) else ()
    return IngestReport(
        source=source.name,
        simulated=source.simulated,
        live=source.live,
        tables=tuple(_count(table, counter) for table, counter in counters.items()),
        newest_event_at=lake.newest("events"),
        notes=notes,
    )


def merge_rows(
    batches: Iterable[tuple[str, pa.Table]],
    lake: EventLake,
    *,
    source: str,
    now: datetime,
    progress: Callable[[str], None],
    forgotten: Forgotten = NOBODY,
) -> tuple[TableCount, ...]:
    """Merge rows that many people have sent into the lake, as those of a source; how many by table.

    However many of them cannot be used, the others are taken: it is no error of a map. ``source`` stands in their
    column ``source`` where that is empty; see `ingest`.
    """
    with lake.arrivals() as arrivals:
        intake = _Intake(source, arrivals, now, progress, LeftOut(forgotten), of_one_map=False)
        for table, rows in batches:
            intake.take(table, rows)
        intake.take_what_waited()
        for table in TABLES:
            intake.merge(table)
    return tuple(_count(table, counter) for table, counter in intake.counters.items())


_WAITS = "ceilings"
"""The table that names rows of the others: where somebody was forgotten, it is taken in when these have come."""


class _Intake:
    """Checks rows as they come and merges `MERGE_ROWS` at a time; counts what becomes of them.

    A source below `MERGE_ROWS` that turns out to be unreadable has changed nothing.
    """

    def __init__(
        self,
        source: str,
        arrivals: Arrivals,
        now: datetime,
        progress: Callable[[str], None],
        left_out: LeftOut,
        *,
        of_one_map: bool = True,
    ) -> None:
        self._source, self._arrivals, self._of_one_map = source, arrivals, of_one_map
        self._now, self._progress = now, progress
        self._left_out = left_out
        self._whole_batches: list[pa.Table] = []
        self._waiting: dict[str, list[CheckedRows]] = {table: [] for table in TABLES}
        self.counters: dict[str, Counter[str]] = {table: Counter() for table in TABLES}

    def take(self, table: str, rows: pa.Table) -> None:
        if table not in TABLES:
            raise SourceError(
                f"{self._source} gives a table {table!r} that is none of {', '.join(TABLES)}.",
                remedy="Correct the name of the section or table.",
            )
        self.counters[table]["read"] += len(rows)
        if self._left_out and table == _WAITS:
            self._whole_batches.append(rows)
        else:
            self._check(table, self._left_out.without_theirs(table, rows))

    def take_what_waited(self) -> None:
        """Take in the rows that could not be told apart before all others had come."""
        for rows in self._whole_batches:
            self._check(_WAITS, self._left_out.without_their_ceilings(rows))
        self._whole_batches.clear()

    def _check(self, table: str, rows: pa.Table) -> None:
        checked = check_rows(table, rows, now=self._now, source=self._source)
        refused = self._left_out.without_named(table, checked.refused)
        reasons = refused.column("reason").to_pylist()
        self.counters[table].update(f"refused:{reason}" for reason in reasons)
        self._waiting[table].append(replace(checked, refused=refused))
        self.counters[table]["forgotten"] = self._left_out.rows[table]
        waiting = [each for c in self._waiting[table] for each in (c.good, c.refused)]
        if sum(map(len, waiting)) >= MERGE_ROWS or _bytes(waiting) >= MERGE_BYTES:
            self.merge(table)

    def merge(self, table: str) -> None:
        waiting, self._waiting[table] = self._waiting[table], []
        if not waiting:
            return
        refused = pa.concat_tables(checked.refused for checked in waiting)
        self._arrivals.refuse(table, refused)
        self._require_most(table, refused)
        result = self._arrivals.merge(table, pa.concat_tables(checked.good for checked in waiting))
        total = self.counters[table]
        total.update(
            added=result.added,
            updated=result.updated,
            duplicates=result.duplicates,
            conflicts=result.conflicts,
        )
        self._progress(
            f"{table}: {total['read']:,} rows read, {total['added']:,} new, "
            f"{total['updated']:,} completed, {total['duplicates']:,} repeated, "
            f"{_refused_total(total):,} refused"
            + (f", {total['forgotten']:,} of forgotten people" if total["forgotten"] else "")
        )

    def _require_most(self, table: str, refused: pa.Table) -> None:
        """Raise `SourceError` where more than half of the rows so far cannot be used: then it is the map.

        They are in quarantine by then, where a person can look at them.
        """
        read, count = self.counters[table]["read"], sum(_refused(self.counters[table]).values())
        if not self._of_one_map or count * 2 <= read or len(refused) == 0:
            return
        kinds = Counter(
            zip(refused["reason"].to_pylist(), refused["field"].to_pylist(), strict=True)
        )
        (reason, field), rows = kinds.most_common(1)[0]
        example = next(
            row for row in refused.to_pylist() if (row["reason"], row["field"]) == (reason, field)
        )
        raise SourceError(
            f"{count:,} of {read:,} {table} of {self._source} could not be used, most of them ({rows:,}) for "
            f"{field} = {example['value']!r}: {reason}. This is an error of the map, or of the whole source.",
            remedy=f"{example['remedy']}; `ml-platform ingest --refused` shows what was refused",
        )


def _bytes(tables: list[pa.Table]) -> int:
    return sum(table.nbytes for table in tables)


def _refused_total(counter: Counter[str]) -> int:
    return counter["conflicts"] + sum(_refused(counter).values())


def _refused(counter: Counter[str]) -> dict[str, int]:
    return {
        key.removeprefix("refused:"): count
        for key, count in sorted(counter.items())
        if key.startswith("refused:")
    }


def _count(table: str, counter: Counter[str]) -> TableCount:
    return TableCount(
        table,
        read=counter["read"],
        added=counter["added"],
        duplicates=counter["duplicates"],
        conflicts=counter["conflicts"],
        refused=_refused(counter),
        updated=counter["updated"],
        forgotten=counter["forgotten"],
    )


def _at_least_one_event(source: str, events: Counter[str]) -> None:
    if events["added"] + events["updated"] + events["duplicates"] + events["forgotten"] > 0:
        return
    if events["read"] == 0:
        raise SourceError(
            f"{source} has no events.",
            remedy="Name a source with at least one event, or widen `where` in its map.",
        )
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in _refused(events).items())
    raise SourceError(
        f"None of the {events['read']:,} events of {source} could be used "
        f"(conflict {events['conflicts']:,}{', ' if reasons else ''}{reasons}).",
        remedy="Look at the quarantine: each row there has its field, value and remedy.",
    )
