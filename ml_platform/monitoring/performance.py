"""Performance now against the evaluation report, on the predictions whose outcome is known."""

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.evaluation.report import Estimate
from ml_platform.monitoring.baseline import PREDICTED, cluster_codes
from ml_platform.monitoring.distribution import clustered_shares
from ml_platform.monitoring.policy import MonitoringPolicy
from ml_platform.monitoring.report import Performance, PerformanceCheck

if TYPE_CHECKING:
    import pandas as pd

OUTCOME = "outcome"
_Z = 1.959964
"""Normal quantile of a 95 % interval."""


def check_performance(
    baseline: Estimate | None, predictions: "pd.DataFrame", policy: MonitoringPolicy
) -> PerformanceCheck:
    """Accuracy of the matured predictions, its clustered 95 % interval, and the level.

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
        right = labelled[PREDICTED].to_numpy(dtype=object) == labelled[OUTCOME].to_numpy(
            dtype=object
        )
        shares = clustered_shares(right.astype(np.int64), cluster_codes(labelled), 2)
        current, clusters = float(shares.shares[1]), shares.clusters
        error = float(np.sqrt(shares.covariance[1, 1]))
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
