"""The event lake as Parquet files, a folder a day."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
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
from ml_platform.adapters.manifest import Manifest, manifest_beside
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
from ml_platform.files import flush

_WRITERS = 8
"""Days written at once: each waits some milliseconds for its flush to disk, and a batch may have thousands."""


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
                _writing("the empty files", self.root),
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

    def merge(self, table: str, rows: pa.Table) -> MergeResult:
        """See `EventLake.merge`."""
        plan = plan_merge(table, self._sharing_an_id(table, rows), rows)
        self.refuse(table, plan.conflicts)
        paths = [self._day_file(table, day) for day, _ in plan.days]
        changes = [changes for _, changes in plan.days]
        with (
            _writing(table, self.root),
            self._manifest.replacing(*paths) as beside,
            ThreadPoolExecutor(_WRITERS) as pool,
        ):
            list(pool.map(self._put, [table] * len(paths), paths, beside, changes))
        return plan.result

    def refuse(self, table: str, refused: pa.Table) -> int:
        """See `EventLake.refuse`; a file a batch, named by the SHA-256 of its rows."""
        if len(refused) == 0:
            return 0
        folder = self.quarantine_root / table
        manifest = manifest_beside(self.quarantine_root)
        manifest.require_folder(folder)
        stored = f"read_parquet('{quoted(folder / '*.parquet')}')"
        with querying(table) as connection:
            rows = unseen(connection, refused, stored if any(folder.glob("*.parquet")) else None)
            digest = digest_of(connection, rows)
        if len(rows):
            path = folder / f"{digest[:32]}.parquet"
            with (
                _writing(f"the quarantine of {table}", path),
                manifest.replacing(path) as (beside,),
            ):
                pq.write_table(rows, beside, compression="zstd")
        return len(rows)

    def fingerprint(self, table: str, until: datetime) -> str:
        """See `EventLake.fingerprint`."""
        self._require(table)
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
        self._require(table)
        with querying(table) as connection:
            selected = connection.sql(
                f"SELECT {', '.join(wanted)} FROM read_parquet({self._files(table)}) "
                f"WHERE {where} ORDER BY {', '.join(keys)}"
            ).to_arrow_table()
        schema = pa.schema([TABLES[table].field(name) for name in wanted])
        return selected.cast(schema)

    def refused(self, table: str) -> pa.Table:
        """See `EventLake.refused`."""
        manifest_beside(self.quarantine_root).require_folder(self.quarantine_root / table)
        files = sorted((self.quarantine_root / table).glob("*.parquet"))
        tables = [pq.read_table(file, schema=REFUSED) for file in files]
        return sorted_refused(pa.concat_tables([REFUSED.empty_table(), *tables]))

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

    def _files(self, table: str) -> str:
        pattern = quoted(self.root / table / "**" / "*.parquet")
        return f"'{pattern}', hive_partitioning = false"

    def _day_file(self, table: str, day: date | None) -> Path:
        folder = self.root / table
        return (folder if day is None else folder / f"day={day.isoformat()}") / "rows.parquet"

    def _sharing_an_id(self, table: str, rows: pa.Table) -> pa.Table:
        """Stored rows, of any day, whose id one of ``rows`` has."""
        self._require(table)
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

    def _put(self, table: str, path: Path, beside: Path, changes: pa.Table) -> None:
        """Write the day that is stored at ``path``, with ``changes`` merged into it, to ``beside``."""
        stored = TABLES[table].empty_table()
        if path.exists():
            with reading(table):
                stored = pq.read_table(
                    path, schema=TABLES[table], partitioning=None, use_threads=False
                )
        day = path.parent.name.removeprefix("day=") if EVENT_TIME[table] else "all days"
        with _writing(f"{table} of {day}", path):
            pq.write_table(merged_day(table, stored, changes), beside, compression="zstd")
            flush(beside)


@contextmanager
def _writing(content: str, path: Path) -> Iterator[None]:
    """Turn an error of writing into one that names the content, the path and the remedy."""
    try:
        yield
    except OSError as error:
        raise PlatformError(
            f"Could not write {content} to {path}: {error}. What was stored before is unchanged.",
            remedy="Free some space or correct the permissions, then run the same command again.",
        ) from error
