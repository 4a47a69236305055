"""Answers and their payloads lie in one partition a UTC day each, made ahead and dropped whole.

The service inserts at every moment, so nothing here locks the tables that it inserts into: a partition is made as a
table and attached, detached concurrently and then dropped.
"""

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Engine

TABLES = ("answers", "answer_payloads")
_LOCK = 7_310_011
"""Whoever makes a partition holds this lock, in a transaction of its own."""
_SECONDS_FOR_A_LOCK = 60
"""How long what reads a day, such as a backup, is waited for before a day goes."""
_DAY = timedelta(days=1)
_ATTACHED = sa.text("""
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = CAST(:parent AS regclass)
""")
_TABLES = sa.text("""
SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename ~ :pattern ORDER BY tablename
""")
_IS_GOING = sa.text(
    "SELECT inhdetachpending FROM pg_inherits WHERE inhrelid = to_regclass(:partition)"
)


def partition_of(table: str, day: date) -> str:
    """The name of the partition of a day."""
    return f"{table}_day_{day:%Y%m%d}"


def day_of(partition: str) -> date:
    """The day whose partition has this name."""
    return datetime.strptime(partition.rpartition("_")[2], "%Y%m%d").date()


def end_of(day: date) -> datetime:
    """The end of a UTC day, which is no moment of it."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + _DAY


def present_days(connection: sa.Connection, table: str) -> tuple[date, ...]:
    """The days that have a partition, oldest first; one whose removal was killed counts."""
    names = connection.scalars(_TABLES, {"pattern": f"^{table}_day_[0-9]{{8}}$"})
    return tuple(day_of(str(name)) for name in names)


def prepare_days(engine: Engine, days: Iterable[date]) -> None:
    """Make the partitions of these days that are missing, before anybody writes to them."""
    wanted = [(table, day) for day in sorted(set(days)) for table in TABLES]
    with engine.connect() as connection:
        attached = _attached(connection)
    if all(partition_of(*each) in attached for each in wanted):
        return
    with engine.begin() as connection:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        attached = _attached(connection)
        for table, day in wanted:
            name = partition_of(table, day)
            if name not in attached:
                connection.execute(
                    sa.text(f"CREATE TABLE IF NOT EXISTS {name} (LIKE {table} INCLUDING ALL)")
                )
                connection.execute(
                    sa.text(
                        f"ALTER TABLE {table} ATTACH PARTITION {name} "
                        f"FOR VALUES FROM ('{day}') TO ('{day + _DAY}')"
                    )
                )


def drop_day(engine: Engine, table: str, day: date) -> None:
    """Drop the rows of a day, of `answers` with its seal; killed anywhere, it can be done again.

    The partition is detached first, which waits for whoever reads the table and lets everybody go on writing to
    the other days.

    Raises:
        ServiceError: something reads the table for more than a minute.
    """
    name = partition_of(table, day)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text(f"SET lock_timeout = '{_SECONDS_FOR_A_LOCK}s'"))
        try:
            is_going = connection.scalar(_IS_GOING, {"partition": name})
            if is_going is not None:
                how = "FINALIZE" if is_going else "CONCURRENTLY"
                connection.execute(sa.text(f"ALTER TABLE {table} DETACH PARTITION {name} {how}"))
        finally:
            with suppress(sa.exc.SQLAlchemyError):
                connection.execute(sa.text("RESET lock_timeout"))
    with engine.begin() as connection:
        connection.execute(sa.text(f"DROP TABLE IF EXISTS {name}"))
        if table == "answers":
            connection.execute(sa.text("DELETE FROM answer_seals WHERE day = :day"), {"day": day})


def _attached(connection: sa.Connection) -> frozenset[str]:
    return frozenset(
        str(name) for table in TABLES for name in connection.scalars(_ATTACHED, {"parent": table})
    )
