"""Estimates that were kept are held against the labels that came later."""

from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from ml_platform.evaluation.tasks.classification import came_true
from ml_platform.monitoring.performance.estimator import PerformanceEstimator
from ml_platform.monitoring.performance.maturity import label_maturity
from ml_platform.monitoring.performance.parts import EstimatedPerformance, Reconciliation, Trust
from ml_platform.monitoring.performance.reconciliation import reconcile
from ml_platform.spec.monitoring_policy import POLICY
from ml_platform_tests.monitoring.performance.generated import DAY, START, predictions
from ml_platform_tests.monitoring.performance.test_estimate import WEEK_END, estimated, learned

ESTIMATOR = learned(predictions(1, 20_000, 7))
DELAY = 5 * DAY
END = WEEK_END + DELAY


def labelled(week: pd.DataFrame) -> pd.DataFrame:
    """The week five days later, when all of its labels have come."""
    return week.assign(known_at=week["occurred_at"] + DELAY)


def reconciled(
    week: pd.DataFrame,
    kept: list[EstimatedPerformance] | None = None,
    estimator: PerformanceEstimator = ESTIMATOR,
    end: datetime = END,
) -> Reconciliation:
    rows = labelled(week)
    rows = rows[rows["occurred_at"] < end]
    rows = rows.assign(outcome=rows["outcome"].where(rows["known_at"] <= end, None))
    maturity = label_maturity(rows, end, DELAY, POLICY)
    estimates = [estimated(estimator, week)] if kept is None else kept
    return reconcile(estimates, rows, maturity, end, came_true)


def test_estimates_that_came_true_are_trusted() -> None:
    found = reconciled(predictions(2, 7_000, 7, shift=0.15))
    assert (found.trust, found.reason) == (Trust.TRUSTED, "")
    assert [each.rows for each in found.cohorts] == [1_000] * 7
    assert found.covered >= 6
    assert found.error is not None
    assert found.allowed is not None
    assert abs(found.error) < found.allowed


def test_a_change_of_concept_is_not_covered_and_told_when_labels_arrive() -> None:
    """Scores stay as they are and come true more rarely: the estimate cannot see it, the labels do."""
    changed = predictions(3, 7_000, 7, changed=0.12)
    estimate = estimated(ESTIMATOR, changed)
    assert estimate.low is not None
    assert estimate.low > (changed["outcome"] == "a").mean()
    found = reconciled(changed)
    assert found.trust is Trust.UNTRUSTED
    assert found.covered == 0
    assert found.error == pytest.approx(-0.12, abs=0.02)
    assert "below what was estimated" in found.reason
    assert found.reason.endswith("0 of 7 cohorts lie in their interval")


def test_estimates_that_are_off_in_turns_are_not_trusted_either() -> None:
    week = predictions(4, 14_000, 7)
    day = ((week["occurred_at"] - START) // DAY).to_numpy()
    flipped = (np.random.default_rng(1).random(len(week)) < 0.15) & (
        week["outcome"] == np.where(day % 2, "a", "b")
    )
    other = np.where(week["outcome"] == "a", "b", "a")
    found = reconciled(week.assign(outcome=np.where(flipped, other, week["outcome"])))
    assert found.error is not None
    assert found.allowed is not None
    assert abs(found.error) < 0.05
    assert found.trust is Trust.UNTRUSTED


def test_quiet_estimates_are_rarely_mistrusted() -> None:
    """Two tests at 1 % each: at most a few in a hundred."""
    mistrusted = sum(
        reconciled(predictions(100 + seed, 3_500, 7, shift=0.1)).trust is Trust.UNTRUSTED
        for seed in range(60)
    )
    assert mistrusted <= 4


def test_nothing_is_proven_before_labels_mature() -> None:
    week = predictions(5, 7_000, 7)
    early = reconciled(week, end=WEEK_END)
    assert [each.start for each in early.cohorts] == [START, START + DAY]
    assert reconciled(week, kept=[]).trust is Trust.UNPROVEN
    assert reconciled(week, kept=[EstimatedPerformance("accuracy", reason="x")]) == Reconciliation(
        Trust.UNPROVEN, (), None, None, ""
    )
    never = week.assign(outcome=None)
    assert reconciled(never, kept=[estimated(ESTIMATOR, week)]).trust is Trust.UNPROVEN


def test_the_first_estimate_of_a_cohort_counts() -> None:
    week = predictions(6, 7_000, 7)
    first = estimated(ESTIMATOR, week)
    second = replace(
        first, cohorts=tuple(replace(each, value=each.value - 0.3) for each in first.cohorts)
    )
    assert reconciled(week, [first, second]) == reconciled(week, [first])
    assert reconciled(week, [second, first]).trust is Trust.UNTRUSTED


def test_fewer_labels_than_predictions_widen_the_interval() -> None:
    week = predictions(7, 7_000, 7)
    kept = [estimated(ESTIMATOR, week)]
    whole = reconciled(week, kept)
    tenth = reconciled(week.assign(outcome=week["outcome"].where(np.arange(7_000) % 10 == 0)), kept)
    assert [each.rows for each in tenth.cohorts] == [100] * 7
    widths = [(each.high - each.low) for each in (*whole.cohorts[:1], *tenth.cohorts[:1])]
    assert widths[1] == pytest.approx(widths[0] * np.sqrt(10), rel=0.1)


def test_early_labels_of_a_cohort_that_is_not_mature_are_not_held_against_its_estimate() -> None:
    """On the evening of the week the labels of the right predictions are known, and no others."""
    week = predictions(8, 7_000, 7)
    right = week["outcome"] == "a"
    early = week.assign(
        known_at=week["occurred_at"].where(right), outcome=week["outcome"].where(right, None)
    )
    maturity = label_maturity(early, WEEK_END, DELAY, POLICY)
    found = reconcile([estimated(ESTIMATOR, week)], early, maturity, WEEK_END, came_true)
    assert [each.start for each in found.cohorts] == [START, START + DAY]
