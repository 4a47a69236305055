"""The event lake: one file a table and UTC day, in which a row that arrives twice is stored once.

The rules of merging are pure functions here; `ml_platform.adapters.lake` stores what they say.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ml_platform.events.coerce import Mask, Reason
from ml_platform.events.quality import in_order, refused_rows
from ml_platform.events.schema import EVENT_TIME, IDENTITY, TABLES

PROVENANCE = ("received_at", "source")
"""How a row got here; rows that differ only in these are the same row."""


@dataclass(frozen=True)
class MergeResult:
    """What became of the rows of one batch; ``days`` are the partitions that were written."""

    added: int
    duplicates: int
    conflicts: int
    days: tuple[date | None, ...]


@dataclass(frozen=True)
class MergePlan:
    """Rows to add to the lake; repeats to forget; rows for quarantine (`quality.REFUSED`)."""

    added: pa.Table
    duplicates: int
    conflicts: pa.Table


class EventLake(Protocol):
    """Rows of `schema.TABLES` by UTC day, and the quarantine of those that were refused."""

    def merge(self, table: str, rows: pa.Table) -> MergeResult:
        """Add checked rows (`quality.check_rows`); the same rows again change nothing.

        A row whose id is stored with other content is refused as a conflict: the stored one stays.

        Raises:
            PlatformError: it cannot be written (a full disk); whatever day was not finished is as it was.
        """

    def refuse(self, table: str, refused: pa.Table) -> int:
        """Put rows (`quality.REFUSED`) into quarantine; returns how many were not there yet."""

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

    def refused(self, table: str) -> pa.Table:
        """The quarantine of a table (`quality.REFUSED`), sorted."""

    def newest(self, table: str) -> datetime | None:
        """The largest event time, or ``None``: no rows, or no time in this table."""

    def counts(self) -> dict[str, int]:
        """Rows of each table."""


def content_columns(table: str) -> tuple[str, ...]:
    """The columns that make a row what it is: all but `PROVENANCE`."""
    return tuple(name for name in TABLES[table].names if name not in PROVENANCE)


def plan_merge(table: str, known: pa.Table, rows: pa.Table) -> MergePlan:
    """What to do with ``rows``, given the stored rows that share an id with any of them.

    A stored row stays; among new ones of one id the smallest content wins, so that the order in which
    they came does not matter.
    """
    stored = np.concatenate([np.zeros(len(known), np.int8), np.ones(len(rows), np.int8)])
    together = pa.concat_tables([known, rows]).append_column("new", pa.array(stored))
    identity, content = IDENTITY[table], content_columns(table)
    if len(known) == 0 and _distinct(rows.select(identity)) == len(rows):
        return MergePlan(rows, 0, _conflicts(identity, rows.slice(0, 0), rows.slice(0, 0)))
    others = tuple(name for name in content if name not in identity)
    keys = (*identity, "new", *others, "received_at", "source")
    ordered = together.sort_by([(key, "ascending") for key in keys])
    starts = ~_same_as(ordered, np.arange(len(ordered)) - 1, identity)
    winner = np.maximum.accumulate(np.where(starts, np.arange(len(ordered)), 0))
    new = ordered.column("new").to_numpy() == 1
    same = _same_as(ordered, winner, content)
    plain = ordered.drop_columns(["new"])
    losers = new & ~starts & ~same
    return MergePlan(
        added=in_order(table, plain.filter(pa.array(starts & new))),
        duplicates=int((new & ~starts & same).sum()),
        conflicts=_conflicts(
            content, plain.filter(pa.array(losers)), plain.take(pa.array(winner[losers]))
        ),
    )


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


def merged_day(table: str, stored: pa.Table, added: pa.Table) -> pa.Table:
    """A day with rows added to it, in order and in one chunk: the same rows give the same bytes."""
    return in_order(table, pa.concat_tables([stored, added])).combine_chunks()


def _distinct(ids: pa.Table) -> int:
    return len(ids.group_by(ids.column_names).aggregate([]))


def _same_as(rows: pa.Table, others: npt.NDArray[np.int64], columns: tuple[str, ...]) -> Mask:
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


def _conflicts(content: tuple[str, ...], losers: pa.Table, winners: pa.Table) -> pa.Table:
    """Quarantine rows: the first column in which the loser differs from what is stored, and both values."""
    differing, values = [], []
    rows = losers.select(content).to_pylist()
    for row, winner in zip(rows, winners.select(content).to_pylist(), strict=True):
        name = next(name for name in content if row[name] != winner[name])
        differing.append(name)
        values.append(f"{row[name]} (stored: {winner[name]})")
    refused = refused_rows(Reason.CONFLICT, "", values, rows)
    return refused.set_column(1, refused.schema.field("field"), [pa.array(differing, pa.string())])
