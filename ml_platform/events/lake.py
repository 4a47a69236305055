"""The event lake: one file a table and UTC day, in which a row that arrives twice is stored once.

A row may come before all of it is known (`schema.FILLS_IN`: a label, an outcome, an end): what comes
later under its id completes it, and never changes what is known.

The rules of merging are pure functions here; `ml_platform.adapters.lake` stores what they say.
"""

from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ml_platform.events.coerce import Mask, Reason
from ml_platform.events.quality import in_order, refused_rows
from ml_platform.events.schema import EVENT_TIME, FILLS_IN, IDENTITY, TABLES

Places = npt.NDArray[np.int64]
"""Positions of rows in a table."""

PROVENANCE = ("received_at", "source")
"""How a row got here; rows that differ only in these are the same row."""


@dataclass(frozen=True)
class MergeResult:
    """What became of the rows of one batch; ``days`` are the partitions that were written."""

    added: int
    duplicates: int
    conflicts: int
    days: tuple[date | None, ...]
    updated: int = 0
    """Rows that completed another of their id (`schema.FILLS_IN`)."""


@dataclass(frozen=True)
class MergePlan:
    """Rows to add to the lake; repeats to forget; rows for quarantine (`quality.REFUSED`).

    ``completed`` are stored rows as they are from now on; ``updated`` counts the rows that completed
    these, or an added one.
    """

    table: str
    added: pa.Table
    completed: pa.Table
    updated: int
    duplicates: int
    conflicts: pa.Table

    @cached_property
    def days(self) -> tuple[tuple[date | None, pa.Table], ...]:
        """The days to write, each with the rows to put into it."""
        return tuple(by_day(self.table, pa.concat_tables([self.added, self.completed])))

    @property
    def result(self) -> MergeResult:
        """The result once all is written."""
        return MergeResult(
            added=len(self.added),
            duplicates=self.duplicates,
            conflicts=len(self.conflicts),
            days=tuple(day for day, _ in self.days),
            updated=self.updated,
        )


@dataclass(frozen=True)
class Survey:
    """Figures over all rows of a table before a time, and some of these rows, evenly spaced in its order."""

    rows: int
    repeated_ids: int
    newest: datetime | None
    sample: pa.Table


@dataclass(frozen=True)
class KnownRows:
    """How many rows of a table there are before a time, and in how many of them one column has a value."""

    rows: int
    """All rows; of events those of people, not of programs."""
    known: int
    """The rows that have a value in the column; all of them where no column was asked for."""
    values: int
    """Distinct values in the column; 0 where none was asked for."""
    oldest: datetime | None
    newest: datetime | None
    """The first and the last event time of the known rows; ``None`` without any, or without an event time."""


class Arrivals(Protocol):
    """Where rows arrive, batch after batch, until all are sorted into the days of a lake at once."""

    def merge(self, table: str, rows: pa.Table) -> MergeResult:
        """Add checked rows (`quality.check_rows`); the same rows again change nothing.

        A row whose id is stored, or came in a batch before, completes that one in `schema.FILLS_IN`; with other
        content it is refused as a conflict, and the stored one stays.

        Raises:
            PlatformError: it cannot be written (a full disk); what came before is as it was.
        """

    def refuse(self, table: str, refused: pa.Table) -> int:
        """Put rows (`quality.REFUSED`) into quarantine; returns how many were not there yet."""


class EventLake(Protocol):
    """Rows of `schema.TABLES` by UTC day, and the quarantine of those that were refused."""

    def arrivals(self) -> AbstractContextManager[Arrivals]:
        """Take in any number of batches; at the end of the context their rows can be read, each day rewritten once.

        A `SourceError` that ends the context leaves what came before it in the lake. After any other error, or a
        kill, it waits beside the lake, and the next context sorts it in.
        """

    def merge(self, table: str, rows: pa.Table) -> MergeResult:
        """Take in one batch: see `Arrivals.merge`; its rows can be read afterwards.

        Raises:
            PlatformError: it cannot be written (a full disk); whatever day was not finished is as it was.
        """

    def refuse(self, table: str, refused: pa.Table) -> int:
        """See `Arrivals.refuse`."""

    def fingerprint(self, table: str, until: datetime) -> str:
        """SHA-256 of the content of all rows before ``until``; their order and `PROVENANCE` aside."""

    def rows(
        self,
        table: str,
        since: datetime | None = None,
        until: datetime | None = None,
        columns: tuple[str, ...] | None = None,
    ) -> pa.Table:
        """Rows with ``since <= time < until``, in the order of time and id."""

    def rows_of(self, table: str, ids: Collection[str]) -> pa.Table:
        """The rows of some ids, in no order; of a table whose identity is one column."""

    def refused(self, table: str) -> pa.Table:
        """The quarantine of a table (`quality.REFUSED`), sorted."""

    def survey(self, table: str, until: datetime, sample_rows: int) -> Survey:
        """Figures over the rows before ``until``, with ``sample_rows`` of them at most."""

    def known_rows(self, table: str, column: str, until: datetime) -> KnownRows:
        """How many rows before ``until`` have a value in ``column`` (empty: any row), and between which times."""

    def newest(self, table: str) -> datetime | None:
        """The largest event time, or ``None``: no rows, or no time in this table."""

    def counts(self) -> dict[str, int]:
        """Rows of each table."""


def content_columns(table: str) -> tuple[str, ...]:
    """The columns that make a row what it is: all but `PROVENANCE`."""
    return tuple(name for name in TABLES[table].names if name not in PROVENANCE)


def plan_merge(table: str, known: pa.Table, rows: pa.Table) -> MergePlan:
    """What to do with ``rows``, given the stored rows that share an id with any of them.

    A stored row stays; among new ones of one id the one in which most is known wins, and of these the
    smallest content. The others complete it in that order, or are repeats, or conflicts: the order in
    which they came does not matter.
    """
    alone = _alone(table, known, rows)
    if alone.all():
        none = rows.slice(0, 0)
        return MergePlan(table, rows, none, 0, 0, _conflicts(table, none, none))
    plan = _plan_shared(table, known, rows.filter(pa.array(~alone)))
    return replace(plan, added=pa.concat_tables([rows.filter(pa.array(alone)), plan.added]))


def _alone(table: str, known: pa.Table, rows: pa.Table) -> Mask:
    """The rows whose id no other row has, stored or new: there is nothing to decide about them."""
    codes = np.zeros(len(known) + len(rows), np.int64)
    for name in IDENTITY[table]:
        ids = pa.chunked_array([*known.column(name).chunks, *rows.column(name).chunks])
        encoded = ids.combine_chunks().dictionary_encode()
        pairs = codes * len(encoded.dictionary) + encoded.indices.to_numpy()
        codes = np.unique(pairs, return_inverse=True)[1] if codes.any() else pairs
    alone: Mask = (np.bincount(codes, minlength=1)[codes] == 1)[len(known) :]
    return alone


def _plan_shared(table: str, known: pa.Table, rows: pa.Table) -> MergePlan:
    """`plan_merge` of rows that share their id with another."""
    identity = IDENTITY[table]
    new, ordered = _ordered(table, known, rows)
    starts = ~_same_as(ordered, np.arange(len(ordered)) - 1, identity)
    completed = _complete(
        table, ordered, np.maximum.accumulate(np.where(starts, _places(ordered), 0))
    )
    losers = new & ~starts & ~completed.agrees
    repeats = new & ~starts & completed.agrees & ~completed.gave
    conflicts = _conflicts(
        table, ordered.filter(pa.array(losers)), completed.rows.filter(pa.array(losers))
    )
    return MergePlan(
        table,
        added=completed.rows.filter(pa.array(starts & new)),
        completed=completed.rows.filter(pa.array(starts & ~new & completed.changed)),
        updated=int(completed.gave.sum()),
        duplicates=int(repeats.sum()),
        conflicts=conflicts,
    )


def _ordered(table: str, known: pa.Table, rows: pa.Table) -> tuple[Mask, pa.Table]:
    """All rows by id; of one id the stored one first, then those in which most is known; and which are new."""
    together = pa.concat_tables([known, rows])
    filled = np.zeros(len(together), np.int8)
    for name in FILLS_IN[table]:
        filled += _known(table, together, name)
    stored = np.concatenate([np.zeros(len(known), np.int8), np.ones(len(rows), np.int8)])
    keyed = together.append_column("new", pa.array(stored)).append_column(
        "open", pa.array(len(FILLS_IN[table]) - filled)
    )
    identity = IDENTITY[table]
    others = tuple(name for name in content_columns(table) if name not in identity)
    keys = (*identity, "new", "open", *others, *PROVENANCE)
    ordered = keyed.sort_by([(key, "ascending") for key in keys])
    new: Mask = ordered.column("new").to_numpy() == 1
    return new, ordered.drop_columns(["new", "open"])


@dataclass(frozen=True)
class _Completed:
    """The completed row of each row's id; whether the row agrees with it, gave it a value, was changed by it."""

    rows: pa.Table
    agrees: Mask
    gave: Mask
    changed: Mask


def _complete(table: str, ordered: pa.Table, kept: Places) -> _Completed:
    """Complete the kept row of each id (at ``kept``) by the others, in their order, where they agree.

    A row agrees if it differs from what is kept in nothing that is known in both.
    """
    fills = FILLS_IN[table]
    known = {name: _known(table, ordered, name) for name in fills}
    fixed = tuple(name for name in content_columns(table) if name not in fills)
    same = _same_as(ordered, kept, fixed)
    origin = dict.fromkeys(fills, kept)
    gave = np.zeros(len(ordered), bool)
    # A round fills in at least one column of every row that can be completed at all.
    for _ in fills:
        agrees, gives = same.copy(), np.zeros(len(ordered), bool)
        for name, at in origin.items():
            agrees &= ~known[name] | ~known[name][at] | _same_as(ordered, at, (name,))
            gives |= known[name] & ~known[name][at]
        givers = np.flatnonzero(agrees & gives)
        of, first = np.unique(kept[givers], return_index=True)
        giver = np.full(len(ordered), -1)
        giver[of] = givers[first]
        gave[givers[first]] = True
        giver = giver[kept]
        for name, at in origin.items():
            takes = (giver >= 0) & ~known[name][at] & known[name][giver]
            origin[name] = np.where(takes, giver, at)
    agrees, changed, rows = same, np.zeros(len(ordered), bool), ordered.take(pa.array(kept))
    for name, at in origin.items():
        agrees = agrees & (~known[name] | _same_as(ordered, at, (name,)))
        changed |= at != kept
        place = rows.column_names.index(name)
        rows = rows.set_column(place, rows.field(place), ordered.column(name).take(pa.array(at)))
    return _Completed(rows, agrees, gave, changed)


def _known(table: str, rows: pa.Table, name: str) -> Mask:
    """The rows in which the column ``name``, whose nulls other rows may fill in, has a final value."""
    values, until_then = rows.column(name), FILLS_IN[table][name]
    known = values.is_valid()
    if until_then is not None:
        known = pc.and_(known, pc.fill_null(pc.not_equal(values, until_then), False))
    mask: Mask = known.to_numpy()
    return mask


def _places(rows: pa.Table) -> Places:
    return np.arange(len(rows))


def by_day(table: str, rows: pa.Table) -> Iterator[tuple[date | None, pa.Table]]:
    """Rows by the UTC day of their time, in order; ``None`` is the only day of a table without a time."""
    moment = EVENT_TIME[table]
    if len(rows) == 0:
        return
    if moment is None:
        yield None, rows
        return
    days = pc.cast(rows.column(moment), pa.date32()).combine_chunks().cast(pa.int32()).to_numpy()
    order = np.argsort(days, kind="stable")
    sorted_rows, days = rows.take(pa.array(order)), days[order]
    edges = np.flatnonzero(np.diff(days, prepend=days[0] - 1))
    for start, stop in zip(edges, [*edges[1:], len(days)], strict=True):
        day = date.fromordinal(date(1970, 1, 1).toordinal() + int(days[start]))
        yield day, sorted_rows.slice(start, stop - start)


def merged_day(table: str, stored: pa.Table, changes: pa.Table) -> pa.Table:
    """A day with rows added or completed, in order and in one chunk: the same rows give the same bytes."""
    identity = list(IDENTITY[table])
    if len(stored) and FILLS_IN[table]:
        stored = stored.join(changes.select(identity), identity, join_type="left anti")
    together = pa.concat_tables([stored.cast(changes.schema), changes])
    return in_order(table, together).combine_chunks()


def newest_of_each_id(table: str, rows: pa.Table) -> pa.Table:
    """The last row of each id, in the order given: as it was completed last."""
    numbered = rows.select(IDENTITY[table]).append_column("place", pa.array(_places(rows)))
    last = numbered.group_by(list(IDENTITY[table])).aggregate([("place", "max")])
    return rows if len(last) == len(rows) else rows.take(last.column("place_max").sort())


def _same_as(rows: pa.Table, others: Places, columns: tuple[str, ...]) -> Mask:
    """Whether each row equals, in ``columns``, the row at the given place (-1: no row)."""
    same: Mask = others >= 0
    places = pa.array(np.maximum(others, 0))
    for name in columns:
        left = rows.column(name).combine_chunks()
        right = left.take(places)
        both_null = pc.and_(left.is_null(), right.is_null())
        equal = pc.or_(pc.fill_null(pc.equal(left, right), False), both_null)
        same &= equal.to_numpy(zero_copy_only=False)
    return same


def _conflicts(table: str, losers: pa.Table, winners: pa.Table) -> pa.Table:
    """Quarantine rows: the first column in which the loser contradicts what is kept, and both values."""
    content, fills = content_columns(table), FILLS_IN[table]
    differing, values = [], []
    rows = losers.select(content).to_pylist()
    for row, winner in zip(rows, winners.select(content).to_pylist(), strict=True):
        name = next(
            name
            for name in content
            if row[name] != winner[name]
            and not (name in fills and row[name] in (None, fills[name]))
        )
        differing.append(name)
        values.append(f"{row[name]} (stored: {winner[name]})")
    refused = refused_rows(Reason.CONFLICT, "", values, rows)
    return refused.set_column(1, refused.schema.field("field"), [pa.array(differing, pa.string())])
