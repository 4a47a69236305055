"""Faults planted in the columns of UCI Adult, one at a time: which are named, and what quiet windows are told.

The first half of the people is the baseline, in ten weeks; windows are drawn from the others, each person a
session. A fault counts as named where the report names its column with its kind.

    python benchmarks/column_faults.py --data FOLDER [--windows 20] [--rows 2000]    (about a minute)

FOLDER holds adults.parquet.
"""

import argparse
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from ml_platform.monitoring.baseline import Baseline, measure_reference
from ml_platform.monitoring.examine import Reference, examined
from ml_platform.monitoring.findings import FaultKind
from ml_platform.monitoring.monitor import monitor
from ml_platform.monitoring.report import MonitoringReport, Severity
from ml_platform.spec.feature import Family, FeatureSpec, Kind

WEEKS = 10
END = datetime(2026, 3, 2, tzinfo=UTC)
WEEK = timedelta(days=7)
UNIT = 60.0
"""Hours a week become minutes."""


def gone(rows: pd.DataFrame, column: str) -> None:
    """Every value is missing."""
    rows[column] = None


def half(rows: pd.DataFrame, column: str) -> None:
    """Every second value is missing."""
    rows.loc[rows.index[::2], column] = None


def constant(rows: pd.DataFrame, column: str) -> None:
    """Every row has the value of the first one."""
    rows[column] = rows[column].iloc[0]


def category(rows: pd.DataFrame, column: str) -> None:
    """One row in twenty has a level that never was."""
    rows.loc[rows.index[::20], column] = "something new"


def unit(rows: pd.DataFrame, column: str) -> None:
    """Values are in another unit."""
    rows[column] *= UNIT


FAULTS: dict[FaultKind, tuple[Callable[[pd.DataFrame, str], None], tuple[Kind, ...]]] = {
    FaultKind.GONE: (gone, (Kind.NUMBER, Kind.CATEGORY)),
    FaultKind.MISSING: (half, (Kind.NUMBER, Kind.CATEGORY)),
    FaultKind.CONSTANT: (constant, (Kind.NUMBER, Kind.CATEGORY)),
    FaultKind.NEW_CATEGORIES: (category, (Kind.CATEGORY,)),
    FaultKind.UNIT: (unit, (Kind.NUMBER,)),
}


def people(folder: Path) -> pd.DataFrame:
    """The people in random order, with times, sessions and users."""
    rows = pd.read_parquet(folder / "adults.parquet").sample(frac=1.0, random_state=1)
    rows = rows.reset_index(drop=True).rename(columns=lambda name: name.replace("-", "_"))
    numbers = rows.select_dtypes("number").columns
    texts = [name for name in rows.columns if name not in numbers]
    rows = rows.astype(dict.fromkeys(numbers, np.float64) | dict.fromkeys(texts, object))
    ids = [f"p{number}" for number in range(len(rows))]
    return rows.assign(user_id=ids, cluster_id=ids)


def specs(rows: pd.DataFrame) -> list[FeatureSpec]:
    """A feature a column; the label is left out."""
    keys = {"user_id", "cluster_id", "occurred_at", "class", "income", "target"}
    return [
        FeatureSpec(
            name=name,
            family=Family.RAW,
            kind=Kind.NUMBER if pd.api.types.is_numeric_dtype(rows[name]) else Kind.CATEGORY,
            low=None,
            high=None,
            window="the row",
            missing="unknown",
            reason="census",
        )
        for name in rows.columns
        if name not in keys
    ]


def report(baseline: Baseline, reference: pd.DataFrame, window: pd.DataFrame) -> MonitoringReport:
    """The report on a window, with what shows beside single features."""
    predictions = window.assign(predicted="no", confidence=1.0, outcome=None, known_at=pd.NaT)
    predictions["known_at"] = pd.to_datetime(predictions["known_at"], utc=True)
    seen = monitor(
        baseline,
        window,
        predictions,
        model="adult",
        version="1",
        source="UCI Adult",
        simulated=False,
        window_start=END,
        window_end=END + WEEK,
    )
    return examined(seen, baseline, window, predictions, Reference(reference))


def main() -> None:
    """Read the arguments, plant the faults, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--windows", type=int, default=20)
    parser.add_argument("--rows", type=int, default=2_000)
    given = parser.parse_args()
    rows = people(given.data)
    draw = np.random.default_rng(7)
    half_way = len(rows) // 2
    reference = rows.iloc[:half_way].copy()
    reference["occurred_at"] = END - WEEKS * WEEK * pd.Series(draw.random(half_way))
    features = specs(rows)
    baseline = measure_reference(reference, features, model="adult", end=END).baseline(
        version="1", source="UCI Adult", simulated=False
    )
    named: dict[FaultKind, list[bool]] = {kind: [] for kind in FAULTS}
    quiet = {"drift": 0, "faults": 0, "joint": 0}
    for _ in range(given.windows):
        places = draw.choice(np.arange(half_way, len(rows)), given.rows, replace=False)
        window = rows.iloc[places].reset_index(drop=True)
        window["occurred_at"] = END + WEEK * pd.Series(draw.random(given.rows))
        seen = report(baseline, reference, window)
        quiet["drift"] += seen.drift in (Severity.MODERATE, Severity.SIGNIFICANT)
        quiet["faults"] += bool(seen.value_faults)
        quiet["joint"] += seen.joint_shift is not None and seen.joint_shift.reported
        for kind, (plant, kinds) in FAULTS.items():
            choices = [f.name for f in features if f.kind in kinds]
            if kind is FaultKind.UNIT:
                choices = ["age", "hours_per_week"]
            column = str(draw.choice([name for name in choices if name in rows.columns]))
            spoilt = window.copy()
            plant(spoilt, column)
            faults = report(baseline, reference, spoilt).value_faults
            named[kind].append(any((f.feature, f.kind) == (column, kind) for f in faults))
    few = report(baseline, reference, window.head(99))
    print(f"UCI Adult, {given.windows} windows of {given.rows:,} rows, {len(features)} columns")
    for kind, found in named.items():
        print(f"  {kind.value:15} named in {sum(found)} of {len(found)}")
    print("  quiet windows with " + ", ".join(f"{name} {count}" for name, count in quiet.items()))
    print(f"  99 rows: {few.drift.value.upper()}, faults named: {len(few.value_faults)}")


if __name__ == "__main__":
    main()
