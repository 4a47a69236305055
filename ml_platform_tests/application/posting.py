"""Rows put into the inbox of a ledger as the service would have put them there."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from ml_platform.adapters.in_memory.ledger import InMemoryLedger
from ml_platform.adapters.ledger.interface import Ledger
from ml_platform.events.posted import PostedRow
from ml_platform.serving.event_rows import ID, TakenRow, read_row

_INSERT = """
INSERT INTO inbox (table_name, row_id, user_id, body, received_at, key_id, completes)
VALUES (:table, :row_id, :user_id, :body, :received_at, 'a key', :completes) RETURNING id
"""


def post(ledger: Ledger, *rows: PostedRow) -> tuple[PostedRow, ...]:
    """Put rows into the inbox; they come back with the ids that they got."""
    return tuple(replace(row, id=_put(ledger, row)) for row in rows)


def whole(table: str, now: datetime | None = None, **row: Any) -> PostedRow:
    """A row that passes the service, as it puts it into the inbox."""
    now = now or datetime.now(UTC)
    read = read_row(table, json.dumps(row).encode(), now)
    assert isinstance(read, TakenRow), read
    return PostedRow(0, table, read.row_id, read.user_id, read.body, now, completes=False)


def completing(table: str, row_id: str, user_id: str, **values: Any) -> PostedRow:
    """Values that complete a stored row."""
    assert table in ID
    now = datetime.now(UTC)
    return PostedRow(0, table, row_id, user_id, json.dumps(values), now, completes=True)


def _put(ledger: Ledger, row: PostedRow) -> int:
    if isinstance(ledger, InMemoryLedger):
        number = len(ledger.posted) + 1
        ledger.posted[number] = replace(row, id=number)
        return number
    with ledger._engine.begin() as connection:  # type: ignore[attr-defined]
        values = {name: getattr(row, name) for name in PostedRow.__dataclass_fields__}
        return int(connection.execute(sa.text(_INSERT), values).scalar_one())
