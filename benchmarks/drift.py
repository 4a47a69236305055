"""Drift of 12 numeric and 8 categorical columns, from two Parquet files: ours and its peers in turns.

Ours: exact KS, two-sample chi-squared, PSI and missingness of every column. scipy: ks_2samp and
chi2_contingency column by column on pandas frames. Evidently: its drift preset. NannyML (in an environment of its
own, whose Python is given): KS, chi-squared and missing values, one chunk. Each reads the files.

    python benchmarks/drift.py --rows 100000 --rows 1000000 [--turns 3] [--no-evidently] [--nannyml PYTHON] [--json]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

NUMBERS = [f"number_{index}" for index in range(12)]
CATEGORIES = [f"category_{index}" for index in range(8)]
TARGETS = {100_000: 0.25, 1_000_000: 1.0}
EVIDENTLY_TARGET, MEMORY_TARGET = 40.0, 1.3


def write(path: Path, rows: int, seed: int) -> None:
    """A table with normal, heavy-tailed, rounded and partly missing numbers, and 3 to 24 levels."""
    draw = np.random.default_rng(seed)
    columns: dict[str, pa.Array] = {}
    for index, name in enumerate(NUMBERS):
        values = draw.normal(0.002 * index, 1, rows)
        if index % 4 == 1:
            values = np.exp(values)
        if index % 4 == 2:
            values = values.round(1)
        missing = draw.random(rows) < 0.05 if index % 4 == 3 else None
        columns[name] = pa.array(values, mask=missing)
    for index, name in enumerate(CATEGORIES):
        levels = pa.array([f"level {level}" for level in range(3 * (index + 1))])
        codes = pa.array(draw.integers(0, len(levels), rows).astype(np.int32))
        columns[name] = pa.DictionaryArray.from_arrays(codes, levels).cast(pa.string())
    pq.write_table(pa.table(columns), path)


def reader(path: Path) -> Callable[[str], pa.ChunkedArray]:
    """Columns of a Parquet file, read one at a time; threads open the file for themselves."""

    def read(name: str) -> pa.ChunkedArray:
        dictionaries = [name] if name in CATEGORIES else None
        with pq.ParquetFile(path, read_dictionary=dictionaries) as file:
            return file.read([name], use_threads=False).column(0)

    return read


def ours(reference: Path, current: Path) -> int:
    """Columns compared."""
    from ml_platform.monitoring.drift.tables import compare_columns

    sides = reader(reference), reader(current)
    return len(compare_columns(*sides, numbers=NUMBERS, categories=CATEGORIES))


def scipy_one_by_one(reference: Path, current: Path) -> int:
    """KS and chi-squared as one would write them."""
    import pandas as pd
    from scipy.stats import chi2_contingency, ks_2samp

    left, right = pd.read_parquet(reference), pd.read_parquet(current)
    results = [
        ks_2samp(left[name].dropna(), right[name].dropna(), method="asymp") for name in NUMBERS
    ]
    for name in CATEGORIES:
        counts = pd.concat([left[name].value_counts(), right[name].value_counts()], axis=1).fillna(
            0
        )
        results.append(chi2_contingency(counts.T.to_numpy()))
    return len(results)


def evidently(reference: Path, current: Path) -> int:
    """Its drift preset on data frames, without drawing."""
    import pandas as pd
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    definition = DataDefinition(numerical_columns=NUMBERS, categorical_columns=CATEGORIES)
    sides = [
        Dataset.from_pandas(pd.read_parquet(path), data_definition=definition)
        for path in (current, reference)
    ]
    return len(Report([DataDriftPreset()]).run(sides[0], sides[1]).dict()["metrics"])


def seconds(task: Callable[[Path, Path], int], reference: Path, current: Path) -> float:
    """Wall time of one turn."""
    start = time.perf_counter()
    task(reference, current)
    return time.perf_counter() - start


def memory(reference: Path, current: Path) -> None:
    """Print peak memory beyond the imports over the bytes of both tables when loaded (a fresh process)."""
    import scipy.special
    import scipy.stats

    from ml_platform.monitoring.drift.tables import compare_columns

    del compare_columns, scipy
    before = _peak_bytes()
    ours(reference, current)
    peak = _peak_bytes() - before
    tables = [pq.read_table(path, read_dictionary=CATEGORIES) for path in (reference, current)]
    print(peak / sum(table.nbytes for table in tables))


def _peak_bytes() -> int:
    """Largest resident set of this process (Linux; the counter of getrusage survives an exec)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def nannyml(python: Path, reference: Path, current: Path) -> float:
    """Wall time of one turn in another environment."""
    script = Path(__file__).with_name("nannyml_drift.py")
    command = [str(python), str(script), str(reference), str(current)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def measure(
    rows: int, turns: int, with_evidently: bool, nannyml_python: Path | None
) -> dict[str, float]:
    """Medians in seconds, ratios to ours, and memory."""
    tasks = {"ours": ours, "scipy": scipy_one_by_one}
    if with_evidently:
        tasks["evidently"] = evidently
    with tempfile.TemporaryDirectory() as folder:
        reference, current = Path(folder, "reference.parquet"), Path(folder, "current.parquet")
        write(reference, rows, 1)
        write(current, rows, 2)
        times: dict[str, list[float]] = {name: [] for name in tasks}
        for turn in range(turns):
            for name, task in tasks.items():
                if name == "evidently" and turn >= 1 and rows > 200_000:
                    continue
                if turn == 0 and name != "evidently":
                    task(reference, current)
                times[name].append(seconds(task, reference, current))
            if nannyml_python:
                taken = nannyml(nannyml_python, reference, current)
                times.setdefault("nannyml", []).append(taken)
        command = [sys.executable, __file__, "--memory", str(reference), str(current)]
        ratio = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    medians = {name: statistics.median(values) for name, values in times.items()}
    figures = {"rows": float(rows), "peak_over_table": ratio}
    figures |= {f"{name}_seconds": value for name, value in medians.items()}
    figures |= {
        f"{name}_over_ours": medians[name] / medians["ours"] for name in times if name != "ours"
    }
    return figures


def show(figures: dict[str, float]) -> None:
    """One block of text."""
    rows = int(figures["rows"])
    limit = f" (target {TARGETS[rows]:.2f} s)" if rows in TARGETS else ""
    print(f"{rows:,} rows a side, 12 numeric and 8 categorical columns")
    print(f"  ours       {figures['ours_seconds']:8.3f} s{limit}")
    for name in ("scipy", "evidently", "nannyml"):
        if f"{name}_seconds" in figures:
            target = f" (target {EVIDENTLY_TARGET:.0f})" if name == "evidently" else ""
            ratio = figures[f"{name}_over_ours"]
            print(
                f"  {name:10} {figures[f'{name}_seconds']:8.3f} s, {ratio:.1f} times ours{target}"
            )
    print(f"  peak memory {figures['peak_over_table']:.2f} of the tables (target {MEMORY_TARGET})")


def main() -> None:
    """Read the arguments, run, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, action="append", help="default: 100000 and 1000000")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--no-evidently", action="store_true")
    parser.add_argument("--nannyml", type=Path, help="the Python of an environment with nannyml")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--memory", nargs=2, type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.memory:
        memory(*given.memory)
        return
    os.environ.setdefault("DO_NOT_TRACK", "1")
    sizes = given.rows or list(TARGETS)
    results = [measure(rows, given.turns, not given.no_evidently, given.nannyml) for rows in sizes]
    if given.json:
        print(json.dumps({"benchmark": "drift", "results": results}))
    else:
        for figures in results:
            show(figures)


if __name__ == "__main__":
    main()
