"""Thirty runs with one new day each in one home, and what retention leaves of it.

`python -m benchmarks.retention [--runs N] [--folder DIR]`: a simulation is exported day by day as files, the home
reads them and one small model is fitted anew each time; after each run `retention --apply`. Printed: the size of
the home after each run and what has gone, the size by folder, whether `verify` is clean and every report opens.
"""

import argparse
import json
import subprocess
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ml_platform.clock import parse_moment
from ml_platform.events.sources.simulate import SimulateSource
from ml_platform_tests.end_to_end.command import COMMAND, environment

MODEL = "trigger_predictor"
FIRST_DAYS = 35
LAST = parse_moment("LAST", "2026-09-01T00:00Z")
TIMES = {
    "events": "occurred_at",
    "known_anomalies": "occurred_at",
    "suggestions": "shown_at",
    "workflow_executions": "started_at",
}


def exported(days: int) -> dict[str, pa.Table]:
    """The tables of a small simulation."""
    source = SimulateSource(as_of=LAST, days=days, users=30, seed=4)
    parts: dict[str, list[pa.Table]] = {}
    for name, rows in source.batches():
        if name != "ceilings":
            parts.setdefault(name, []).append(rows)
    return {name: pa.concat_tables(tables) for name, tables in parts.items()}


def told(home: Path, *arguments: str) -> Any:
    """What the command prints as JSON."""
    ended = subprocess.run(
        [COMMAND, *arguments, "--home", str(home), "--json"],
        env=environment(),
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(ended.stdout)


def size(folder: Path) -> int:
    """Bytes of a folder, a file with several links once."""
    states = {}
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            state = path.stat()
            states[state.st_ino] = state.st_size
    return sum(states.values())


def main() -> None:
    """Run, remove, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="retention-"))
    folder.chmod(0o755)
    home, exports = folder / "home", folder / "exports"
    exports.mkdir(parents=True, exist_ok=True)
    tables, removed = exported(FIRST_DAYS + options.runs), 0
    for run in range(options.runs):
        until = LAST - timedelta(days=options.runs - 1 - run)
        for name, rows in tables.items():
            known = rows.filter(pc.field(TIMES[name]) < pa.scalar(until)) if name in TIMES else rows
            pq.write_table(known, exports / f"{name}.parquet")
        source = () if run else ("--source", f"files:{exports}")
        again = ("--as-of", f"{until:%Y-%m-%dT%H:%MZ}", "--models", MODEL, "--processes", "1")
        told(home, "run", *source, *again, "--retrain")
        outcome = told(home, "retention", "--apply")
        removed += outcome["bytes"]
        print(
            f"run {run + 1}: home {size(home) / 1e6:.0f} MB, gone {removed / 1e6:.1f} MB",
            flush=True,
        )
    versions = told(home, "status")["models"][MODEL]["versions"]
    for version in versions:
        told(home, "report", MODEL, str(version["version"]))
    for place in sorted(home.iterdir()):
        if place.is_dir():
            print(f"{place.name:<26}{size(place) / 1e6:>9.1f} MB")
    print(
        f"reports that open: {len(versions)} of {len(versions)}; verify: {told(home, 'verify')['ok']}"
    )


if __name__ == "__main__":
    main()
