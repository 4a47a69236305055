"""Predictions lie in one partition a week, from Monday 00:00 UTC, by the time of the row that was predicted."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Engine

_LOCK = 7_310_003
"""Whoever makes a partition holds this lock, in a transaction of its own."""
_WEEK = timedelta(days=7)
_PREFIX = "predictions_week_"
_PRESENT = sa.text("""
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'predictions'::regclass ORDER BY c.relname
""")


def week_of(moment: datetime) -> datetime:
    """The start of the week that a moment lies in."""
    utc = moment.astimezone(UTC)
    day = utc.replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=day.weekday())


def partition_of(start: datetime) -> str:
    """The name of the partition of the week that begins at ``start``."""
    return f"{_PREFIX}{start:%Y%m%d}"


def start_of(partition: str) -> datetime:
    """The start of the week whose partition has this name."""
    return datetime.strptime(partition.removeprefix(_PREFIX), "%Y%m%d").replace(tzinfo=UTC)


def end_of(partition: str) -> datetime:
    """The end of the week, which is no moment of it."""
    return start_of(partition) + _WEEK


def create_week(start: datetime) -> str:
    """The statement that makes the partition of the week that begins at ``start``, unless it is there."""
    return (
        f"CREATE TABLE IF NOT EXISTS {partition_of(start)} PARTITION OF predictions "
        f"FOR VALUES FROM ('{start.isoformat()}') TO ('{(start + _WEEK).isoformat()}')"
    )


def present_weeks(connection: sa.Connection) -> tuple[str, ...]:
    """The partitions that there are, oldest first."""
    return tuple(connection.scalars(_PRESENT))


def prepare_weeks(engine: Engine, starts: Iterable[datetime]) -> None:
    """Make the partitions of these weeks that are missing, before a transaction that writes to them.

    To make one locks the whole table: within the writing transaction, two that write at once could wait for
    each other.
    """
    with engine.connect() as connection:
        present = set(present_weeks(connection))
    missing = [start for start in sorted(starts) if partition_of(start) not in present]
    if missing:
        with engine.begin() as connection:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            for start in missing:
                connection.execute(sa.text(create_week(start).replace(":", "\\:")))


def drop_week(connection: sa.Connection, partition: str) -> None:
    """Drop the predictions of a week with the hashes of their days."""
    days = [start_of(partition) + timedelta(days=day) for day in range(7)]
    connection.execute(sa.text(f"DROP TABLE IF EXISTS {partition}"))
    connection.execute(
        sa.text("DELETE FROM row_hashes WHERE table_name = 'predictions' AND day = ANY(:days)"),
        {"days": [f"{day:%Y-%m-%d}" for day in days]},
    )
