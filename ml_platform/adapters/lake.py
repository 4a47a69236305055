"""The event lake as Parquet files, a folder a day."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ml_platform.adapters.lake_queries import (
    digest_of,
    fingerprint_of,
    known_rows_of,
    querying,
    quoted,
    reading,
    sorted_refused,
    survey_of,
    time_range,
    unseen,
)
from ml_platform.errors import PlatformError
from ml_platform.events.lake import (
    KnownRows,
    MergeResult,
    Survey,
    merged_day,
    plan_merge,
)
from ml_platform.events.quality import REFUSED
from ml_platform.events.schema import EVENT_TIME, IDENTITY, TABLES
from ml_platform.files import replacing

_WRITERS = 8
"""Days written at once: each waits some milliseconds for its flush to disk, and a batch may have thousands."""


@dataclass(frozen=True)
class ParquetLake:
    """`lake/<table>/day=YYYY-MM-DD/rows.parquet`, and for every table `lake/<table>/empty.parquet`.

    The empty file keeps ``read_parquet('lake/<table>/**/*.parquet', hive_partitioning = false)`` valid
    with the exact schema before the first row. Files are replaced whole: a reader or a killed writer
    sees the old day or the new one.
    """

    root: Path
    quarantine_root: Path

    def __post_init__(self) -> None:
        for table, schema in TABLES.items():
            empty = self.root / table / "empty.parquet"
            if not empty.exists():
                _write(empty, schema.empty_table(), f"the empty file of {table}")

    def merge(self, table: str, rows: pa.Table) -> MergeResult:
        """See `EventLake.merge`."""
        plan = plan_merge(table, self._sharing_an_id(table, rows), rows)
        self.refuse(table, plan.conflicts)
        with ThreadPoolExecutor(_WRITERS) as pool:
            for finished in [pool.submit(self._put, table, *of_day) for of_day in plan.days]:
                finished.result()
        return plan.result

    def refuse(self, table: str, refused: pa.Table) -> int:
        """See `EventLake.refuse`; a file a batch, named by the SHA-256 of its rows."""
        if len(refused) == 0:
            return 0
        folder = self.quarantine_root / table
        stored = f"read_parquet('{quoted(folder / '*.parquet')}')"
        with querying(table) as connection:
            rows = unseen(connection, refused, stored if any(folder.glob("*.parquet")) else None)
            digest = digest_of(connection, rows)
        if len(rows):
            _write(folder / f"{digest[:32]}.parquet", rows, f"the quarantine of {table}")
        return len(rows)

    def fingerprint(self, table: str, until: datetime) -> str:
        """See `EventLake.fingerprint`."""
        with querying(table) as connection:
            return fingerprint_of(connection, table, f"read_parquet({self._files(table)})", until)

    def rows(
        self,
        table: str,
        since: datetime | None = None,
        until: datetime | None = None,
        columns: tuple[str, ...] | None = None,
    ) -> pa.Table:
        """See `EventLake.rows`; reads the columns asked for, and of the days only those in range."""
        wanted = columns or tuple(TABLES[table].names)
        moment = EVENT_TIME[table]
        keys = ((moment,) if moment else ()) + IDENTITY[table]
        where = time_range(moment, since, until)
        with querying(table) as connection:
            selected = connection.sql(
                f"SELECT {', '.join(wanted)} FROM read_parquet({self._files(table)}) "
                f"WHERE {where} ORDER BY {', '.join(keys)}"
            ).to_arrow_table()
        schema = pa.schema([TABLES[table].field(name) for name in wanted])
        return selected.cast(schema)

    def refused(self, table: str) -> pa.Table:
        """See `EventLake.refused`."""
        files = sorted((self.quarantine_root / table).glob("*.parquet"))
        tables = [pq.read_table(file, schema=REFUSED) for file in files]
        return sorted_refused(pa.concat_tables([REFUSED.empty_table(), *tables]))

    def survey(self, table: str, until: datetime, sample_rows: int) -> Survey:
        """See `EventLake.survey`."""
        with querying(table) as connection:
            return survey_of(
                connection, table, f"read_parquet({self._files(table)})", until, sample_rows
            )

    def known_rows(self, table: str, column: str, until: datetime) -> KnownRows:
        """See `EventLake.known_rows`."""
        with querying(table) as connection:
            return known_rows_of(
                connection, table, f"read_parquet({self._files(table)})", column, until
            )

    def newest(self, table: str) -> datetime | None:
        """See `EventLake.newest`."""
        moment = EVENT_TIME[table]
        days = sorted((self.root / table).glob("day=*/rows.parquet"))
        if moment is None or not days:
            return None
        with reading(table):
            newest: datetime = pc.max(pq.read_table(days[-1], columns=[moment])[moment]).as_py()
        return newest

    def counts(self) -> dict[str, int]:
        """See `EventLake.counts`; from the files' footers."""
        rows = {}
        for table in TABLES:
            with reading(table):
                files = (self.root / table).rglob("*.parquet")
                rows[table] = sum(pq.read_metadata(file).num_rows for file in files)
        return rows

    def _files(self, table: str) -> str:
        pattern = quoted(self.root / table / "**" / "*.parquet")
        return f"'{pattern}', hive_partitioning = false"

    def _day_file(self, table: str, day: date | None) -> Path:
        folder = self.root / table
        return (folder if day is None else folder / f"day={day.isoformat()}") / "rows.parquet"

    def _sharing_an_id(self, table: str, rows: pa.Table) -> pa.Table:
        """Stored rows, of any day, whose id one of ``rows`` has."""
        if not any((self.root / table).glob("**/rows.parquet")):
            return TABLES[table].empty_table()
        names = ", ".join(TABLES[table].names)
        with querying(table) as connection:
            connection.register("arrived", rows.select(IDENTITY[table]))
            sharing = connection.sql(
                f"SELECT {names} FROM read_parquet({self._files(table)}) "
                f"SEMI JOIN arrived USING ({', '.join(IDENTITY[table])})"
            ).to_arrow_table()
        return sharing.cast(TABLES[table])

    def _put(self, table: str, day: date | None, changes: pa.Table) -> None:
        path = self._day_file(table, day)
        stored = TABLES[table].empty_table()
        if path.exists():
            with reading(table):
                stored = pq.read_table(
                    path, schema=TABLES[table], partitioning=None, use_threads=False
                )
        _write(path, merged_day(table, stored, changes), f"{table} of {day or 'all days'}")


def _write(path: Path, rows: pa.Table, content: str) -> None:
    try:
        with replacing(path) as beside:
            pq.write_table(rows, beside, compression="zstd")
    except OSError as error:
        raise PlatformError(
            f"Could not write {content} to {path}: {error}. What was stored before is unchanged.",
            remedy="Free some space or correct the permissions, then run the same command again.",
        ) from error
