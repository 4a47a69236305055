"""The days of the log of answers in PostgreSQL: their partitions, the draining of spools, the seals of days."""

import logging
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from ml_platform.adapters.ledger.answer_partitions import prepare_days
from ml_platform.adapters.ledger.answer_seals import FIXED, change_seals, seal_days
from ml_platform.adapters.ledger.engine import ledger_engine
from ml_platform.adapters.serving.answer_log import PAYLOAD, SLIM
from ml_platform.adapters.serving.spool import left_spools, line_of, spooled_days
from ml_platform.serving.answer_row import AnswerRow, days_of

AHEAD = 7
"""Days whose partitions are there before they begin."""
REPEATED_FOR = timedelta(days=1)
"""How long the answer to a request is kept for its repetition."""
_GROUP = 1_000
_BATCH = 5_000
_SLIM, _PAYLOAD = ", ".join(SLIM), ", ".join(PAYLOAD)
_INSERT = f"""
WITH come AS (
    SELECT * FROM json_to_recordset(%s::json)
    AS r({", ".join(f"{name} {kind}" for name, kind in SLIM.items())}, features text, scores text)
), slim AS (
    INSERT INTO answers ({_SLIM}) SELECT {_SLIM} FROM come ON CONFLICT DO NOTHING RETURNING *
), payloads AS (
    INSERT INTO answer_payloads ({_PAYLOAD}) SELECT {_PAYLOAD} FROM come ON CONFLICT DO NOTHING
)
SELECT day, count(*) AS rows, sum(row_hash(slim::text)) AS digest FROM slim GROUP BY day
"""
"""Rows that are there already change nothing; of those that come, rows and hashes by day."""
_OLD_REQUESTS = sa.text("""
DELETE FROM repeated_requests WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM repeated_requests WHERE asked_at < :before LIMIT :batch
))
""")
_LOG = logging.getLogger(__name__)


class AnswerDays:
    """Keeps the tables of answers ready for writing."""

    def __init__(self, url: str) -> None:
        self._engine: Engine = ledger_engine(url)

    def prepare(self, today: date) -> None:
        """Make the partitions of today and the coming days."""
        prepare_days(
            self._engine, (today + timedelta(days=ahead) for ahead in range(-1, AHEAD + 1))
        )

    def drain(self, folder: Path) -> int:
        """Write what lies in spools that nobody writes any more to the tables; the number of rows.

        A spool goes once its rows are committed; rows that are there already stay once. Rows that PostgreSQL
        refuses for what is in them are kept in a file beside the spool, named in a warning, and hold up no others.
        """
        drained = 0
        for left in left_spools(folder):
            prepare_days(self._engine, days_of(left.rows))
            refused = list[AnswerRow]()
            for start in range(0, len(left.rows), _GROUP):
                refused += self._take(left.rows[start : start + _GROUP])
            aside = [*left.unreadable, *map(line_of, refused)]
            if aside:
                path = left.set_aside(aside)
                _LOG.warning(
                    "PostgreSQL refuses %d of the answers in a spool for what is in them; they are kept in %s",
                    len(aside),
                    path,
                )
            left.path.unlink()
            drained += len(left.rows) - len(refused)
        return drained

    def seal(self, folder: Path, now: datetime) -> tuple[date, ...]:
        """Seal the days that are over and of which no spool in ``folder`` holds rows; the days sealed."""
        return seal_days(self._engine, now, spooled_days(folder))

    def forget_requests(self, now: datetime) -> int:
        """Delete the answers that were kept for repeated requests of more than a day ago; how many."""
        asked = {"before": now - REPEATED_FOR, "batch": _BATCH}
        deleted, batch = 0, _BATCH
        while batch == _BATCH:
            with self._engine.begin() as connection:
                batch = connection.execute(_OLD_REQUESTS, asked).rowcount
            deleted += batch
        return deleted

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def _take(self, rows: Sequence[AnswerRow]) -> Sequence[AnswerRow]:
        """Insert the rows; those that PostgreSQL refuses for what is in them are found by halves, and returned."""
        try:
            self._insert(rows)
        except (sa.exc.DataError, sa.exc.IntegrityError):
            if len(rows) == 1:
                return rows
            middle = len(rows) // 2
            return [*self._take(rows[:middle]), *self._take(rows[middle:])]
        return ()

    def _insert(self, rows: Sequence[AnswerRow]) -> None:
        """Insert rows, and add those of sealed days to the seals."""
        with self._engine.begin() as connection:
            connection.execute(sa.text(FIXED))
            come = connection.exec_driver_sql(_INSERT, (msgspec.json.encode(rows).decode(),)).all()
            change_seals(connection, ((row.day, row.rows, row.digest) for row in come))
