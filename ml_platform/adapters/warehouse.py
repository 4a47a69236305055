"""The warehouse: dbt on DuckDB turns the lake into features, which leave it as Parquet, a folder a table.

What dbt built is published only after every contract and data test has passed: parts are written first, then the
lists that name them are replaced, and a failed build leaves the old ones.
"""

import os
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from ml_platform import values
from ml_platform.adapters.dbt_project import PLATFORM_PROJECT, DbtProject
from ml_platform.adapters.dbt_run import (
    MEMORY_LIMIT,
    dbt_arguments,
    kept_folder,
    run_dbt,
    sql_quoted,
    temporary_folder,
)
from ml_platform.adapters.feature_parts import (
    MOMENTS,
    PARTS_FILE,
    Part,
    PartList,
    day_ranges,
    kept_parts,
    part_rows,
    table_version,
    unlisted,
)
from ml_platform.adapters.manifest import Manifest, manifest_beside
from ml_platform.cores import usable_cores
from ml_platform.errors import IntegrityError
from ml_platform.files import TEMPORARY_SUFFIX

if TYPE_CHECKING:
    import duckdb

_ROW_GROUP = 122_880
_WRITERS = 4
"""Parts that are written at a time, at most."""
_YEAR_1, _EPOCH = datetime.min.replace(tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC)
_MAY_BE_NULL = """
create or replace temp table may_be_null as select *, 0 as kept from features.{table} limit 0;
insert into may_be_null (kept) values (1), (3)
"""
"""Rows without a value, none of which is ever read: with them DuckDB marks every column of a file as one that may
be null, whatever the other rows of the table are."""
_ROWS = """
select * exclude (kept)
from (
    select *, 2 as kept
    from features.{table}
    where occurred_at >= timestamptz '{first}' and occurred_at < date_add(timestamptz '{last}', interval 1 day)
    union all
    select * from may_be_null
)
where kept = 2
order by occurred_at, row_id
"""
_DayRange = tuple[date, date, int]
"""First day, last day and rows of a part."""


@dataclass(frozen=True)
class FeatureBuild:
    """The result of a build: the published tables, their rows and the SQL of every model that computed them."""

    folder: Path
    project: DbtProject
    rows: dict[str, int]
    """The number of rows of each feature table."""
    sql_by_model: dict[str, str]
    """Raw SQL with its macros unexpanded, by model; the versions of features follow from it."""

    def path(self, table: str) -> Path:
        """The folder in which ``table`` is published."""
        return self.folder / self.project.tables[table].name

    def version(self, table: str) -> str:
        """The SHA-256 of the list of the parts of ``table``: equal rows have equal versions."""
        return table_version(self.path(table)) or ""

    def versions(self) -> dict[str, str]:
        """The version of everything that is published in parts."""
        versions = {table: self.version(table) for table in self.project.tables}
        return {**versions, MOMENTS: table_version(self.folder / MOMENTS) or ""}


def build_features(
    lake: Path,
    output: Path,
    warehouse: Path,
    as_of: datetime,
    progress: Callable[[str], None],
    project: DbtProject = PLATFORM_PROJECT,
    asked_from: Mapping[str, datetime] = MappingProxyType({}),
) -> FeatureBuild:
    """Run ``dbt build`` and publish ``<output>/<table>/`` of every table if every test passed.

    Of tables in ``asked_from`` the parts before that moment stay as they were published (see `publish_features`).

    Raises:
        ServiceError: dbt did not run, or a model failed (a missing column, a contract); dbt's own words.
        IntegrityError: a data test failed: which one, and the first rows that break it.
    """
    lay_out_kept_parts(project, output, warehouse, asked_from)
    arguments = dbt_arguments("build", lake, warehouse, as_of, project.folder, asked_from)
    run_dbt(arguments, warehouse, progress)
    return publish_features(output, warehouse, project)


def lay_out_kept_parts(
    project: DbtProject, output: Path, warehouse: Path, asked_from: Mapping[str, datetime]
) -> None:
    """Lay the published parts that a build reads beside the warehouse, as links, and a file without rows.

    They are those of the moments that sessions look back on, before the first moment that is built.
    """
    import duckdb

    folder = kept_folder(warehouse) / MOMENTS
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    columns = ", ".join(f"null::{kind} as {name}" for name, kind in project.columns(MOMENTS))
    with duckdb.connect() as connection:
        empty = sql_quoted(folder / "empty.parquet")
        connection.execute(f"copy (select {columns} limit 0) to '{empty}' (format parquet)")
    if MOMENTS in asked_from:
        for part in kept_parts(output / MOMENTS, asked_from[MOMENTS]):
            path = (output / MOMENTS / part.file_name).resolve()
            (folder / part.file_name).symlink_to(path)


def publish_features(
    output: Path, warehouse: Path, project: DbtProject = PLATFORM_PROJECT
) -> FeatureBuild:
    """Write the parts of the built and tested tables, then replace the lists that name them, all together.

    One thread writes a part, so that equal rows give equal bytes, and parts are written side by side. Of a table
    that was built from some moment on, the parts before it stay. What a killed build left spilled goes.

    Raises:
        IntegrityError: the parts before that moment were not published.
    """
    import duckdb

    manifest = manifest_beside(output)
    folders = {name: output / name for name in (*project.tables, MOMENTS)}
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        connection.execute(f"set threads = 1; set memory_limit = '{MEMORY_LIMIT}'")
        connection.execute("set TimeZone = 'UTC'; set enable_progress_bar = false")
        asked_from = _asked_from(connection)
        kept = {
            name: _parts_until(folder, asked_from[name]) if name in asked_from else ()
            for name, folder in folders.items()
        }
        ranges = {name: _day_ranges(connection, name, alone=not kept[name]) for name in folders}

        def written(job: tuple[str, _DayRange]) -> Part:
            name, days = job
            with connection.cursor() as own:
                own.execute("set TimeZone = 'UTC'; set enable_progress_bar = false")
                return _written_part(own, name, days, folders[name], manifest)

        jobs = [(name, days) for name in folders for days in ranges[name]]
        with ThreadPoolExecutor(min(usable_cores(), _WRITERS)) as pool:
            new = iter(list(pool.map(written, jobs)))
    lists = {name: PartList((*kept[name], *islice(new, len(ranges[name])))) for name in folders}
    with manifest.replacing(*(folder / PARTS_FILE for folder in folders.values())) as places:
        for parts, place in zip(lists.values(), places, strict=True):
            place.write_text(values.to_json(parts), encoding="utf-8")
    for folder in folders.values():
        manifest.remove(*unlisted(folder, manifest))
    shutil.rmtree(temporary_folder(warehouse), ignore_errors=True)
    rows = {name: sum(part.rows for part in lists[name].parts) for name in project.tables}
    return FeatureBuild(output, project, rows, project.sql_by_model())


def _asked_from(connection: "duckdb.DuckDBPyConnection") -> dict[str, datetime]:
    """The tables of which the warehouse has the newest rows alone, and the moment from which on it has them."""
    asked = connection.execute("select * from intermediate.int_asked")
    names = [column[0] for column in asked.description]
    return {
        name: _EPOCH + timedelta(microseconds=t)
        for name, t in zip(names, asked.fetchall()[0], strict=True)
        if t > (_YEAR_1 - _EPOCH) // timedelta(microseconds=1)
    }


def _parts_until(folder: Path, moment: datetime) -> tuple[Part, ...]:
    """The parts of a published table that end with ``moment``, from which on it was built."""
    kept = kept_parts(folder, moment)
    if not kept or kept[-1].end != moment:
        raise IntegrityError(
            f"{folder.name} was built from {moment:%Y-%m-%d} on, and no part before ends then.",
            remedy="build the features whole: `ml-platform run --force`",
        )
    return kept


def _day_ranges(
    connection: "duckdb.DuckDBPyConnection", table: str, *, alone: bool
) -> tuple[_DayRange, ...]:
    """What each part of a built table has. Without any row there is one empty part if it stands ``alone``.

    A table has columns, after all.
    """
    days = connection.execute(
        f"select occurred_at::date as day, count(*) from features.{table} group by day order by day"
    ).fetchall()
    no_rows = ((date.min, date.min, 0),) if alone else ()
    return tuple(day_ranges(days, part_rows(table))) or no_rows


def _written_part(
    connection: "duckdb.DuckDBPyConnection",
    table: str,
    days: _DayRange,
    folder: Path,
    manifest: Manifest,
) -> Part:
    """A part of what was built of a table, in its place; one that lies there already is left as it is."""
    first, last, rows = days
    written = folder / f"{first}.{os.getpid()}{TEMPORARY_SUFFIX}"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        connection.execute(_MAY_BE_NULL.format(table=table))
        connection.execute(
            f"copy ({_ROWS.format(table=table, first=first, last=last)}) to '{sql_quoted(written)}' "
            f"(format parquet, compression zstd, row_group_size {_ROW_GROUP})"
        )
        part = Part(first, last, rows, values.file_sha256(written))
        path = folder / part.file_name
        if not manifest.has(path, part.sha256):
            with manifest.replacing(path) as (beside,):
                written.replace(beside)
        return part
    finally:
        written.unlink(missing_ok=True)
