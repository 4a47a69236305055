"""Whole reports over quiet weeks stay quiet, and planted shifts are found; benchmarks/ does it at length."""

from datetime import timedelta

import numpy as np
import pandas as pd
from scipy.stats import beta

from ml_platform.monitoring.baseline import Baseline
from ml_platform.monitoring.monitor import monitor
from ml_platform.monitoring.report import MonitoringReport, Severity
from ml_platform_tests.monitoring.conftest import build_baseline
from ml_platform_tests.monitoring.telemetry import CATEGORIES, NUMBERS, START, telemetry

WEEK = timedelta(days=7)
WEEKS = 10
MOVED = (Severity.MODERATE, Severity.SIGNIFICANT)


def look(baseline: Baseline, frame: pd.DataFrame, week: int) -> MonitoringReport:
    start = START + week * WEEK
    return monitor(
        baseline,
        frame,
        frame,
        model="model",
        version="1",
        source="test",
        simulated=True,
        window_start=start,
        window_end=start + WEEK,
    )


def planted(frame: pd.DataFrame, name: str, draw: np.random.Generator) -> pd.DataFrame:
    """Half a standard deviation, or 15 % of the mass to the rarest level."""
    if name in NUMBERS:
        return frame.assign(**{name: frame[name] + 0.5 * frame[name].std()})
    rarest = frame[name].value_counts().index[-1]
    moved = draw.random(len(frame)) < 0.15
    return frame.assign(**{name: np.where(moved, rarest, frame[name])})


def test_240_quiet_windows_and_60_planted_shifts() -> None:
    draw = np.random.default_rng(1)
    windows = flagged = plants = caught = 0
    for seed in range(12):
        users, rows = ((30, 1_200), (50, 2_000), (100, 4_000))[seed % 3]
        frame = telemetry(seed=seed, weeks=WEEKS + 20, users=users, rows_a_week=rows)
        baseline = build_baseline(frame, START + WEEKS * WEEK)
        for week in range(WEEKS, WEEKS + 20):
            windows += 1
            flagged += look(baseline, frame, week).drift in MOVED
        for place in range(5):
            name = (*NUMBERS, *CATEGORIES)[(5 * seed + place) % 12]
            report = look(baseline, planted(frame, name, draw), WEEKS + place)
            plants += 1
            caught += next(e for e in report.features if e.name == name).severity in MOVED
    assert (windows, plants) == (240, 60)
    assert beta.ppf(0.95, flagged + 1, windows - flagged) <= 0.05, f"{flagged} of {windows}"
    assert caught / plants >= 0.95, f"{caught} of {plants}"
