"""The event lake as Parquet files, a folder a day."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ml_platform.adapters.arrivals import LakeArrivals
from ml_platform.adapters.day_digests import DayDigests
from ml_platform.adapters.lake_queries import (
    fingerprint_from,
    fingerprint_of,
    known_rows_of,
    querying,
    quoted,
    reading,
    survey_of,
    time_range,
)
from ml_platform.adapters.manifest import Manifest, manifest_beside
from ml_platform.adapters.quarantine import Quarantine
from ml_platform.adapters.writing import writing
from ml_platform.errors import SourceError
from ml_platform.events.lake import KnownRows, MergeResult, Survey
from ml_platform.events.schema import EVENT_TIME, IDENTITY, TABLES


@dataclass(frozen=True)
class ParquetLake:
    """`lake/<table>/day=YYYY-MM-DD/rows.parquet`, and for every table `lake/<table>/empty.parquet`.

    The empty file keeps ``read_parquet('lake/<table>/**/*.parquet', hive_partitioning = false)`` valid
    with the exact schema before the first row. Files are replaced whole: a reader or a killed writer
    sees the old day or the new one. Whatever is read is compared with the manifest beside the lake first:
    a changed, missing or strange file is named by an `IntegrityError`, and nothing is merged into it.
    """

    root: Path
    quarantine_root: Path

    def __post_init__(self) -> None:
        empty = {self.root / table / "empty.parquet": table for table in TABLES}
        missing = [path for path in empty if not path.exists()]
        if missing:
            with (
                writing("the empty files", self.root),
                self._manifest.replacing(*missing) as places,
            ):
                for path, beside in zip(missing, places, strict=True):
                    pq.write_table(TABLES[empty[path]].empty_table(), beside, compression="zstd")

    @property
    def _manifest(self) -> Manifest:
        return manifest_beside(self.root)

    def require_unchanged(self) -> None:
        """Refuse a lake in which a file was changed, is gone or was added: before others read its folder.

        Raises:
            IntegrityError: naming the file and the remedy.
        """
        for table in TABLES:
            self._manifest.require_folder(self.root / table)

    @contextmanager
    def arrivals(self) -> Iterator[LakeArrivals]:
        """See `EventLake.arrivals`."""
        arriving = LakeArrivals(self.root, self.quarantine_root)
        try:
            arriving.merge_left_behind()
            try:
                yield arriving
            except SourceError:
                arriving.sort_into_days()
                raise
            arriving.sort_into_days()
        finally:
            arriving.close()

    def merge(self, table: str, rows: pa.Table) -> MergeResult:
        """See `EventLake.merge`."""
        with self.arrivals() as arriving:
            return arriving.merge(table, rows)

    def refuse(self, table: str, refused: pa.Table) -> int:
        """See `EventLake.refuse`."""
        return Quarantine(table, self.quarantine_root / table).refuse(refused)

    def fingerprint(self, table: str, until: datetime) -> str:
        """See `EventLake.fingerprint`; of days that were hashed before only the digest is looked up."""
        self._require(table)
        digests = DayDigests(self.root.parent).of_files(table, self._hashed_days(table), until)
        if len({day for day, _ in digests}) == len(digests):
            return fingerprint_from(table, sorted(digests))
        with querying(
            table
        ) as connection:  # one day in two files, which the lake itself never writes
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
        self._require(table)
        with querying(table) as connection:
            selected = connection.sql(
                f"SELECT {', '.join(wanted)} FROM read_parquet({self._files(table)}) "
                f"WHERE {where} ORDER BY {', '.join(keys)}"
            ).to_arrow_table()
        schema = pa.schema([TABLES[table].field(name) for name in wanted])
        return selected.cast(schema)

    def rows_of(self, table: str, ids: Collection[str]) -> pa.Table:
        """See `EventLake.rows_of`."""
        (name,) = IDENTITY[table]
        self._require(table)
        with querying(table) as connection:
            connection.register("wanted", pa.table({name: pa.array(sorted(ids), pa.string())}))
            found = connection.sql(
                f"SELECT * FROM read_parquet({self._files(table)}) SEMI JOIN wanted USING ({name})"
            ).to_arrow_table()
        return found.select(TABLES[table].names).cast(TABLES[table])

    def refused(self, table: str) -> pa.Table:
        """See `EventLake.refused`."""
        return Quarantine(table, self.quarantine_root / table).rows()

    def survey(self, table: str, until: datetime, sample_rows: int) -> Survey:
        """See `EventLake.survey`."""
        self._require(table)
        with querying(table) as connection:
            return survey_of(
                connection, table, f"read_parquet({self._files(table)})", until, sample_rows
            )

    def known_rows(self, table: str, column: str, until: datetime) -> KnownRows:
        """See `EventLake.known_rows`."""
        self._require(table)
        with querying(table) as connection:
            return known_rows_of(
                connection, table, f"read_parquet({self._files(table)})", column, until
            )

    def newest(self, table: str) -> datetime | None:
        """See `EventLake.newest`."""
        moment = EVENT_TIME[table]
        home, stored = self._manifest.home, self._manifest.stored(self.root / table)
        days = [
            home / name
            for name, file in stored.items()
            if "/day=" in name and (file.sha256 or (home / name).exists())  # else never written
        ]
        if moment is None or not days:
            return None
        last = max(days)
        self._manifest.require(last)
        with reading(table):
            newest: datetime = pc.max(pq.read_table(last, columns=[moment])[moment]).as_py()
        return newest

    def counts(self) -> dict[str, int]:
        """See `EventLake.counts`; from the files' footers."""
        rows = {}
        for table in TABLES:
            self._require(table)
            with reading(table):
                files = (self.root / table).rglob("*.parquet")
                rows[table] = sum(pq.read_metadata(file).num_rows for file in files)
        return rows

    def _require(self, table: str) -> None:
        self._manifest.require_folder(self.root / table)

    def _hashed_days(self, table: str) -> dict[Path, str | None]:
        """The days of a table with their files' SHA-256; ``None`` where a killed write left two that are right."""
        stored = self._manifest.stored(self.root / table)
        return {
            path: file.sha256 if file.announced is None else None
            for name, file in stored.items()
            if name.endswith("/rows.parquet") and (path := self._manifest.home / name).exists()
        }

    def _files(self, table: str) -> str:
        pattern = quoted(self.root / table / "**" / "*.parquet")
        return f"'{pattern}', hive_partitioning = false"
