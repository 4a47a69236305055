"""The event lake without files; it passes the same conformance suite as the real one."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import date, datetime

import pyarrow as pa
import pyarrow.compute as pc

from ml_platform.adapters.lake_queries import (
    fingerprint_of,
    known_rows_of,
    querying,
    sorted_refused,
    survey_of,
    unseen,
)
from ml_platform.events.lake import KnownRows, MergeResult, Survey, merged_day, plan_merge
from ml_platform.events.quality import REFUSED, in_order
from ml_platform.events.schema import EVENT_TIME, IDENTITY, TABLES


class InMemoryLake:
    """Rows by table and day, in memory."""

    def __init__(self) -> None:
        self._days: dict[tuple[str, date | None], pa.Table] = {}
        self._quarantine: dict[str, pa.Table] = {}

    @contextmanager
    def arrivals(self) -> Iterator["InMemoryLake"]:
        """As `EventLake.arrivals`; rows can be read as soon as they are merged."""
        yield self

    def merge(self, table: str, rows: pa.Table) -> MergeResult:
        """As `EventLake.merge`."""
        plan = plan_merge(table, self._sharing_an_id(table, rows), rows)
        self.refuse(table, plan.conflicts)
        for day, changes in plan.days:
            stored = self._days.get((table, day), TABLES[table].empty_table())
            self._days[table, day] = merged_day(table, stored, changes)
        return plan.result

    def refuse(self, table: str, refused: pa.Table) -> int:
        """As `EventLake.refuse`."""
        stored = self.refused(table)
        with querying(table) as connection:
            connection.register("stored", stored)
            rows = unseen(connection, refused, "stored")
        self._quarantine[table] = sorted_refused(pa.concat_tables([stored, rows]))
        return len(rows)

    def fingerprint(self, table: str, until: datetime) -> str:
        """As `EventLake.fingerprint`."""
        with querying(table) as connection:
            connection.register("stored", self.rows(table))
            return fingerprint_of(connection, table, "stored", until)

    def rows(
        self,
        table: str,
        since: datetime | None = None,
        until: datetime | None = None,
        columns: tuple[str, ...] | None = None,
    ) -> pa.Table:
        """As `EventLake.rows`."""
        rows = pa.concat_tables(
            [
                TABLES[table].empty_table(),
                *(day for key, day in self._days.items() if key[0] == table),
            ]
        )
        moment = EVENT_TIME[table]
        if moment and since is not None:
            rows = rows.filter(pc.field(moment) >= since)
        if moment and until is not None:
            rows = rows.filter(pc.field(moment) < until)
        return in_order(table, rows).select(columns or TABLES[table].names)

    def rows_of(self, table: str, ids: Collection[str]) -> pa.Table:
        """As `EventLake.rows_of`."""
        (name,) = IDENTITY[table]
        return self.rows(table).filter(pc.field(name).isin(pa.array(sorted(ids), pa.string())))

    def refused(self, table: str) -> pa.Table:
        """As `EventLake.refused`."""
        return self._quarantine.get(table, REFUSED.empty_table())

    def survey(self, table: str, until: datetime, sample_rows: int) -> Survey:
        """As `EventLake.survey`."""
        with querying(table) as connection:
            connection.register("stored", self.rows(table))
            return survey_of(connection, table, "stored", until, sample_rows)

    def known_rows(self, table: str, column: str, until: datetime) -> KnownRows:
        """As `EventLake.known_rows`."""
        with querying(table) as connection:
            connection.register("stored", self.rows(table))
            return known_rows_of(connection, table, "stored", column, until)

    def newest(self, table: str) -> datetime | None:
        """As `EventLake.newest`."""
        moment = EVENT_TIME[table]
        newest: datetime | None = pc.max(self.rows(table)[moment]).as_py() if moment else None
        return newest

    def counts(self) -> dict[str, int]:
        """As `EventLake.counts`."""
        return {table: len(self.rows(table)) for table in TABLES}

    def _sharing_an_id(self, table: str, rows: pa.Table) -> pa.Table:
        wanted = set(map(tuple, map(dict.values, rows.select(IDENTITY[table]).to_pylist())))
        stored = self.rows(table)
        ids = map(tuple, map(dict.values, stored.select(IDENTITY[table]).to_pylist()))
        return stored.filter(pa.array([identity in wanted for identity in ids], pa.bool_()))
