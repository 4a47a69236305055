"""A finished day of answers is sealed: how many rows it has, and the sum of their hashes.

A seal is computed from the rows once. What the ledger itself adds or removes later (answers that lay in a spool, a
person who is forgotten) is added to the seal or subtracted from it in the same transaction, as hashes of just those
rows; the rows of the day are never summed again. So a row that another hand has changed, added or removed shows for
as long as the day is kept, whatever the ledger does with the day afterwards.
"""

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from ml_platform.adapters.ledger.answer_partitions import end_of, partition_of, present_days
from ml_platform.registry.verify import ChangedDay, SealedAnswers, StoredRows

SEALED_AFTER = timedelta(hours=1)
"""How long after its end a day may still be written to."""
_SECONDS_FOR_A_LOCK = 5
FIXED = """
SET LOCAL timezone TO 'UTC'; SET LOCAL datestyle TO 'ISO, YMD';
SET LOCAL extra_float_digits TO 1; SET LOCAL bytea_output TO 'hex'
"""
"""What a transaction says before it hashes rows: the text of a row depends on it (see `present_row_hashes`)."""
_SEALED = sa.text("SELECT day FROM answer_seals ORDER BY day")
_SUMS = """
SELECT coalesce(sum(rows), 0)::bigint AS rows, coalesce(sum(digest), 0) AS digest
FROM present_row_hashes(:partition, '''''')
"""
_SEAL = sa.text(f"""
INSERT INTO answer_seals (day, rows, digest, sealed_at)
SELECT CAST(:day AS date), now.rows, now.digest, CAST(:at AS timestamptz) FROM ({_SUMS}) now
ON CONFLICT DO NOTHING
""")
# One statement, one snapshot: what is drained meanwhile is in both or in neither.
_COMPARED = sa.text(f"""
SELECT s.rows AS sealed, now.rows AS rows, now.rows = s.rows AND now.digest = s.digest AS same
FROM answer_seals s, LATERAL ({_SUMS}) now WHERE s.day = :day
""")
_GONE = sa.text(
    "SELECT rows AS sealed, 0 AS rows, rows = 0 AS same FROM answer_seals WHERE day = :day"
)
_CHANGE = sa.text("""
UPDATE answer_seals SET rows = rows + :rows, digest = digest + :digest, sealed_at = now() WHERE day = :day
""")


class AnswerSealPart:
    """The part of the ledger that seals days of answers; `PostgresLedger` is made of such parts."""

    _engine: Engine

    def seal_answers(self, now: datetime, waiting: Collection[date] = ()) -> tuple[date, ...]:
        """See `interface.Ledger`."""
        return seal_days(self._engine, now, waiting)

    def sealed_answers(self) -> SealedAnswers:
        """See `interface.Ledger`."""
        with self._engine.connect() as connection:
            sealed = [row.day for row in connection.execute(_SEALED)]
            present = frozenset(present_days(connection, "answers"))
            found = [(day, _compared(connection, day, day in present)) for day in sealed]
            waiting = sum(_has_rows(connection, day) for day in present - set(sealed))
        rows = StoredRows(
            table="answers",
            rows=sum(row.rows for _, row in found),
            days=len(found),
            changed=tuple(
                ChangedDay(f"{day}", row.rows, row.sealed) for day, row in found if not row.same
            ),
        )
        return SealedAnswers(rows, waiting)


def seal_days(engine: Engine, now: datetime, waiting: Collection[date]) -> tuple[date, ...]:
    """Seal the days that are over and not sealed yet, but for those of which answers wait; the days sealed."""
    with engine.connect() as connection:
        kept_back = {*(row.day for row in connection.execute(_SEALED)), *waiting}
        days = [day for day in present_days(connection, "answers") if day not in kept_back]
    due = tuple(day for day in days if now - end_of(day) > SEALED_AFTER)
    for day in due:
        partition = partition_of("answers", day)
        with engine.begin() as connection:
            connection.execute(sa.text(f"SET LOCAL lock_timeout = '{_SECONDS_FOR_A_LOCK}s'"))
            # Whoever has begun to write to the day ends first, and whoever begins now will find the seal.
            connection.execute(sa.text(f"LOCK TABLE {partition} IN SHARE MODE"))
            connection.execute(_SEAL, {"day": day, "at": now, "partition": partition})
    return due


def change_seals(connection: sa.Connection, changes: Iterable[tuple[date, int, Decimal]]) -> None:
    """Add rows and hashes, by day, to the seals of days that have one; negative of rows that were removed.

    The sums are PostgreSQL's, and are not computed with here: Python would round them to 28 digits.

    It comes after the statement that wrote the rows, in the same transaction: a day that is being sealed was waited
    for by that statement, and its seal is seen by this one.
    """
    for day, rows, digest in sorted(changes):
        connection.execute(_CHANGE, {"day": day, "rows": rows, "digest": digest})


def _compared(
    connection: sa.Connection, day: date, is_present: bool
) -> sa.Row[tuple[int, int, bool]]:
    query = _COMPARED if is_present else _GONE
    return connection.execute(query, {"day": day, "partition": partition_of("answers", day)}).one()


def _has_rows(connection: sa.Connection, day: date) -> bool:
    partition = partition_of("answers", day)
    return bool(connection.scalar(sa.text(f"SELECT EXISTS (SELECT FROM {partition})")))
