"""Rows that came by HTTP and wait to be taken into the lake: whole ones, and values that complete stored ones."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from ml_platform.events.schema import FILLS_IN, IDENTITY, TABLES

SOURCE = "api"
"""What stands in the column ``source`` of rows that came by HTTP."""


@dataclass(frozen=True)
class PostedRow:
    """One row as it waits."""

    id: int
    """Its place in the order of arrival."""
    table: str
    """A table of the lake, or what stands in place of one."""
    row_id: str
    user_id: str
    """The person that it is about."""
    body: str
    """JSON: the row, or with ``completes`` the columns that it fills in."""
    received_at: datetime
    completes: bool
    """Whether it fills columns of a stored row in (`schema.FILLS_IN`) and is no whole row itself."""


@dataclass(frozen=True)
class Waiting:
    """The rows that are not taken in."""

    rows: int
    newest: int
    """The largest ``id`` among them; 0 without any."""


def whole_rows(posted: Sequence[PostedRow]) -> Iterator[tuple[str, pa.Table]]:
    """The whole rows by table, as a source gives them."""
    by_table: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in posted:
        if row.table in TABLES and not row.completes:
            by_table[row.table].append(json.loads(row.body) | _provenance(row.received_at))
    for table, rows in by_table.items():
        yield table, pa.Table.from_pylist(rows, schema=_as_sent(table))


def completed_rows(
    table: str, stored: pa.Table, posted: Sequence[PostedRow]
) -> tuple[pa.Table, frozenset[int]]:
    """Stored rows with what completes them, as rows that come again; and the ids of all whose row is stored.

    A value that says what the stored row says already changes nothing, whatever comes with it.

    Args:
        table: A table of the lake.
        stored: Its rows whose ids are among those of ``posted``.
        posted: Rows that complete.
    """
    (name,) = IDENTITY[table]
    known = {row[name]: row for row in stored.to_pylist()}
    rows, found = [], set()
    for each in posted:
        before = known.get(each.row_id)
        if before is None:
            continue
        found.add(each.id)
        values: Mapping[str, Any] = json.loads(each.body)
        label = next(column for column in FILLS_IN[table] if column in values)
        if before[label] != values[label]:
            rows.append(_as_text(before) | dict(values) | _provenance(each.received_at))
    return pa.Table.from_pylist(rows, schema=_as_sent(table)), frozenset(found)


def _provenance(received_at: datetime) -> dict[str, Any]:
    return {"received_at": received_at, "source": SOURCE}


def _as_text(row: Mapping[str, Any]) -> dict[str, Any]:
    """A stored row with the times as a sender writes them."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in row.items()
    }


def _as_sent(table: str) -> pa.Schema:
    """The columns of a table as JSON has them: all times but that of receipt are texts."""
    return pa.schema(
        [
            pa.field(field.name, pa.string())
            if pa.types.is_timestamp(field.type) and field.name != "received_at"
            else pa.field(field.name, field.type)
            for field in TABLES[table]
        ]
    )
