"""The warehouse: dbt on DuckDB turns the lake into features, which leave it as Parquet, a file a table.

What dbt built is published only after every contract and data test has passed: files are written beside their
places, then renamed, and a failed build leaves the old ones.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ml_platform.adapters.dbt_project import PLATFORM_PROJECT, DbtProject
from ml_platform.adapters.dbt_run import (
    MEMORY_LIMIT,
    dbt_arguments,
    run_dbt,
    sql_quoted,
    temporary_folder,
)
from ml_platform.adapters.manifest import manifest_beside

_ROW_GROUP = 122_880


@dataclass(frozen=True)
class FeatureBuild:
    """The result of a build: the published files, their rows and the SQL of every model that computed them."""

    folder: Path
    project: DbtProject
    rows: dict[str, int]
    """The number of rows of each feature table."""
    sql_by_model: dict[str, str]
    """Raw SQL with its macros unexpanded, by model; the versions of features follow from it."""

    def path(self, table: str) -> Path:
        """The published file of ``table``."""
        return self.folder / self.project.tables[table].file_name


def build_features(
    lake: Path,
    output: Path,
    warehouse: Path,
    as_of: datetime,
    progress: Callable[[str], None],
    project: DbtProject = PLATFORM_PROJECT,
) -> FeatureBuild:
    """Run ``dbt build`` and publish ``<output>/<table>.parquet`` of every table if every test passed.

    Raises:
        ServiceError: dbt did not run, or a model failed (a missing column, a contract); dbt's own words.
        IntegrityError: a data test failed: which one, and the first rows that break it.
    """
    run_dbt(dbt_arguments("build", lake, warehouse, as_of, project.folder), warehouse, progress)
    return publish_features(output, warehouse, project)


def publish_features(
    output: Path, warehouse: Path, project: DbtProject = PLATFORM_PROJECT
) -> FeatureBuild:
    """Write the built and tested tables beside their places, in order of (time, id), then rename.

    One thread writes, so that equal rows give equal bytes. What a killed build left spilled goes.
    """
    import duckdb

    rows: dict[str, int] = {}
    tables = tuple(project.tables.values())
    paths = [output / table.file_name for table in tables]
    with (
        duckdb.connect(str(warehouse), read_only=True) as connection,
        manifest_beside(output).replacing(*paths) as places,
    ):
        connection.execute("set threads = 1; set TimeZone = 'UTC'; set enable_progress_bar = false")
        connection.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
        for table, beside in zip(tables, places, strict=True):
            written = connection.execute(
                f"copy features.{table.name} to '{sql_quoted(beside)}' "
                f"(format parquet, compression zstd, row_group_size {_ROW_GROUP})"
            ).fetchall()
            rows[table.name] = int(written[0][0])
    shutil.rmtree(temporary_folder(warehouse), ignore_errors=True)
    return FeatureBuild(output, project, rows, project.sql_by_model())
