"""The inbox in PostgreSQL."""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from ml_platform.adapters.ledger import tables
from ml_platform.events.posted import PostedRow, Waiting

_IDS_A_STATEMENT = 10_000


class InboxPart:
    """The part of the ledger that rows wait in; `PostgresLedger` is made of such parts."""

    _engine: Engine

    def posted_rows(self, after: int, limit: int) -> tuple[PostedRow, ...]:
        """See `inbox_store.InboxStore`."""
        t = tables.inbox.c
        query = (
            sa.select(t.id, t.table_name, t.row_id, t.user_id, t.body, t.received_at, t.completes)
            .where(t.taken_in_at.is_(None), t.id > after)
            .order_by(t.id)
            .limit(limit)
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return tuple(PostedRow(*tuple[Any, ...](row)) for row in rows)

    def waiting(self) -> Waiting:
        """See `inbox_store.InboxStore`."""
        t = tables.inbox.c
        query = sa.select(sa.func.count(), sa.func.coalesce(sa.func.max(t.id), 0))
        with self._engine.connect() as connection:
            found = connection.execute(query.where(t.taken_in_at.is_(None))).one()
        return Waiting(int(found[0]), int(found[1]))

    def mark_taken_in(self, ids: Collection[int], at: datetime) -> None:
        """See `inbox_store.InboxStore`."""
        table = tables.inbox
        for some in _chunks(ids):
            statement = table.update().where(table.c.id.in_(some), table.c.taken_in_at.is_(None))
            with self._engine.begin() as connection:
                connection.execute(statement.values(taken_in_at=at))

    def remove_posted(self, ids: Collection[int]) -> None:
        """See `inbox_store.InboxStore`."""
        table = tables.inbox
        for some in _chunks(ids):
            with self._engine.begin() as connection:
                connection.execute(table.delete().where(table.c.id.in_(some)))


def _chunks(ids: Collection[int]) -> Iterator[list[int]]:
    ordered = sorted(ids)
    for start in range(0, len(ordered), _IDS_A_STATEMENT):
        yield ordered[start : start + _IDS_A_STATEMENT]
