"""The manifest that Dagster reads the dbt project from: parsed again when a file of it has changed."""

import fcntl
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from ml_platform.adapters.warehouse import PROJECT, dbt_arguments, run_dbt

_PARSE_AS_OF = datetime(2000, 1, 1, tzinfo=UTC)
"""Parsing compiles nothing: lake, warehouse and clock of a parse are never read."""


def manifest() -> Path:
    """``dbt_project/target/manifest.json``, fresh; some 5 s when the project has changed, else nothing."""
    target = PROJECT / "target"
    path = target / "dbt" / "manifest.json"
    if _fresh(path):
        return path
    target.mkdir(exist_ok=True)
    with (target / "parse.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _fresh(path):
            warehouse = target / "parse.duckdb"
            arguments = dbt_arguments("parse", target, warehouse, _PARSE_AS_OF)
            run_dbt(arguments, warehouse, lambda _: None)
    return path


def _fresh(path: Path) -> bool:
    return path.exists() and path.stat().st_mtime > max(f.stat().st_mtime for f in _files())


def _files() -> Iterable[Path]:
    yield PROJECT / "dbt_project.yml"
    for folder in ("models", "macros", "tests"):
        yield from (f for f in (PROJECT / folder).rglob("*") if f.is_file())
