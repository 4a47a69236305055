"""Streams a generated history of 100,000 commits (or a real repository) and prints seconds and memory.

python benchmarks/git_history.py [--commits N] [--repository PATH]
"""

import argparse
import resource
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from ml_platform.adapters.lake import ParquetLake
from ml_platform.adapters.sources.git import GitSource
from ml_platform.events.ingest import ingest
from ml_platform_tests.events.repositories import fast_import


def megabytes(who: int) -> float:
    """Peak resident memory of this process or of its largest child."""
    return resource.getrusage(who).ru_maxrss / 1024


def main() -> int:
    """Measure reading alone, then reading into a lake on disk."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commits", type=int, default=100_000)
    parser.add_argument("--repository", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.repository or fast_import(Path(folder) / "made.git", options.commits)
        source = GitSource(path, b"benchmark")
        began, tools, before = time.perf_counter(), Counter[str](), megabytes(resource.RUSAGE_SELF)
        for _, rows in source.batches():
            tools.update(rows.column("tool").to_pylist())
        seconds = time.perf_counter() - began
        print(f"{tools.total():,} events, {tools.total() / seconds:,.0f} a second: {seconds:.1f} s")
        print(
            f"memory {before:.0f} -> {megabytes(resource.RUSAGE_SELF):.0f} MB, "
            f"git {megabytes(resource.RUSAGE_CHILDREN):.0f} MB"
        )
        for name, count in tools.most_common():
            print(f"  {name}: {count:,}")
        lake = ParquetLake(Path(folder) / "lake", Path(folder) / "quarantine")
        for turn in ("into an empty lake", "the same again"):
            began = time.perf_counter()
            report = ingest(source, lake, now=datetime.now(UTC), progress=lambda _: None)
            counted = report.tables[0]
            print(
                f"{turn}: {counted.added:,} added, {counted.duplicates:,} repeated, "
                f"{counted.conflicts:,} conflicts, {time.perf_counter() - began:.1f} s, "
                f"peak {megabytes(resource.RUSAGE_SELF):.0f} MB"
            )
        for note in report.notes:
            print(f"note: {note}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
