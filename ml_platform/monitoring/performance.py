"""Comparison of current performance with the evaluation report, on predictions whose outcome is known."""

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.evaluation.report_parts import Estimate
from ml_platform.evaluation.tasks.adapter import Gain, MaturedPredictions
from ml_platform.monitoring.baseline import CONFIDENCE, PREDICTED, cluster_codes
from ml_platform.monitoring.distribution import clustered_mean
from ml_platform.monitoring.report import Performance, PerformanceCheck
from ml_platform.spec.monitoring_policy import MonitoringPolicy

if TYPE_CHECKING:
    import pandas as pd

OUTCOME = "outcome"
_Z = 1.959964
"""The normal quantile of a 95 % interval."""


def check_performance(
    baseline: Estimate | None,
    predictions: "pd.DataFrame",
    policy: MonitoringPolicy,
    gain: Gain,
) -> PerformanceCheck:
    """The policy's metric of the matured predictions, its clustered 95 % interval, and the level.

    ``gain`` is what each matured prediction adds to the mean of the policy's metric
    (`ml_platform.evaluation.tasks.adapter.TaskAdapter.gains`).
    ``outcome`` is missing where it is not known yet. Losses are relative to the baseline. A level
    needs its limit to be passed and the next lower level to be excluded by the interval of the loss
    (both figures' errors in it): WARN is a loss above 5 % whose interval lies above 0, ALERT one above
    10 % whose interval lies above 5 %. Without a baseline, or with fewer labelled rows or clusters than
    the policy's minimum, the level is UNKNOWN, never OK.
    """
    from scipy.special import stdtrit

    total = len(predictions)
    labelled = predictions[predictions[OUTCOME].notna()] if total else predictions
    rows = len(labelled)
    current = low = high = loss = None
    level, clusters, error = Performance.UNKNOWN, 0, 0.0
    if rows:
        current, variance, clusters = clustered_mean(
            gain(_matured(labelled)), cluster_codes(labelled)
        )
        error = float(np.sqrt(variance))
        reach = float(stdtrit(max(clusters - 1, 1), 0.975)) * error
        low, high = max(0.0, current - reach), min(1.0, current + reach)
    if current is not None and baseline is not None and baseline.value > 0:
        loss = (baseline.value - current) / baseline.value
        if rows >= policy.minimum_labelled_rows and clusters >= policy.minimum_clusters:
            level = _level(loss, _loss_error(baseline, current, error), policy)
    return PerformanceCheck(
        level=level,
        metric=policy.metric,
        baseline=baseline.value if baseline else 0.0,
        current=current,
        low=low,
        high=high,
        relative_loss=loss,
        rows=rows,
        matured=rows / total if total else 0.0,
    )


def _matured(labelled: "pd.DataFrame") -> MaturedPredictions:
    return MaturedPredictions(
        predicted=labelled[PREDICTED].to_numpy(dtype=object),
        confidence=labelled[CONFIDENCE].to_numpy(dtype=np.float64),
        outcome=labelled[OUTCOME].to_numpy(dtype=object),
    )


def _loss_error(baseline: Estimate, current: float, error: float) -> float:
    """Compute the standard error of 1 - current / baseline, by the delta method; the two are independent."""
    before = (baseline.high - baseline.low) / (2 * _Z)
    return float(np.hypot(error / baseline.value, current * before / baseline.value**2))


def _level(loss: float, error: float, policy: MonitoringPolicy) -> Performance:
    least = loss - _Z * error
    if loss > policy.loss_alert and least > policy.loss_warn:
        return Performance.ALERT
    if loss > policy.loss_warn and least > 0.0:
        return Performance.WARN
    return Performance.OK
