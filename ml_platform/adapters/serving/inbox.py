"""Rows that come by HTTP, committed in the inbox before their sender is answered."""

from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec

from ml_platform.adapters.serving.async_postgres import AsyncPostgres
from ml_platform.serving.event_rows import TakenRow

POST = """
INSERT INTO inbox (table_name, row_id, user_id, body, completes, received_at, key_id)
SELECT "table", row_id, user_id, body, false, %s, %s
FROM json_to_recordset(%s::json) AS r("table" text, row_id text, user_id text, body text)
"""
"""One statement and one commit for all rows of a request."""
SECONDS = 5.0
"""How long PostgreSQL may take for the rows of a request before its sender is told to try again."""
_ENCODER = msgspec.json.Encoder()


class Inbox:
    """Where one worker puts the rows that it is sent, by a connection that answers are not logged by."""

    def __init__(self, database: Callable[[], str]) -> None:
        """Nothing is opened before the first row.

        Args:
            database: Where PostgreSQL is now, as libpq reads it.
        """
        self._database = database
        self._postgres = AsyncPostgres("", seconds=SECONDS)

    async def post(self, rows: Sequence[TakenRow], key_id: str, now: datetime) -> None:
        """Return when all rows are committed.

        Raises:
            ServiceError: PostgreSQL cannot be reached, or takes too long; whether the rows are there is not known,
                and to send them again does no harm.
        """
        if self._postgres.dsn != self._database():
            self._postgres.move_to(self._database())
        await self._postgres.execute(POST, (now, key_id, _ENCODER.encode(rows).decode()))
