"""Rows of a source against the schema: good ones in its exact types, bad ones with their reason.

Nothing is lost silently and nothing is repaired by guessing: a row is refused for the first thing that
is wrong with it, and what is kept of it says field, value and remedy.
"""

import json
import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ml_platform.errors import SourceError
from ml_platform.events.coerce import Mask, Reason, mask_of, to_type
from ml_platform.events.schema import EVENT_TIME, IDENTITY, TABLES

REFUSED = pa.schema(
    [
        pa.field(name, pa.string(), nullable=False)
        for name in ("reason", "field", "value", "remedy", "row")
    ]
)
"""A row of quarantine; ``row`` is the row as the source gave it, as JSON with sorted keys."""

UNREADABLE = "unreadable"
"""A column that a source may add: why it could not read this row, which then goes to quarantine; else empty."""

LONGEST = {"object_path": 4_096, "attributes": 65_536, "candidate_set": 65_536}
"""Bytes of UTF-8; of any other text `LONGEST_TEXT`: longer ones are no ids but mapping mistakes."""
LONGEST_TEXT = 512

_HAS_DEFAULT = {"received_at", "change_set_id", "is_bot", "source"}
_NOT_LATER_THAN_NOW = ("occurred_at", "started_at", "finished_at", "shown_at", "outcome_at")
_EXTENSION = r"[^/\\.][^/\\]*\.(?P<extension>[A-Za-z0-9_+-]{1,16})$"

_REMEDIES: dict[Reason, str] = {
    Reason.UNREADABLE: "correct the line that is named, or `encoding` and `delimiter` in the map",
    Reason.NULL: "give a value, or leave the row out with `where` in the map",
    Reason.EMPTY: "give a text that is not empty",
    Reason.WRONG_TYPE: "give a value of the type that docs/sources.md lists",
    Reason.NOT_A_NUMBER: "leave the cell empty where there is no number",
    Reason.OUT_OF_RANGE: "give a value inside the range that docs/sources.md lists",
    Reason.TOO_LONG: f"at most {LONGEST_TEXT} bytes (object_path 4096, attributes 65536)",
    Reason.UNPARSABLE_TIME: (
        "write times as ISO 8601, such as 2026-03-01T09:30:00+01:00, or set `time_format` in the map"
    ),
    Reason.NAIVE_TIME: "write the zone with the time, or set `timezone` in the map",
    Reason.SKIPPED_TIME: "correct the time or `timezone`: clocks were set forward over it",
    Reason.IMPOSSIBLE_ZONE: "write an offset from UTC between -14:00 and +14:00",
    Reason.FUTURE_TIME: "correct the clock of the source, or send the row again when it has happened",
    Reason.FINISH_BEFORE_START: "correct the times: an end comes after its start",
    Reason.CONFLICT: "send a correction under an id of its own: what is stored is completed, never changed",
}


@dataclass(frozen=True)
class CheckedRows:
    """Rows that may enter the lake, sorted by time and id, and rows that may not (`REFUSED`)."""

    good: pa.Table
    refused: pa.Table


def check_rows(table: str, rows: pa.Table, *, now: datetime, source: str = "") -> CheckedRows:
    """Split rows into good and refused.

    ``received_at`` defaults to ``now``, ``change_set_id`` to ``event_id``, ``is_bot`` to false, the column
    ``source`` to ``source`` (if not empty), ``object_extension`` to what the path ends in.

    Raises:
        SourceError: a required column is missing, or has a type that can never be the field's.
    """
    schema = TABLES[table]
    defects = _Defects(len(rows))
    columns: dict[str, pa.Array] = {}
    if UNREADABLE in rows.column_names:
        defects.mark(Reason.UNREADABLE, UNREADABLE, mask_of(_filled(rows.column(UNREADABLE))))
    for field in schema:
        given = rows.column(field.name) if field.name in rows.column_names else None
        if given is None and not field.nullable and field.name not in _HAS_DEFAULT:
            raise _missing(table, field.name, rows.column_names)
        if given is None:
            columns[field.name] = pa.nulls(len(rows), field.type)
        else:
            coerced = to_type(given, field, table)
            columns[field.name] = coerced.values
            for reason, mask in coerced.problems:
                defects.mark(reason, field.name, mask)
    _set_defaults(table, columns, now, source)
    _check_values(schema, columns, now, defects)
    good = pa.Table.from_pydict(columns).filter(pa.array(defects.first < 0))
    return CheckedRows(in_order(table, good.cast(schema)), defects.refused(rows))


def in_order(table: str, rows: pa.Table) -> pa.Table:
    """The one order of a table's rows: by time, then by id."""
    moment = EVENT_TIME[table]
    keys = ((moment,) if moment else ()) + IDENTITY[table]
    return rows.sort_by([(key, "ascending") for key in keys])


def refused_rows(
    reason: Reason, field: str, values: list[Any], rows: list[dict[str, Any]]
) -> pa.Table:
    """Rows of quarantine, all refused for one reason."""
    return pa.Table.from_pydict(
        {
            "reason": [reason.value] * len(rows),
            "field": [field] * len(rows),
            "value": [_text(value) for value in values],
            "remedy": [_REMEDIES[reason]] * len(rows),
            "row": [_row_json(row) for row in rows],
        },
        schema=REFUSED,
    )


class _Defects:
    """The first defect of each row: ``first`` is -1, or the index of its reason and field in ``problems``."""

    def __init__(self, rows: int) -> None:
        self.first: npt.NDArray[np.int32] = np.full(rows, -1, dtype=np.int32)
        self.problems: list[tuple[Reason, str]] = []

    def mark(self, reason: Reason, field: str, mask: Mask) -> None:
        if mask.any():
            self.first[mask & (self.first < 0)] = len(self.problems)
            self.problems.append((reason, field))

    def refused(self, rows: pa.Table) -> pa.Table:
        parts = [REFUSED.empty_table()]
        for number, (reason, field) in enumerate(self.problems):
            bad = _shown(rows.filter(pa.array(self.first == number))).to_pylist()
            parts.append(refused_rows(reason, field, [row.get(field) for row in bad], bad))
        return pa.concat_tables(parts)


def _missing(table: str, field: str, present: list[str]) -> SourceError:
    return SourceError(
        f"The {table} of this source have no column {field!r} (they have {', '.join(present) or 'none'}).",
        remedy=f"Map a column to it, or set a constant, in columns.toml: [{table}.columns] {field} = ...",
    )


def _set_defaults(table: str, columns: dict[str, pa.Array], now: datetime, source: str) -> None:
    received = columns["received_at"]
    columns["received_at"] = pc.fill_null(received, pa.scalar(now, received.type))
    if source:
        columns["source"] = pc.fill_null(columns["source"], source)
    if table == "events":
        columns["change_set_id"] = pc.coalesce(columns["change_set_id"], columns["event_id"])
        columns["is_bot"] = pc.fill_null(columns["is_bot"], False)
        ending = pc.extract_regex(columns["object_path"], _EXTENSION)
        derived = pc.utf8_lower(pc.struct_field(ending, "extension"))
        columns["object_extension"] = pc.coalesce(columns["object_extension"], derived)


def _check_values(
    schema: pa.Schema, columns: dict[str, pa.Array], now: datetime, defects: _Defects
) -> None:
    for field in schema:
        values = columns[field.name]
        if not field.nullable:
            defects.mark(Reason.NULL, field.name, mask_of(values.is_null()))
        if pa.types.is_string(field.type):
            size = pc.binary_length(values)
            if not field.nullable:
                defects.mark(Reason.EMPTY, field.name, mask_of(pc.equal(size, 0)))
            limit = LONGEST.get(field.name, LONGEST_TEXT)
            defects.mark(Reason.TOO_LONG, field.name, mask_of(pc.greater(size, limit)))
        if field.name in _NOT_LATER_THAN_NOW:
            late = pc.greater(values, pa.scalar(now, values.type))
            defects.mark(Reason.FUTURE_TIME, field.name, mask_of(late))
    for name in ("propensity", "probability"):
        if name in columns:
            within = pc.and_(pc.greater(columns[name], 0.0), pc.less_equal(columns[name], 1.0))
            defects.mark(Reason.OUT_OF_RANGE, name, mask_of(pc.invert(within)))
    for start, end in (("started_at", "finished_at"), ("shown_at", "outcome_at")):
        if start in columns:
            before = pc.less(columns[end], columns[start])
            defects.mark(Reason.FINISH_BEFORE_START, end, mask_of(before))


def _filled(column: pa.ChunkedArray) -> pa.Array:
    text = column.combine_chunks()
    return (
        pc.greater(pc.binary_length(text), 0) if pa.types.is_string(text.type) else text.is_valid()
    )


def _shown(rows: pa.Table) -> pa.Table:
    """The rows with times as Arrow writes them: Python has none before the year 1 or after 9999."""
    for place, column in enumerate(rows.schema):
        if pa.types.is_timestamp(column.type):
            rows = rows.set_column(place, column.name, _time_texts(rows.column(place)))
    return rows


def _time_texts(times: pa.ChunkedArray) -> pa.Array:
    units = times.cast(pa.int64()).to_pylist()
    return pa.array([_time_text(unit, times.type) for unit in units], pa.string())


def _time_text(units: int | None, kind: pa.DataType) -> str | None:
    if units is None:
        return None
    try:
        return str(pa.scalar(units, kind).as_py())
    except (ValueError, OverflowError):
        return f"{units} {kind.unit} since 1970"


def _plain(value: Any) -> Any:
    """A value that JSON has; of a text longer than any that a table takes only the beginning and its length."""
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    if isinstance(value, str) and len(value) > max(LONGEST.values()):
        return f"{value[:200]}... ({len(value):,} characters)"
    return value


def _text(value: Any) -> str:
    return "" if value is None else str(value)[:200]


def _row_json(row: dict[str, Any]) -> str:
    plain = {name: _plain(value) for name, value in row.items()}
    return json.dumps(plain, sort_keys=True, default=str, ensure_ascii=False)
