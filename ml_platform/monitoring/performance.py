"""Performance now against the evaluation report, on the predictions whose outcome is known."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.evaluation.report_parts import Estimate
from ml_platform.monitoring.baseline import CONFIDENCE, PREDICTED, cluster_codes
from ml_platform.monitoring.distribution import Floats, clustered_mean
from ml_platform.monitoring.report import Performance, PerformanceCheck
from ml_platform.prediction_log.scoring import SEPARATOR
from ml_platform.spec.monitoring_policy import MonitoringPolicy
from ml_platform.spec.task import YES

if TYPE_CHECKING:
    import pandas as pd

OUTCOME = "outcome"
_Z = 1.959964
"""Normal quantile of a 95 % interval."""


def _right(rows: "pd.DataFrame") -> Floats:
    """1 where the predicted class came true."""
    predicted = rows[PREDICTED].to_numpy(dtype=object)
    right: Floats = (predicted == rows[OUTCOME].to_numpy(dtype=object)).astype(np.float64)
    return right


def _near(rows: "pd.DataFrame") -> Floats:
    """One minus the absolute error of a share."""
    error = rows[CONFIDENCE].to_numpy(dtype=np.float64) - rows[OUTCOME].to_numpy(dtype=np.float64)
    near: Floats = 1.0 - np.abs(error)
    return near


def _sure(rows: "pd.DataFrame") -> Floats:
    """One minus the squared error of the probability of yes (Brier)."""
    came_true = rows[OUTCOME].to_numpy(dtype=object) == YES
    sure: Floats = 1.0 - (rows[CONFIDENCE].to_numpy(dtype=np.float64) - came_true) ** 2
    return sure


def _hit(rows: "pd.DataFrame") -> Floats:
    """1 where the first item is among those that came true."""
    pairs = zip(rows[PREDICTED], rows[OUTCOME], strict=True)
    return np.array([first in items.split(SEPARATOR) for first, items in pairs], dtype=np.float64)


GAINS: dict[str, Callable[["pd.DataFrame"], Floats]] = {
    "accuracy": _right,
    "one_minus_mae": _near,
    "one_minus_brier": _sure,
    "hit_at_1": _hit,
}
"""By the metric that a model is watched by: what each matured prediction adds to its mean, in [0, 1]."""


def check_performance(
    baseline: Estimate | None, predictions: "pd.DataFrame", policy: MonitoringPolicy
) -> PerformanceCheck:
    """The policy's metric of the matured predictions, its clustered 95 % interval, and the level.

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
        gained = GAINS[policy.metric](labelled)
        current, variance, clusters = clustered_mean(gained, cluster_codes(labelled))
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


def _loss_error(baseline: Estimate, current: float, error: float) -> float:
    """Standard error of 1 - current / baseline, by the delta method; the two are independent."""
    before = (baseline.high - baseline.low) / (2 * _Z)
    return float(np.hypot(error / baseline.value, current * before / baseline.value**2))


def _level(loss: float, error: float, policy: MonitoringPolicy) -> Performance:
    least = loss - _Z * error
    if loss > policy.loss_alert and least > policy.loss_warn:
        return Performance.ALERT
    if loss > policy.loss_warn and least > 0.0:
        return Performance.WARN
    return Performance.OK
