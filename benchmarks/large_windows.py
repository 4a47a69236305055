"""A week of 10,000,000 rows against a stored baseline: 12 numbers and 8 categories, counted by DuckDB.

The rows come in sessions of about ten, some of them across the six-hour boundaries. Measured are the pass over the
Parquet file and every test of a report on drift, with sessions as the unit; the baseline is stored and read first.

    python -m benchmarks.large_windows [--rows 10000000] [--turns 3] [--threads N] [--file KEPT.parquet] [--json]
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.drift import CATEGORIES, NUMBERS
from ml_platform import values
from ml_platform.adapters.large_windows import count_features
from ml_platform.cores import usable_cores
from ml_platform.monitoring.baseline import Baseline, measure_reference
from ml_platform.monitoring.compare import assign_severities, compare
from ml_platform.monitoring.report import Severity
from ml_platform.spec.feature import Comparison, Family, FeatureSpec, Kind
from ml_platform.spec.monitoring_policy import POLICY
from ml_platform.spec.training_set import CLUSTER

START = datetime(2026, 3, 2, tzinfo=UTC)
WEEK = timedelta(days=7)
TARGET = 5.0
BATCH = 500_000
SESSION = 10
REFERENCE = 200_000


def columns(draw: np.random.Generator, rows: int, first: int, step: timedelta) -> pa.Table:
    """Rows in the order of time, from the number ``first`` on.

    Their numbers are normal, heavy-tailed, rounded and partly missing; the categories have 3 to 24 levels.
    """
    number = first + np.arange(rows)
    session = (number + draw.normal(0, 20 * SESSION, rows)).astype(np.int64) // SESSION
    microseconds = number * (step / timedelta(microseconds=1))
    made: dict[str, pa.Array] = {
        "cluster_id": pa.array([f"session-{each}" for each in session]),
        "occurred_at": pa.array(
            int(START.timestamp() * 1e6) + microseconds.astype(np.int64),
            pa.timestamp("us", tz="UTC"),
        ),
        "is_bot": pa.array(np.zeros(rows, dtype=bool)),
    }
    for index, name in enumerate(NUMBERS):
        numbers = draw.normal(0, 1, rows)
        if index % 4 == 1:
            numbers = np.exp(numbers)
        if index % 4 == 2:
            numbers = numbers.round(1)
        made[name] = pa.array(numbers, mask=draw.random(rows) < 0.05 if index % 4 == 3 else None)
    for index, name in enumerate(CATEGORIES):
        levels = pa.array([f"level {level}" for level in range(3 * (index + 1))])
        codes = pa.array(draw.integers(0, len(levels), rows).astype(np.int32))
        made[name] = pa.DictionaryArray.from_arrays(codes, levels).cast(pa.string())
    return pa.table(made)


def write(path: Path, rows: int) -> None:
    """A week of rows in one Parquet file."""
    draw, writer = np.random.default_rng(1), None
    for first in range(0, rows, BATCH):
        batch = columns(draw, min(BATCH, rows - first), first, WEEK / rows)
        writer = writer or pq.ParquetWriter(path, batch.schema)
        writer.write_table(batch, row_group_size=122_880)
    assert writer is not None
    writer.close()


def stored_baseline() -> str:
    """The baseline of 200,000 rows of eight weeks, as it is stored."""
    draw = np.random.default_rng(2)
    rows: pd.DataFrame = columns(draw, REFERENCE, 0, 8 * WEEK / REFERENCE).to_pandas()
    specs = [_spec(name, Kind.NUMBER) for name in NUMBERS]
    specs += [_spec(name, Kind.CATEGORY) for name in CATEGORIES]
    reference = measure_reference(rows, specs, model="model", end=START + 8 * WEEK)
    return values.to_json(reference.baseline(version="1", source="made", simulated=True))


def _spec(name: str, kind: Kind) -> FeatureSpec:
    return FeatureSpec(
        name=name,
        family=Family.RAW,
        kind=kind,
        low=None,
        high=None,
        window="the row",
        missing="unknown",
        reason="a benchmark",
        compare=Comparison.DISTRIBUTION,
    )


def look(path: Path, baseline: Baseline, threads: int) -> tuple[int, int]:
    """Rows that were compared, and features that moved."""
    counted = count_features(path, baseline.watched, START, START + WEEK, threads)
    clusters = counted.clusters[CLUSTER]
    compared = [
        compare(entry, counted.shares[entry.name], clusters=clusters, policy=POLICY)
        for entry in baseline.watched
    ]
    moved = (Severity.MODERATE, Severity.SIGNIFICANT)
    return counted.rows, sum(each.severity in moved for each in assign_severities(compared, POLICY))


def measure(path: Path, turns: int, threads: int) -> dict[str, float]:
    """Medians of wall and processor seconds after a first turn that is not counted, and the peak of memory."""
    baseline = values.from_json(Baseline, stored_baseline())
    rows, moved = look(path, baseline, threads)
    before, walls, processors = _peak_bytes(), [], []
    for _ in range(turns):
        wall, processor = time.perf_counter(), time.process_time()
        look(path, baseline, threads)
        walls.append(time.perf_counter() - wall)
        processors.append(time.process_time() - processor)
    return {
        "rows": rows,
        "features_moved": moved,
        "wall_seconds": statistics.median(walls),
        "least_wall_seconds": min(walls),
        "processor_seconds": statistics.median(processors),
        "threads": threads,
        "peak_gigabytes": max(before, _peak_bytes()) / 1e9,
        "load": os.getloadavg()[0],
    }


def _peak_bytes() -> int:
    """Largest resident set of this process (Linux)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def main() -> None:
    """Read the arguments, run, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--threads", type=int, default=usable_cores())
    parser.add_argument(
        "--file", type=Path, help="where the rows are kept; written where it is not there"
    )
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = given.file or Path(folder, "window.parquet")
        if not path.exists():
            write(path, given.rows)
        figures = measure(path, given.turns, given.threads)
    if given.json:
        print(json.dumps({"benchmark": "large_windows", **figures}))
        return
    print(
        f"{figures['rows']:,.0f} rows, {len(NUMBERS)} numbers and {len(CATEGORIES)} categories, "
        f"{figures['threads']} threads: {figures['wall_seconds']:.1f} s "
        f"(least {figures['least_wall_seconds']:.1f}, target {TARGET:.0f}), "
        f"{figures['processor_seconds']:.1f} processor seconds, {figures['peak_gigabytes']:.2f} GB at most, "
        f"{figures['features_moved']} features moved; load {figures['load']:.0f}"
    )


if __name__ == "__main__":
    main()
