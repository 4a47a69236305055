"""Predictions count by whole cohorts, and only once their labels are mature."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from ml_platform.evaluation.report_parts import Estimate
from ml_platform.evaluation.tasks.classification import came_true
from ml_platform.monitoring.performance.maturity import horizon, label_maturity, of_window
from ml_platform.monitoring.performance.parts import LabelMaturity, MaturityBasis
from ml_platform.monitoring.performance.realised import realised_performance
from ml_platform.monitoring.report import Performance, PerformanceCheck
from ml_platform.spec.monitoring_policy import POLICY

END = datetime(2026, 3, 31, 12, tzinfo=UTC)
BEFORE = Estimate(0.9, 0.895, 0.905)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def predictions(days: int, a_day: int, delay_hours: np.ndarray, right: np.ndarray) -> pd.DataFrame:
    """``a_day`` predictions on each of the last ``days`` days; a label that is due after the end is not known."""
    count = days * a_day
    occurred = pd.Timestamp(END) - pd.to_timedelta((np.arange(count) + 0.5) * 24 / a_day, unit="h")
    known_at = occurred + pd.to_timedelta(delay_hours, unit="h")
    come = known_at <= END
    outcome = pd.Series(np.where(right, "a", "b"), dtype=object)
    return pd.DataFrame(
        {
            "occurred_at": occurred,
            "known_at": pd.Series(known_at).where(come),
            "cluster_id": [f"s{row // 4}" for row in range(count)],
            "predicted": "a",
            "confidence": 0.5,
            "outcome": outcome.where(come, None),
        }
    )


def fixed(days: int, a_day: int, hours: float, share_right: float = 0.9) -> pd.DataFrame:
    count = days * a_day
    right = np.random.default_rng(1).random(count) < share_right
    return predictions(days, a_day, np.full(count, hours), right)


def looked_at(
    frame: pd.DataFrame, declared: timedelta | None
) -> tuple[LabelMaturity, PerformanceCheck]:
    maturity = label_maturity(frame, END, declared, POLICY)
    return maturity, realised_performance(BEFORE, frame, maturity, POLICY, came_true)


def test_the_window_is_the_latest_week_whose_labels_are_mature() -> None:
    maturity, check = looked_at(fixed(29, 100, 15 * 24), 15 * DAY)
    assert (maturity.basis, maturity.age_hours) == (MaturityBasis.DECLARED, 360.0)
    assert (maturity.window_start, maturity.window_end) == (END - 22 * DAY, END - 15 * DAY)
    assert (maturity.predictions, maturity.labelled, maturity.silent) == (700, 700, 0)
    assert (maturity.delay_p50_hours, maturity.delay_p90_hours) == (360.0, 360.0)
    assert [each.mature for each in maturity.cohorts] == [True] * 14 + [False] * 15
    assert (check.window_start, check.window_end) == (END - 22 * DAY, END - 15 * DAY)
    assert check.level is Performance.OK
    assert (check.rows, check.matured) == (700, 1.0)
    assert check.reason == ""


def test_labels_that_come_at_once_are_those_of_the_reports_own_window() -> None:
    for declared in (None, timedelta(0)):
        maturity, check = looked_at(fixed(14, 100, 0), declared)
        assert (maturity.window_start, maturity.window_end) == (END - 7 * DAY, END)
        assert maturity.cohort_hours == 6.0
        assert check.rows == 700


def test_a_delay_of_hours_leaves_out_a_cohort_of_six_hours() -> None:
    maturity, _ = looked_at(fixed(14, 100, 2), 2 * HOUR)
    assert (maturity.window_start, maturity.window_end) == (
        END - 7 * DAY - 6 * HOUR,
        END - 6 * HOUR,
    )


def test_early_labels_do_not_count_before_their_cohort_is_mature() -> None:
    """Right predictions are known after an hour, wrong ones after ten days: the true accuracy is .7."""
    count = 24 * 200
    right = np.random.default_rng(2).random(count) < 0.7
    frame = predictions(24, 200, np.where(right, 1.0, 240.0), right)
    early = frame[frame["outcome"].notna() & (frame["occurred_at"] >= END - 7 * DAY)]
    assert (early["outcome"] == "a").all()
    maturity, check = looked_at(frame, 10 * DAY)
    assert check.current == pytest.approx(0.7, abs=0.03)
    assert check.level is Performance.ALERT
    assert maturity.window_end == END - 10 * DAY


def test_labels_that_are_seen_to_come_later_than_declared_make_cohorts_mature_later() -> None:
    delays = np.where(np.arange(21 * 200) % 5 == 0, 96.0, 10.0)
    frame = predictions(21, 200, delays, np.ones(21 * 200, dtype=bool))
    for declared in (timedelta(hours=12), None):
        maturity, check = looked_at(frame, declared)
        assert maturity.basis is MaturityBasis.OBSERVED
        assert maturity.age_hours == pytest.approx(96.0, abs=1.0)
        assert maturity.share == 1.0
        assert check.level is Performance.OK
    assert label_maturity(frame, END, 5 * DAY, POLICY).basis is MaturityBasis.DECLARED


def test_labels_that_never_come_leave_performance_unknown() -> None:
    """Fault 27: no label at all, whatever is declared; it is never OK."""
    never = fixed(29, 100, 1e6)
    maturity, check = looked_at(never, None)
    assert (maturity.basis, maturity.window_end) == (MaturityBasis.UNKNOWN, None)
    assert check.level is Performance.UNKNOWN
    assert check.reason == "no label has come, so nobody knows how long labels take"
    maturity, check = looked_at(never, 5 * DAY)
    assert check.level is Performance.UNKNOWN
    assert check.reason.startswith("0 of 700 mature predictions have a label")


def test_labels_that_stop_coming_make_performance_unknown_before_the_old_ones_are_gone() -> None:
    frame = fixed(19, 400, 5 * 24)
    for silent_days, level in ((3, Performance.OK), (4, Performance.UNKNOWN)):
        stopped = frame.copy()
        since = END - 5 * DAY - silent_days * DAY
        stopped.loc[stopped["occurred_at"] >= since, ["outcome", "known_at"]] = None
        maturity, check = looked_at(stopped, 5 * DAY)
        assert maturity.silent == silent_days * 400
        assert check.level is level
    assert check.reason == "the labels of 1,600 of 2,800 mature predictions have stayed away"


def test_a_version_that_is_younger_than_its_labels_says_so() -> None:
    maturity, check = looked_at(fixed(3, 300, 15 * 24), 15 * DAY)
    assert maturity.window_end is None
    assert check.level is Performance.UNKNOWN
    assert "no prediction of this version is that old" in check.reason
    maturity, check = looked_at(fixed(18, 300, 15 * 24), 15 * DAY)
    assert (maturity.window_start, maturity.window_end) == (END - 18 * DAY, END - 15 * DAY)
    assert check.rows == 900


def test_without_predictions_nothing_is_known() -> None:
    maturity, check = looked_at(fixed(1, 1, 0).iloc[:0], 2 * DAY)
    assert maturity.cohorts == ()
    assert maturity.share == 0.0
    assert check.level is Performance.UNKNOWN
    assert of_window(fixed(1, 1, 0).iloc[:0], maturity).empty


def test_the_horizon_holds_two_windows_of_mature_cohorts() -> None:
    assert horizon(15 * DAY, POLICY) == 29 * DAY
    assert horizon(None, POLICY) == 14 * DAY
