"""dbt in a process of its own: its arguments, its output line by line, and its failures as errors of the platform.

dbt takes 4 s and some hundred megabytes, and one process holds the DuckDB file at a time: a child gives both
back when it ends. Whatever dbt writes (target, log) lies beside the warehouse, never in the project.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

from ml_platform import files
from ml_platform.adapters.dbt_process import BUILD_OPTION
from ml_platform.adapters.kept_parses import PARSED
from ml_platform.cores import usable_cores
from ml_platform.errors import IntegrityError, ServiceError

MEMORY_LIMIT = "2000MB"
"""What DuckDB may take before it writes to disk; the process of a build peaks some 300 MB above it."""
MOST_THREADS = 4
"""Threads of DuckDB share its memory: with more, each spills the sooner and the last ones gain little."""
FEW_EVENTS = 1_000_000
"""Up to here models are built side by side: a table of so few rows gives DuckDB's threads little to share."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DBT = Path(sys.executable).with_name("ml-platform-dbt")
"""dbt bound to the life of its parent (`dbt_process`)."""


def dbt_settings(
    lake: Path,
    warehouse: Path,
    as_of: datetime,
    asked_from: Mapping[str, datetime] = MappingProxyType({}),
) -> tuple[str, ...]:
    """The arguments of a build: where to read, where to build, and the end of what may be known.

    ``asked_from`` says of tables from which moment on they are to be built; the others are built whole.
    The ``--vars`` are the same for each build, so that dbt does not parse its project again. Its log file has no
    details, for which threads would wait.
    """
    build = {
        "folder": str(warehouse.resolve().parent),
        "kept": sql_quoted(kept_folder(warehouse)),
        "as_of": _aware(as_of).astimezone(UTC).isoformat(),
        "asked_from": {table: microseconds(moment) for table, moment in asked_from.items()},
    }
    variables = json.dumps(dbt_variables(lake, warehouse), sort_keys=True)
    side_by_side = str(_models_at_a_time(lake))
    return (
        *("--vars", variables, "--threads", side_by_side, "--log-level-file", "info"),
        *(BUILD_OPTION, json.dumps(build, sort_keys=True)),
    )


def dbt_variables(lake: Path, warehouse: Path) -> dict[str, str]:
    """The ``--vars`` of a build: the same in every home, so that a parse for one holds in all."""
    return {
        "lake": lake_in_sql(lake, warehouse),
        "warehouse": warehouse.name,
        "memory_limit": MEMORY_LIMIT,
        "threads": str(threads()),
    }


def lake_in_sql(lake: Path, warehouse: Path) -> str:
    """The lake as compiled SQL names it: by the way from the folder of the warehouse, where dbt works."""
    return sql_quoted(Path(os.path.relpath(lake.resolve(), warehouse.resolve().parent)))


def _models_at_a_time(lake: Path) -> int:
    """How many models dbt builds at a time: of many events one, which then has all threads and the memory."""
    import pyarrow.parquet as pq

    files = (lake / "events").glob("day=*/*.parquet")
    if sum(pq.read_metadata(file).num_rows for file in files) > FEW_EVENTS:
        return 1
    return threads()


def threads() -> int:
    """The threads that DuckDB computes features with: the cores of the process, `MOST_THREADS` at most."""
    return min(usable_cores(), MOST_THREADS)


def microseconds(moment: datetime) -> int:
    """A moment as the SQL of the features has it: in microseconds since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def dbt_arguments(
    command: str,
    lake: Path,
    warehouse: Path,
    as_of: datetime,
    project: Path,
    asked_from: Mapping[str, datetime] = MappingProxyType({}),
    target: Path | None = None,
) -> tuple[str, ...]:
    """Arguments of ``ml-platform-dbt`` for a ``command`` (build, parse), with the `dbt_settings` of a build.

    dbt writes into ``target``, or into the `target_folder` of the warehouse.
    """
    written = str(target or target_folder(warehouse))
    return (
        command,
        *dbt_settings(lake, warehouse, as_of, asked_from),
        "--project-dir",
        str(project),
        "--profiles-dir",
        str(project),
        *("--target-path", written, "--log-path", written),
        "--no-use-colors",
    )


def run_dbt(arguments: tuple[str, ...], warehouse: Path, progress: Callable[[str], None]) -> None:
    """Run ``dbt`` in a process of its own; every line it prints goes to ``progress``.

    Raises:
        ServiceError: dbt did not run, or a model failed (a missing column, a contract); dbt's own words.
        IntegrityError: a data test failed: which one, and the first rows that break it.
    """
    warehouse.parent.mkdir(parents=True, exist_ok=True)
    results = target_folder(warehouse) / "run_results.json"
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


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"as_of {moment.isoformat()} has no time zone; pass an aware time")
    return moment


def sql_quoted(path: Path) -> str:
    """A path as it stands between the quotes of SQL."""
    return str(path).replace("'", "''")


def temporary_folder(warehouse: Path) -> Path:
    """The folder into which DuckDB spills what does not fit into memory."""
    return warehouse.resolve().parent / "temporary"


def kept_folder(warehouse: Path) -> Path:
    """The folder of the published parts that a build reads."""
    return warehouse.resolve().parent / "kept"


def target_folder(warehouse: Path) -> Path:
    """The folder into which dbt writes its manifest, compiled SQL, results and log."""
    return warehouse.resolve().parent / "dbt"


def take_over_parse(parsed: Path, warehouse: Path) -> None:
    """Lay what dbt has parsed, in the target folder ``parsed``, where the next build of ``warehouse`` looks for it.

    The build goes on with it if it was parsed with the `dbt_variables` of the build, else it parses again.
    """
    target = target_folder(warehouse)
    target.mkdir(parents=True, exist_ok=True)
    with files.replacing(target / PARSED) as beside:
        shutil.copyfile(parsed / PARSED, beside)


def _failure(results: Path, warehouse: Path, lines: list[str]) -> ServiceError | IntegrityError:
    """The error of a failed run: the first failing node in dbt's words, with rows for a data test."""
    if not results.is_file():
        last_words = " ".join(line.strip() for line in lines[-12:] if line.strip())
        return ServiceError(
            f"dbt stopped before it built anything: {last_words}",
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
        # The views name the lake from the folder of the warehouse.
        folder = sql_quoted(warehouse.resolve().parent)
        connection.execute(f"set file_search_path = '{folder}'")
        rows = connection.execute(f"select * from ({failed['compiled_code']}) limit 3").fetchall()
    return "; ".join(", ".join(str(value) for value in row) for row in rows)
