"""The warehouse: dbt on DuckDB turns the lake into features, which leave it as Parquet, a file a table.

One process holds the DuckDB file at a time, and dbt takes 4 s and some hundred megabytes, so it runs
as a process of its own and gives both back. What it built is published only after every contract and data
test has passed: files are written beside their places, then renamed, and a failed build leaves the old ones.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ml_platform.errors import IntegrityError, ServiceError
from ml_platform.features.tables import TABLES
from ml_platform.files import replacing

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
MEMORY_LIMIT = "1200MB"
_ROW_GROUP = 122_880
DBT = Path(sys.executable).with_name("ml-platform-dbt")
"""dbt bound to the life of its parent (`dbt_process`)."""


@dataclass(frozen=True)
class FeatureBuild:
    """What a build left: the published files, their rows and the SQL of every model that computed them."""

    folder: Path
    rows: dict[str, int]
    """By feature table."""
    sql_by_model: dict[str, str]
    """Raw SQL with its macros unexpanded, by model; the versions of features follow from it."""

    def path(self, table: str) -> Path:
        """The published file of ``table``."""
        return self.folder / TABLES[table].file_name


def dbt_variables(lake: Path, warehouse: Path, as_of: datetime) -> dict[str, str]:
    """The ``--vars`` of a build: where to read, where to build, and the end of what may be known."""
    if as_of.tzinfo is None:
        raise ValueError(f"as_of {as_of.isoformat()} has no time zone; pass an aware time")
    return {
        "lake": _quoted(lake.resolve()),
        "warehouse": str(warehouse.resolve()),
        "temporary": str(_temporary(warehouse)),
        "memory_limit": MEMORY_LIMIT,
        "as_of": as_of.astimezone(UTC).isoformat(),
    }


def dbt_arguments(
    command: str, lake: Path, warehouse: Path, as_of: datetime, project: Path = PROJECT
) -> tuple[str, ...]:
    """Arguments of ``dbt`` for a ``command`` (build, parse, ...) on this lake and warehouse."""
    return (
        command,
        "--vars",
        json.dumps(dbt_variables(lake, warehouse, as_of), sort_keys=True),
        "--project-dir",
        str(project),
        "--profiles-dir",
        str(project),
        "--target-path",
        str(_target(warehouse)),
        "--log-path",
        str(_target(warehouse)),
        "--no-use-colors",
    )


def build_features(
    lake: Path,
    output: Path,
    warehouse: Path,
    as_of: datetime,
    progress: Callable[[str], None],
    project: Path = PROJECT,
) -> FeatureBuild:
    """Run ``dbt build`` and publish ``<output>/<table>.parquet`` of every table if every test passed.

    Raises:
        ServiceError: dbt did not run, or a model failed (a missing column, a contract); dbt's own words.
        IntegrityError: a data test failed: which one, and the first rows that break it.
    """
    run_dbt(dbt_arguments("build", lake, warehouse, as_of, project), warehouse, progress)
    return publish_features(output, warehouse)


def run_dbt(arguments: tuple[str, ...], warehouse: Path, progress: Callable[[str], None]) -> None:
    """Run ``dbt`` in a process of its own; every line it prints goes to ``progress``."""
    warehouse.parent.mkdir(parents=True, exist_ok=True)
    results = _target(warehouse) / "run_results.json"
    results.unlink(missing_ok=True)
    lines: list[str] = []
    with subprocess.Popen(
        [DBT, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            for line in process.stdout or ():
                lines.append(line.rstrip())
                progress(line.rstrip())
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        raise _failure(results, warehouse, lines)


def publish_features(output: Path, warehouse: Path) -> FeatureBuild:
    """Write the built and tested tables beside their places, in order of (time, id), then rename.

    One thread writes, so that equal rows give equal bytes. What a killed build left spilled goes.
    """
    import duckdb

    rows: dict[str, int] = {}
    with duckdb.connect(str(warehouse), read_only=True) as connection, ExitStack() as files:
        connection.execute("set threads = 1; set TimeZone = 'UTC'; set enable_progress_bar = false")
        connection.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
        for table in TABLES.values():
            beside = files.enter_context(replacing(output / table.file_name))
            written = connection.execute(
                f"copy features.{table.name} to '{_quoted(beside)}' "
                f"(format parquet, compression zstd, row_group_size {_ROW_GROUP})"
            ).fetchall()
            rows[table.name] = int(written[0][0])
    shutil.rmtree(_temporary(warehouse), ignore_errors=True)
    return FeatureBuild(output, rows, sql_by_model())


def sql_by_model() -> dict[str, str]:
    """The SQL of the project by file name without ending: models and the macros they call."""
    files = sorted((*PROJECT.glob("models/**/*.sql"), *PROJECT.glob("macros/*.sql")))
    return {path.stem: path.read_text(encoding="utf-8") for path in files}


def _quoted(path: Path) -> str:
    """A path as it stands between the quotes of SQL."""
    return str(path).replace("'", "''")


def _temporary(warehouse: Path) -> Path:
    return warehouse.resolve().parent / "temporary"


def _target(warehouse: Path) -> Path:
    return warehouse.resolve().parent / "dbt"


def _failure(results: Path, warehouse: Path, lines: list[str]) -> ServiceError | IntegrityError:
    """The error of a failed run: the first failing node in dbt's words, with rows for a data test."""
    if not results.is_file():
        said = " ".join(line.strip() for line in lines[-12:] if line.strip())
        return ServiceError(
            f"dbt stopped before it built anything: {said}",
            remedy=f"read {results.parent / 'dbt.log'}.",
        )
    nodes = json.loads(results.read_text(encoding="utf-8"))["results"]
    failed = next(node for node in nodes if node["status"] in ("error", "fail"))
    name = failed["unique_id"].split(".")[2]
    message = " ".join(str(failed["message"]).split())
    if failed["status"] == "error":
        return ServiceError(
            f"The dbt node {name} failed: {message}.",
            remedy="correct the table or the model it names and build again; the old features stay.",
        )
    return IntegrityError(
        f"The data test {name} failed ({message}): {_broken_rows(failed, warehouse)}.",
        remedy="correct those rows at their source and ingest again; the old features stay.",
    )


def _broken_rows(failed: dict[str, str], warehouse: Path) -> str:
    import duckdb

    with duckdb.connect(str(warehouse), read_only=True) as connection:
        rows = connection.execute(f"select * from ({failed['compiled_code']}) limit 3").fetchall()
    return "; ".join(", ".join(str(value) for value in row) for row in rows)
