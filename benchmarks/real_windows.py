"""Quiet windows of real people: how often drift is told where there is none, and what is found of planted shifts.

UCI Adult (14 columns) and the Massachusetts census of 2015 that NannyML publishes (16 columns): a random half of
the people is the baseline, in ten weeks; windows are drawn from the other half with replacement, each person a
session, so that nothing has moved but what chance moves. With 50 features a row has the columns of several people
side by side; with five it has the first five. In windows of 1,000 rows or more each feature in turn is shifted as
in `false_alarms.py`: half a standard deviation, or 15 % of the mass moved to the rarest level (of a level that half
of the people have that is a total variation of .08, below the limit of .10: such shifts are not found).

    OMP_NUM_THREADS=1 python -m benchmarks.real_windows --data FOLDER [--quick]

FOLDER holds adult/adults.parquet and nannyml-employment/employment_MA_reference.pq.
"""

import argparse
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import beta

from benchmarks.column_faults import END, WEEK, WEEKS, people, specs
from ml_platform.monitoring.baseline import measure_reference
from ml_platform.monitoring.compare import assign_severities, overall
from ml_platform.monitoring.report import Severity
from ml_platform.monitoring.self_test.history import WatchedTable
from ml_platform.monitoring.self_test.planted import FOUND, plant
from ml_platform.spec.monitoring_policy import POLICY
from ml_platform.spec.training_set import CLUSTER, TIME

WINDOWS = {
    99: 100,
    200: 400,
    1_000: 400,
    10_000: 100,
    100_000: 10,
    1_000_000: 2,
}
"""The windows that are drawn by the rows of each."""
PLANTED_IN = 5
"""In so many windows of a size each feature is shifted in turn."""
FEATURES = (5, 0, 50)
"""The features of a row; 0 for those of one person."""
NOT_FEATURES = ("id", "employed", "year", "prediction", "predicted_probability")


@dataclass
class Tally:
    """What the windows of one size came to."""

    windows: int = 0
    flagged: int = 0
    red: int = 0
    insufficient: int = 0
    planted: int = 0
    found: int = 0


def census(folder: Path) -> pd.DataFrame:
    """The people of 2015 in random order, every column but the age a category."""
    rows = pd.read_parquet(folder / "employment_MA_reference.pq").sample(frac=1.0, random_state=1)
    rows = rows.drop(columns=list(NOT_FEATURES)).reset_index(drop=True)
    return rows.astype({name: object for name in rows.columns if name != "AGEP"})


def wide(rows: pd.DataFrame, count: int, draw: np.random.Generator) -> pd.DataFrame:
    """``count`` columns: the first ones of each row, and beyond those of one person of others drawn at random."""
    parts, width = [rows], len(rows.columns)
    while width < count:
        other = rows.iloc[draw.integers(len(rows), size=len(rows))].reset_index(drop=True)
        parts.append(other.add_suffix(f"_{len(parts)}"))
        width += len(rows.columns)
    return pd.concat([part.reset_index(drop=True) for part in parts], axis=1).iloc[:, :count]


def watched(rows: pd.DataFrame, draw: np.random.Generator) -> WatchedTable:
    """The baseline of ``rows``, in ten weeks; windows are put in by `look`."""
    times = END - WEEKS * WEEK * pd.Series(draw.random(len(rows)))
    past = rows.assign(**{TIME: times, CLUSTER: np.arange(len(rows))})
    reference = measure_reference(past, specs(rows), model="people", end=END)
    by_name = {spec.name: spec for spec in specs(rows)}
    return WatchedTable(
        rows=past,
        past=past,
        baseline_end=END,
        clusters={},
        specs=tuple(by_name[entry.name] for entry in reference.features),
        baselines=reference.features,
        complete_after=timedelta(0),
    )


def look(table: WatchedTable, window: pd.DataFrame, tally: Tally) -> None:
    """Count what a report says of ``window``, and of shifts planted in the first windows of its size."""
    place = slice(0, len(window))
    now = replace(table, rows=window, clusters={CLUSTER: np.arange(len(window))})
    report = now.compared(place)
    verdict = overall(assign_severities(report, POLICY), POLICY)
    tally.windows += 1
    tally.flagged += verdict in FOUND
    tally.red += verdict is Severity.SIGNIFICANT
    tally.insufficient += verdict is Severity.INSUFFICIENT
    if tally.windows <= PLANTED_IN:
        shifts = plant(now, place, report, [spec.name for spec in table.specs])
        tally.planted += len(shifts)
        tally.found += sum(shift.found for shift in shifts)


def main() -> None:
    """Read the arguments, draw the windows, print a line a size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument(
        "--quick", action="store_true", help="a tenth of the windows, 10,000 rows at most"
    )
    given = parser.parse_args()
    adult = people(given.data / "adult")
    adult = adult[[spec.name for spec in specs(adult)]]
    tables = {"UCI Adult": adult, "census 2015": census(given.data / "nannyml-employment")}
    whole = Tally()
    print("people        features       rows  windows  flagged  RED  INSUFFICIENT  planted found")
    for name, rows in tables.items():
        for count in FEATURES:
            draw = np.random.default_rng(11)
            half = len(rows) // 2
            sides = (rows.iloc[:half], rows.iloc[half:])
            before, after = (wide(side, count or len(rows.columns), draw) for side in sides)
            table = watched(before, draw)
            for size, windows in WINDOWS.items():
                if given.quick and size > 10_000:
                    continue
                tally = Tally()
                for _ in range(windows // 10 if given.quick else windows):
                    places = draw.integers(len(after), size=size)
                    look(table, after.iloc[places].reset_index(drop=True), tally)
                shares = f"{tally.found}/{tally.planted}" if tally.planted else "-"
                print(
                    f"{name:12} {len(table.specs):9} {size:10,} {tally.windows:8} {tally.flagged:8} "
                    f"{tally.red:4} {tally.insufficient:13}  {shares:>13}",
                    flush=True,
                )
                whole = Tally(
                    *(
                        a + b
                        for a, b in zip(vars(whole).values(), vars(tally).values(), strict=True)
                    )
                )
    told = whole.windows - whole.insufficient
    upper = float(beta.ppf(0.95, whole.flagged + 1, told - whole.flagged))
    print(
        f"all: {whole.flagged} of {told} windows that could tell are flagged, at most {upper:.2%} (95 %), "
        f"{whole.red} RED; {whole.found} of {whole.planted} planted shifts found"
    )


if __name__ == "__main__":
    main()
