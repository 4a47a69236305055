"""Parquet or CSV files of the tables, mapped by DuckDB, which may read those files and nothing else."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from ml_platform.adapters.sources.text_files import header_of, read_map, write_plain
from ml_platform.errors import SourceError
from ml_platform.events.schema import TABLES
from ml_platform.events.sources.base import BATCH_ROWS
from ml_platform.events.sources.column_map import TableMap, literal, parse_table_maps, select
from ml_platform.events.sources.dialect import Dialect
from ml_platform.values import file_sha256, fingerprint

if TYPE_CHECKING:
    import duckdb

_PLAIN = (
    "header = true, skip = 0, delim = ',', quote = '\"', escape = '\"', "
    "auto_detect = false, max_line_size = 8388608"
)
"""The options of DuckDB's CSV reader, in full: its own guess drops lines or separators until all lines fit."""

_PLAIN_DIALECT = Dialect("utf-8", ",")
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
            with _readable(path, mapping) as plain, _only(plain) as connection:
                try:
                    yield from _rows(connection, table, plain, mapping)
                except (_duckdb_error(), OSError) as error:
                    raise _unreadable(path, table, error) from error

    def content(self) -> str:
        """See `WithContent.content`: the bytes of every file that is read, and its map."""
        return fingerprint(
            {
                table: (str(path.resolve()), file_sha256(path), repr(mapping))
                for table, (path, mapping) in self._files().items()
            }
        )

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
            for path in paths:
                _require_inside(self.folder, path)
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

    def check(self) -> None:
        """Look at what can be checked without reading it all: files, map, and the names of the columns.

        Raises:
            SourceError: something is missing or does not fit.
        """
        for table, (path, mapping) in self._files().items():
            if _is_parquet(path):
                continue
            names = header_of(path, mapping.dialect)
            select(table, mapping, "", dict.fromkeys(names, "VARCHAR"))


def _require_inside(folder: Path, path: Path) -> None:
    """Refuse a file that lies elsewhere: a map or a symbolic link that leads out of the folder."""
    if not path.resolve().is_relative_to(folder.resolve()):
        raise SourceError(
            f"{path} lies outside the folder {folder} of the source ({path.resolve()}).",
            remedy="Copy the file into the folder; a map and its links stay in it.",
        )


def _rows(
    connection: "duckdb.DuckDBPyConnection", table: str, path: Path, mapping: TableMap
) -> Iterator[tuple[str, pa.Table]]:
    place = literal(str(path.resolve()))
    relation = f"read_parquet({place}, hive_partitioning = false)"
    if not _is_parquet(path):
        columns = ", ".join(
            f"{literal(name)}: 'VARCHAR'" for name in header_of(path, _PLAIN_DIALECT)
        )
        relation = f"read_csv({place}, {_PLAIN}, columns = {{{columns}}})"
    described = connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    query = select(table, mapping, relation, {str(row[0]): str(row[1]) for row in described})
    reader = connection.sql(query).to_arrow_reader(BATCH_ROWS)
    for batch in reader:
        yield table, pa.Table.from_batches([batch])


def _is_parquet(path: Path) -> bool:
    return path.name.endswith(".parquet")


@contextmanager
def _readable(path: Path, mapping: TableMap) -> Iterator[Path]:
    """The file itself if it is Parquet, else a copy as plain CSV, which DuckDB needs not guess at."""
    if _is_parquet(path):
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "plain.csv"
        write_plain(path, mapping.dialect, copy)
        yield copy


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
