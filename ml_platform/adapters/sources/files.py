"""Parquet or CSV files of the tables, mapped by DuckDB, which may read those files and nothing else."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from ml_platform.adapters.sources.text_files import read_map, separator
from ml_platform.errors import SourceError
from ml_platform.events.schema import TABLES
from ml_platform.events.sources.base import BATCH_ROWS
from ml_platform.events.sources.column_map import TableMap, literal, parse_table_maps, select

if TYPE_CHECKING:
    import duckdb

_ENDINGS = (".parquet", ".csv", ".csv.gz")


@dataclass(frozen=True)
class FilesSource:
    """``files:DIR``: the tables that the folder holds, in the order of the schema, each sorted by time and id."""

    folder: Path
    map_file: Path | None = None
    simulated: bool = False
    live: bool = False

    @property
    def name(self) -> str:
        """``files:`` and the absolute path."""
        return f"files:{self.folder.resolve()}"

    def batches(self) -> Iterator[tuple[str, pa.Table]]:
        """See `Source.batches`; CSV cells come as text, an empty cell as null."""
        files = self._files()
        for table, (path, mapping) in files.items():
            with _only(path) as connection:
                try:
                    yield from self._rows(connection, table, path, mapping)
                except (_duckdb_error(), OSError) as error:
                    raise _unreadable(path, table, error) from error

    def _files(self) -> dict[str, tuple[Path, TableMap]]:
        if not self.folder.is_dir():
            raise SourceError(f"There is no folder {self.folder}.", remedy="Correct files:DIR.")
        map_file = self.map_file or self.folder / "columns.toml"
        has_map = self.map_file is not None or map_file.exists()
        maps = parse_table_maps(read_map(map_file), str(map_file)) if has_map else {}
        files = {}
        for table in TABLES:
            mapping = maps.get(table, TableMap())
            names = [mapping.file] if mapping.file else [table + ending for ending in _ENDINGS]
            paths = [self.folder / name for name in names if (self.folder / name).is_file()]
            if mapping.file and not paths:
                raise SourceError(
                    f"{self.folder} has no file {mapping.file} that its map names for {table}.",
                    remedy=f"Correct `file` of [{table}] in {map_file}.",
                )
            if paths:
                files[table] = (paths[0], mapping)
        if "events" not in files:
            raise SourceError(
                f"{self.folder} has no events (events.parquet, events.csv or events.csv.gz).",
                remedy="Name the file in columns.toml: [events] file = ...",
            )
        return files

    def _rows(
        self,
        connection: "duckdb.DuckDBPyConnection",
        table: str,
        path: Path,
        mapping: TableMap,
    ) -> Iterator[tuple[str, pa.Table]]:
        place = literal(str(path.resolve()))
        relation = f"read_parquet({place}, hive_partitioning = false)"
        if not path.name.endswith(".parquet"):
            relation = f"read_csv({place}, {_dialect(path)}, all_varchar = true)"
        described = connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
        query = select(table, mapping, relation, {str(row[0]): str(row[1]) for row in described})
        reader = connection.sql(query).to_arrow_reader(BATCH_ROWS)
        for batch in reader:
            yield table, pa.Table.from_batches([batch])


def _dialect(path: Path) -> str:
    """The options of DuckDB's CSV reader, by RFC 4180 but for the separator.

    They are given in full, since the reader's own guess drops lines or separators until all lines fit.
    """
    delimiter = literal(separator(path))
    return f"header = true, skip = 0, delim = {delimiter}, quote = '\"', escape = '\"'"


@contextmanager
def _only(path: Path) -> Iterator["duckdb.DuckDBPyConnection"]:
    """A DuckDB connection that can open this one file: the SQL of a map must not read or write any other."""
    import duckdb

    with tempfile.TemporaryDirectory() as spill, duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'; SET threads = 2; SET memory_limit = '1GB'")
        connection.execute(f"SET temp_directory = {literal(spill)}")
        connection.execute(f"SET allowed_paths = [{literal(str(path.resolve()))}]")
        connection.execute("SET enable_external_access = false; SET lock_configuration = true")
        yield connection


def _duckdb_error() -> type[Exception]:
    import duckdb

    error: type[Exception] = duckdb.Error
    return error


def _unreadable(path: Path, table: str, error: Exception) -> SourceError:
    reason = " ".join(str(error).split())[:400]
    return SourceError(
        f"{path} cannot be read as {table}: {reason}",
        remedy="Correct the file, or `where` and the expressions of its map (docs/sources.md).",
    )
