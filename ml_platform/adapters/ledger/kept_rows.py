"""The rows of the ledger that have an age: listed by week, day or id, and removed as far as the rules say.

Predictions lie in weeks and answers in days, which are dropped whole. The rows of other tables are few, and go in
batches: whatever is killed between two of them is gone on with next time, and the hashes of rows and days agree at
every moment.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ml_platform.adapters.ledger import answer_partitions
from ml_platform.adapters.ledger.engine import ledger_engine
from ml_platform.adapters.ledger.prediction_weeks import drop_week, end_of, present_weeks
from ml_platform.retention.plan import Item
from ml_platform.retention.reachable import baseline_key
from ml_platform.retention.rules import Kind

BATCH = 5_000
_ANSWERS = {Kind.ANSWERS: "answers", Kind.ANSWER_PAYLOADS: "answer_payloads"}
_BY_DAY = {
    Kind.OUTCOMES: ("outcomes", "known_at"),
    Kind.MONITORING_REPORTS: ("monitoring_reports", "window_end"),
    Kind.ALERTS: ("alerts", "at"),
    Kind.RETRAINING_REQUESTS: ("retraining_requests", "requested_at"),
    Kind.POSTED_ROWS: ("inbox", "taken_in_at"),
    Kind.FEEDBACK: ("feedback", "received_at"),
}
"""The tables whose rows are listed by day, and the time of a row."""
_STAYS = {
    "monitoring_reports": "AND (t.model, t.window_end) NOT IN "
    "(SELECT model, max(window_end) FROM monitoring_reports GROUP BY model)",
    "inbox": "AND t.taken_in_at IS NOT NULL",
}
"""Rows that stay whatever their age: the last report of a model, which `status` shows; what waits for the lake."""
_DAYS = """
SELECT ({time} AT TIME ZONE 'UTC')::date AS day, count(*) AS rows, sum(pg_column_size(t)) AS bytes
FROM {table} t WHERE true {stays} GROUP BY 1 ORDER BY 1
"""
_BATCH = """
DELETE FROM {table} WHERE ctid = ANY(ARRAY(
    SELECT t.ctid FROM {table} t WHERE t.{time} >= :start AND t.{time} < :end {stays} LIMIT :batch
))
"""
_REPORTS = """
SELECT id, (body::json ->> 'as_of')::timestamptz AS at, pg_column_size(r) AS bytes
FROM evaluation_reports r ORDER BY at, id
"""
# The baseline of rules has the time of the last report that was made with it, or of its model's newest version.
_BASELINES = """
SELECT b.model, b.version, pg_column_size(b) AS bytes, coalesce(
    (SELECT v.registered_at FROM model_versions v
     WHERE v.model = b.model AND v.version::text = b.version),
    (SELECT max(m.window_end) FROM monitoring_reports m
     WHERE m.model = b.model AND m.version = b.version),
    (SELECT max(v.registered_at) FROM model_versions v WHERE v.model = b.model)
) AS at
FROM baselines b ORDER BY b.model, b.version
"""


class KeptRows:
    """The rows of a ledger's database, as retention sees them."""

    def __init__(self, url: str) -> None:
        self._engine = ledger_engine(url)

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def items(self) -> Iterator[Item]:
        """Every week of predictions, day of answers or rows, report and baseline."""
        with self._engine.connect() as connection:
            yield from _weeks(connection)
            for kind, table in _ANSWERS.items():
                for day in answer_partitions.present_days(connection, table):
                    rows, size = _size(connection, answer_partitions.partition_of(table, day))
                    yield Item(kind, f"{day}", answer_partitions.end_of(day), size, rows)
            for kind, (table, time) in _BY_DAY.items():
                days = _DAYS.format(table=table, time=time, stays=_STAYS.get(table, ""))
                for row in connection.execute(sa.text(days)):
                    end = _midnight(row.day) + timedelta(days=1)
                    yield Item(kind, f"{row.day}", end, int(row.bytes), row.rows)
            for row in connection.execute(sa.text(_REPORTS)):
                yield Item(Kind.EVALUATION_REPORT, row.id, row.at, row.bytes)
            for row in connection.execute(sa.text(_BASELINES)):
                if row.at is not None:
                    key = baseline_key(row.model, row.version)
                    yield Item(Kind.BASELINE, key, row.at, row.bytes)

    def remove(self, items: Iterable[Item]) -> None:
        """Remove what is listed here of these items; the others are somebody else's."""
        for item in items:
            if item.kind in _ANSWERS:
                day = date.fromisoformat(item.key)
                answer_partitions.drop_day(self._engine, _ANSWERS[item.kind], day)
            elif item.kind in _BY_DAY:
                self._remove_day(*_BY_DAY[item.kind], _midnight_of(item.key))
            elif item.kind in _REMOVERS:
                with self._engine.begin() as connection:
                    _REMOVERS[item.kind](connection, item.key)
        with self._engine.begin() as connection:
            connection.execute(sa.text("DELETE FROM row_hashes WHERE rows = 0 AND digest = 0"))

    def _remove_day(self, table: str, time: str, start: datetime) -> None:
        statement = sa.text(_BATCH.format(table=table, time=time, stays=_STAYS.get(table, "")))
        day = {"start": start, "end": start + timedelta(days=1), "batch": BATCH}
        removed = BATCH
        while removed == BATCH:
            with self._engine.begin() as connection:
                removed = connection.execute(statement, day).rowcount


def _weeks(connection: sa.Connection) -> Iterator[Item]:
    for partition in present_weeks(connection):
        rows, size = _size(connection, partition)
        yield Item(Kind.PREDICTIONS, partition, end_of(partition), size, rows)


def _size(connection: sa.Connection, partition: str) -> tuple[int, int]:
    """How many rows a partition has, and its bytes with its indexes."""
    query = (
        f"SELECT count(*) AS rows, pg_total_relation_size('{partition}') AS bytes FROM {partition}"
    )
    row = connection.execute(sa.text(query)).one()
    return row.rows, row.bytes


def _midnight_of(day: str) -> datetime:
    return _midnight(datetime.strptime(day, "%Y-%m-%d"))


def _midnight(day: Any) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _drop_report(connection: sa.Connection, key: str) -> None:
    connection.execute(sa.text("DELETE FROM evaluation_reports WHERE id = :id"), {"id": key})


def _drop_baseline(connection: sa.Connection, key: str) -> None:
    model, _, version = key.partition("/")
    connection.execute(
        sa.text("DELETE FROM baselines WHERE model = :model AND version = :version"),
        {"model": model, "version": version},
    )


_REMOVERS: dict[Kind, Callable[[sa.Connection, str], None]] = {
    Kind.PREDICTIONS: drop_week,
    Kind.EVALUATION_REPORT: _drop_report,
    Kind.BASELINE: _drop_baseline,
}
