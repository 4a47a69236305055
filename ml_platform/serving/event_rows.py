"""Rows that come by HTTP: their types and limits, held against every row one by one.

They are the columns of the lake (`ml_platform.events.schema`; a test holds both to each other) but for
``received_at`` and ``source``, which the service sets. What passes here is refused nowhere later but as a conflict.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, TypeAlias

import msgspec

from ml_platform.serving.json_faults import UNREADABLE

MOST_ROWS = 1_000
"""Rows of all tables that one request may have."""
MOST_LETTERS, MOST_BYTES = 200, 512
"""Of an id, and of any other short text, as UTF-8."""
_LONG = {"object_path": 4_096, "attributes": 65_536, "candidate_set": 65_536}
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_SHOWN = 80

Id: TypeAlias = Annotated[
    str, msgspec.Meta(min_length=1, max_length=MOST_LETTERS, description="Printable characters.")
]
Word: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=MOST_BYTES)]
Time: TypeAlias = Annotated[
    datetime,
    msgspec.Meta(
        tz=True,
        description="RFC 3339, with seconds and zone: 2026-03-01T09:30:00Z; not in the future.",
    ),
]


class _Row(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A row; what may be missing is null by default."""


class EventRow(_Row):
    """Something that a person has done; it may come again with its category."""

    event_id: Id
    user_id: Id
    occurred_at: Time
    tool: Word
    operation: Word
    object_path: str | None = None
    object_extension: Word | None = None
    session_id: Id | None = None
    change_set_id: Id | None = None
    workflow_category: Word | None = None
    is_bot: bool = False
    utc_offset_minutes: Annotated[int, msgspec.Meta(ge=-840, le=840)] | None = None
    attributes: str | None = None


class SuggestionRow(_Row):
    """A workflow that was offered to somebody; it may come again with its outcome."""

    suggestion_id: Id
    user_id: Id
    workflow_id: Id
    shown_at: Time
    outcome: Word | None = None
    outcome_at: Time | None = None
    attributes: str | None = None


class ExecutionRow(_Row):
    """A run of a workflow; while its status is ``running`` it may come again with its end."""

    execution_id: Id
    workflow_id: Id
    user_id: Id
    started_at: Time
    status: Word
    finished_at: Time | None = None
    trigger: Word | None = None
    propensity: Annotated[float, msgspec.Meta(gt=0.0, le=1.0)] | None = None
    candidate_set: str | None = None
    attributes: str | None = None


class UserRow(_Row):
    """What is known of a person."""

    user_id: Id
    team: Word | None = None
    region: Word | None = None
    tenure_days: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] | None = None


Row: TypeAlias = EventRow | SuggestionRow | ExecutionRow | UserRow
ROWS: Mapping[str, type[Row]] = {
    "events": EventRow,
    "suggestions": SuggestionRow,
    "workflow_executions": ExecutionRow,
    "users": UserRow,
}
"""The type of a row, by table of the lake."""
ID: Mapping[str, str] = {
    "events": "event_id",
    "suggestions": "suggestion_id",
    "workflow_executions": "execution_id",
    "users": "user_id",
}
"""The column by which a row is known again."""
_IN_ORDER = (("started_at", "finished_at"), ("shown_at", "outcome_at"))
_DECODERS = {table: msgspec.json.Decoder(kind) for table, kind in ROWS.items()}
_FIELD_PATH = re.compile(r" - at `\$\.(\w+)")
_FIELD_NAMED = re.compile(r"field `([^`]*)`")
_ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True)
class RowFault:
    """Why a row is not taken."""

    field: str
    """The first field at fault; empty where the row is no object at all."""
    reason: str
    """What is wrong, with the value."""


@dataclass(frozen=True)
class TakenRow:
    """A row that may be stored."""

    table: str
    row_id: str
    user_id: str
    body: str
    """The row as JSON, times in UTC."""


def read_row(table: str, sent: bytes, now: datetime) -> TakenRow | RowFault:
    """A row of a table as it was sent.

    Args:
        table: One of `ROWS`.
        sent: JSON.
        now: Later times are refused.
    """
    try:
        row = _DECODERS[table].decode(sent)
    except UNREADABLE as error:
        return _undecoded(sent, str(error))
    for field, fault in _faults(row, now):
        value = getattr(row, field)
        return RowFault(field, f"{fault}; it is {_shown(value)}")
    return TakenRow(
        table, getattr(row, ID[table]), row.user_id, _ENCODER.encode(_utc(row)).decode()
    )


def owner_of(sent: bytes) -> str | None:
    """The user that a row names, be the rest of it right or wrong; ``None`` where it names nobody."""
    try:
        return _OWNER.decode(sent).user_id
    except UNREADABLE:
        return None


class _Owner(msgspec.Struct):
    user_id: str | None = None


_OWNER = msgspec.json.Decoder(_Owner)


def _faults(row: Row, now: datetime) -> Iterator[tuple[str, str]]:
    """Each field that is wrong beyond its type, and what is wrong with it."""
    for field in row.__struct_fields__:
        value = getattr(row, field)
        if isinstance(value, str):
            if fault := _text_fault(field, value):
                yield field, fault
        elif isinstance(value, datetime) and not _EARLIEST <= value <= now:
            yield field, f"the time must lie between 1970 and now ({now:%Y-%m-%dT%H:%M:%SZ})"
    for start, end in _IN_ORDER:
        began, ended = getattr(row, start, None), getattr(row, end, None)
        if began is not None and ended is not None and ended < began:
            yield end, f"it must not lie before {start} ({began.isoformat()})"
    if isinstance(row, SuggestionRow) and (row.outcome is None) != (row.outcome_at is None):
        yield "outcome_at", "outcome and outcome_at belong together: give both or none"


def _text_fault(field: str, text: str) -> str:
    if "\0" in text:
        return "a text must not have the character NUL"
    most = _LONG.get(field, MOST_BYTES)
    if len(text.encode()) > most:
        return f"at most {most:,} bytes of UTF-8, it has {len(text.encode()):,}"
    if field not in _LONG and not text.isprintable():
        return "only printable characters"
    if not text:
        return "give null, or leave it out, where there is nothing"
    return ""


def _utc(row: Row) -> Row:
    changed = {
        field: value.astimezone(UTC)
        for field in row.__struct_fields__
        if isinstance(value := getattr(row, field), datetime)
    }
    return msgspec.structs.replace(row, **changed)


def _undecoded(sent: bytes, message: str) -> RowFault:
    """The fault of a row that has not the types of its table."""
    try:
        plain: Any = msgspec.json.decode(sent)
    except UNREADABLE as error:
        return RowFault("", f"the row cannot be read: {str(error)[:200]}")
    if not isinstance(plain, dict):
        return RowFault("", f"a row is an object of columns; it is {_shown(plain)}")
    path = _FIELD_PATH.search(message)
    found = path or _FIELD_NAMED.search(message)
    field = found[1] if found else ""
    reason = message.partition(" - at ")[0]
    given = f"; it is {_shown(plain[field])}" if field in plain else ""
    return RowFault(field[:_SHOWN], f"{reason[:200]}{given}")


def _shown(value: object) -> str:
    """The beginning of a value, for its sender."""
    try:
        text = _ENCODER.encode(value).decode()
    except RecursionError:
        return "nested too deeply"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
