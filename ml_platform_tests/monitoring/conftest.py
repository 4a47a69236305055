from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from ml_platform.evaluation.report_parts import Estimate
from ml_platform.monitoring.baseline import Baseline, measure_reference
from ml_platform.monitoring.monitor import monitor
from ml_platform.monitoring.report import MonitoringReport
from ml_platform_tests.monitoring.telemetry import SPECS, START, telemetry

WEEK = timedelta(days=7)
END = START + 8 * WEEK
Watch = Callable[..., MonitoringReport]


def build_baseline(rows: pd.DataFrame, end: datetime, **known: Any) -> Baseline:
    """The baseline of version 1 from the rows before ``end``, with what is ``known`` of its predictions."""
    reference = measure_reference(rows, SPECS, model="model", end=end)
    return reference.baseline(version="1", source="test", simulated=True, **known)


@pytest.fixture(scope="session")
def quiet() -> pd.DataFrame:
    """Ten weeks of 60 users, about 3,000 rows a week; the first eight are the training period."""
    return telemetry(seed=1, weeks=10, users=60, rows_a_week=3_000)


@pytest.fixture(scope="session")
def baseline(quiet: pd.DataFrame) -> Baseline:
    held_out = quiet["occurred_at"].between(END - 2 * WEEK, END, inclusive="left")
    return build_baseline(
        quiet, END, predictions=quiet[held_out], performance={"accuracy": Estimate(0.9, 0.89, 0.91)}
    )


@pytest.fixture
def window(quiet: pd.DataFrame) -> pd.DataFrame:
    """The week after the training period."""
    times = quiet["occurred_at"]
    return quiet[(times >= END) & (times < END + WEEK)].copy()


@pytest.fixture
def watch(baseline: Baseline) -> Watch:
    """``watch(rows, predictions=rows, start=..., end=...)``: the report."""

    def report(
        rows: pd.DataFrame, predictions: pd.DataFrame | None = None, days: float = 7.0
    ) -> MonitoringReport:
        return monitor(
            baseline,
            rows,
            rows if predictions is None else predictions,
            model="model",
            version="1",
            source="test",
            simulated=True,
            window_start=END,
            window_end=END + timedelta(days=days),
        )

    return report
