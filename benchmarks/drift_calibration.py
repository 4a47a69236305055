"""False alarms of whole monitoring reports over simulated windows without drift, and detected planted shifts.

Simulated telemetry (sessions, users with habits, a daily and a weekly cycle, nothing planted) goes
through ingestion and dbt into features; each simulation of 40 weeks gives up to 30 windows of seven days
that do not overlap, every four of them held against a baseline of the nine weeks before. In one window of every
four each feature in its turn is shifted: numbers by half a standard deviation, categories by 15 %
of their mass moved to the rarest level.

    python benchmarks/drift_calibration.py [--windows 1000] [--features DIR] [--json]

``--features`` keeps the features of each simulation, and takes those that are there already.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import beta

from ml_platform.features.pattern_features import PATTERN_FEATURES
from ml_platform.monitoring.baseline import Baseline, measure_reference
from ml_platform.monitoring.monitor import monitor
from ml_platform.monitoring.report import MonitoringReport, Severity
from ml_platform.settings import disable_telemetry

WEEK = timedelta(days=7)
AS_OF = datetime(2026, 1, 5, tzinfo=UTC)
WEEKS, BASELINE_WEEKS, USED_FOR = 40, 10, 4
FIRST_SEED = 1_000
USERS = (12, 40, 20, 100, 15, 60, 30, 12, 40, 150)
"""Users of the simulations in turn: about 100 rows per user and week, so 1,000 to 16,000 per window."""
LEAST_ROWS = 1_000
PLANTS = 5
MOVED = (Severity.MODERATE, Severity.SIGNIFICANT)


@dataclass
class Tally:
    """What was counted."""

    windows: int = 0
    flagged: int = 0
    insufficient: int = 0
    turn: int = 0
    rows: list[int] = field(default_factory=list)
    flags: Counter[str] = field(default_factory=Counter)
    planted: Counter[str] = field(default_factory=Counter)
    detected: Counter[str] = field(default_factory=Counter)


def features(seed: int, users: int, folder: Path) -> pd.DataFrame:
    """Feature rows of one simulation, by ingestion and dbt."""
    from ml_platform.adapters.feature_parts import parquet_files
    from ml_platform.adapters.lake import ParquetLake
    from ml_platform.adapters.warehouse import build_features
    from ml_platform.events.ingest import ingest
    from ml_platform.events.sources.simulate import SimulateSource

    kept = folder / f"features_{seed}_{users}.parquet"
    if not kept.exists():
        with tempfile.TemporaryDirectory() as place:
            home = Path(place)
            source = SimulateSource(as_of=AS_OF, days=WEEKS * 7, users=users, seed=seed)
            lake = ParquetLake(home / "lake", home / "quarantine")
            ingest(source, lake, now=AS_OF, progress=_silent)
            built = build_features(
                home / "lake", home / "features", home / "warehouse.duckdb", AS_OF, _silent
            )
            kept.parent.mkdir(parents=True, exist_ok=True)
            parts = parquet_files(built.path("pattern_features"))
            pd.concat(map(pd.read_parquet, parts)).to_parquet(kept)
    frame = pd.read_parquet(kept)
    times = pd.to_datetime(frame["occurred_at"], utc=True)
    return frame.assign(
        occurred_at=times, predicted="none", confidence=1.0, outcome=None, known_at=pd.NaT
    )


def _silent(_: str) -> None:
    """Progress of ingestion and dbt is not shown."""


def look(baseline: Baseline, rows: pd.DataFrame, start: datetime) -> MonitoringReport:
    """The report of one week."""
    return monitor(
        baseline,
        rows,
        rows,
        model="calibration",
        version="1",
        source="simulate",
        simulated=True,
        window_start=start,
        window_end=start + WEEK,
    )


def shifted(rows: pd.DataFrame, past: pd.DataFrame, name: str, seed: int) -> pd.DataFrame | None:
    """The rows with one feature shifted; ``None`` where it does not vary."""
    if pd.api.types.is_numeric_dtype(rows[name]) or pd.api.types.is_bool_dtype(rows[name]):
        spread = float(past[name].astype(float).std())
        return (
            rows.assign(**{name: rows[name].astype(float) + 0.5 * spread}) if spread > 0 else None
        )
    counts = past[name].value_counts()
    if len(counts) < 2:
        return None
    moved = (np.random.default_rng(seed).random(len(rows)) < 0.15) & rows[name].notna().to_numpy()
    return rows.assign(**{name: rows[name].mask(moved, counts.index[-1])})


def run(seed: int, users: int, folder: Path, tally: Tally, windows: int) -> None:
    """Add the windows of one simulation, up to ``windows`` in all."""
    frame = features(seed, users, folder)
    for first in range(BASELINE_WEEKS, WEEKS, USED_FOR):
        end = AS_OF - (WEEKS - first) * WEEK
        past = frame[frame["occurred_at"] < end]
        past = past[past["occurred_at"] >= end - BASELINE_WEEKS * WEEK]
        reference = measure_reference(past, PATTERN_FEATURES, model="calibration", end=end)
        baseline = reference.baseline(version="1", source="simulate", simulated=True)
        for week in range(first, min(first + USED_FOR, WEEKS)):
            start = AS_OF - (WEEKS - week) * WEEK
            rows = frame[(frame["occurred_at"] >= start) & (frame["occurred_at"] < start + WEEK)]
            if len(rows) < LEAST_ROWS or tally.windows == windows:
                continue
            _count(look(baseline, rows, start), tally)
            if week == first:
                _plant(baseline, rows, past, start, tally)


def _count(report: MonitoringReport, tally: Tally) -> None:
    tally.windows += 1
    tally.rows.append(report.rows)
    tally.flagged += report.drift in MOVED
    tally.insufficient += report.drift is Severity.INSUFFICIENT
    tally.flags.update(entry.name for entry in report.features if entry.severity in MOVED)


def _plant(
    baseline: Baseline, rows: pd.DataFrame, past: pd.DataFrame, start: datetime, tally: Tally
) -> None:
    """Shift a few of the features, each alone; over the trials all have their turn."""
    for _ in range(PLANTS):
        name = baseline.features[tally.turn % len(baseline.features)].name
        tally.turn += 1
        rows_shifted = shifted(rows, past, name, seed=tally.turn)
        if rows_shifted is None:
            continue
        report = look(baseline, rows_shifted, start)
        tally.planted[name] += 1
        tally.detected[name] += any(e.name == name and e.severity in MOVED for e in report.features)


def summary(tally: Tally) -> dict[str, object]:
    """The figures, with Clopper-Pearson's upper 95 % bound of the false alarms."""
    planted, detected = sum(tally.planted.values()), sum(tally.detected.values())
    upper = beta.ppf(0.95, tally.flagged + 1, tally.windows - tally.flagged)
    missed = {name: [tally.detected[name], count] for name, count in tally.planted.items()}
    return {
        "benchmark": "drift_calibration",
        "windows": tally.windows,
        "rows_least": min(tally.rows),
        "rows_most": max(tally.rows),
        "flagged": tally.flagged,
        "false_alarm_upper_95": float(upper),
        "insufficient": tally.insufficient,
        "flagged_features": dict(tally.flags),
        "planted": planted,
        "found": detected,
        "found_share": detected / planted if planted else None,
        "missed": {name: counts for name, counts in missed.items() if counts[0] < counts[1]},
    }


def main() -> None:
    """Read the arguments, run, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--windows", type=int, default=1_000)
    parser.add_argument("--features", type=Path)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    disable_telemetry()
    tally, simulation = Tally(), 0
    with tempfile.TemporaryDirectory() as place:
        while tally.windows < given.windows:
            users = USERS[simulation % len(USERS)]
            folder = given.features or Path(place)
            run(FIRST_SEED + simulation, users, folder, tally, given.windows)
            simulation += 1
            print(f"{tally.windows} windows, {tally.flagged} flagged", file=sys.stderr, flush=True)
    figures = summary(tally)
    if given.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:22} {value}")
    print("targets                upper bound <= 0.05, found_share >= 0.95")


if __name__ == "__main__":
    main()
