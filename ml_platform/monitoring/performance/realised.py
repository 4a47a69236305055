"""Realised performance: the metric over the latest window of mature cohorts, against the evaluation report."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.evaluation.report_parts import Estimate
from ml_platform.evaluation.tasks.adapter import Gain, MaturedPredictions
from ml_platform.monitoring.baseline import CONFIDENCE, PREDICTED
from ml_platform.monitoring.columns import cluster_codes
from ml_platform.monitoring.distribution import clustered_mean
from ml_platform.monitoring.performance.levels import RelativeLoss, level_of
from ml_platform.monitoring.performance.maturity import OUTCOME, of_window
from ml_platform.monitoring.performance.parts import LabelMaturity, duration_words
from ml_platform.monitoring.report import Performance, PerformanceCheck
from ml_platform.spec.monitoring_policy import MonitoringPolicy

if TYPE_CHECKING:
    import pandas as pd


def realised_performance(
    baseline: Estimate | None,
    predictions: "pd.DataFrame",
    maturity: LabelMaturity,
    policy: MonitoringPolicy,
    gain: Gain,
) -> PerformanceCheck:
    """The check of the latest window of mature cohorts, see `check_performance`.

    The level is UNKNOWN, too, where labels of most of its predictions have stayed away: those that came are of
    cohorts that say nothing about the others. ``reason`` says why a level is UNKNOWN.
    """
    check = check_performance(baseline, of_window(predictions, maturity), policy, gain)
    check = replace(check, window_start=maturity.window_start, window_end=maturity.window_end)
    if 2 * maturity.silent > maturity.predictions:
        check = replace(check, level=Performance.UNKNOWN)
    if check.level is not Performance.UNKNOWN:
        return check
    return replace(check, reason=_why_unknown(check, baseline, maturity, policy))


def check_performance(
    baseline: Estimate | None,
    predictions: "pd.DataFrame",
    policy: MonitoringPolicy,
    gain: Gain,
) -> PerformanceCheck:
    """The policy's metric of the labelled predictions, its clustered 95 % interval, and the level.

    ``gain`` is what each labelled prediction adds to the mean of the policy's metric
    (`ml_platform.evaluation.tasks.adapter.TaskAdapter.gains`).
    ``outcome`` is missing where it is not known yet. Losses are relative to the baseline. A level
    needs its limit to be passed and the next lower level to be excluded by a one-sided interval of the loss, of the
    policy's ``loss_alpha`` (both figures' errors in it): WARN is a loss above 5 % whose interval lies above 0,
    ALERT one above 10 % whose interval lies above 5 %. Without a baseline, or with fewer labelled rows or clusters
    than the policy's minimum, the level is UNKNOWN, never OK.
    """
    from scipy.special import stdtrit

    total = len(predictions)
    labelled = predictions[predictions[OUTCOME].notna()] if total else predictions
    rows = len(labelled)
    current = low = high = loss = None
    level, clusters, error = Performance.UNKNOWN, 0, 0.0
    if rows:
        current, variance, clusters = clustered_mean(
            gain(labelled_predictions(labelled)), cluster_codes(labelled)
        )
        error = float(np.sqrt(variance))
        reach = float(stdtrit(max(clusters - 1, 1), 0.975)) * error
        low, high = max(0.0, current - reach), min(1.0, current + reach)
    if current is not None and baseline is not None and baseline.value > 0:
        relative = RelativeLoss.between(baseline, current, error)
        loss = relative.value
        if rows >= policy.minimum_labelled_rows and clusters >= policy.minimum_clusters:
            level = level_of(relative, policy)
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


def labelled_predictions(labelled: "pd.DataFrame") -> MaturedPredictions:
    """The columns of predictions whose outcome is known, as a gain takes them."""
    return MaturedPredictions(
        predicted=labelled[PREDICTED].to_numpy(dtype=object),
        confidence=labelled[CONFIDENCE].to_numpy(dtype=np.float64),
        outcome=labelled[OUTCOME].to_numpy(dtype=object),
    )


def _why_unknown(
    check: PerformanceCheck,
    baseline: Estimate | None,
    maturity: LabelMaturity,
    policy: MonitoringPolicy,
) -> str:
    if baseline is None or baseline.value <= 0:
        return f"the evaluation of this version has no {policy.metric} to compare with"
    if maturity.age_hours is None:
        return "no label has come, so nobody knows how long labels take"
    if maturity.window_end is None:
        age = duration_words(maturity.age_hours)
        return f"labels mature after {age}, and no prediction of this version is that old"
    if maturity.silent:
        return f"the labels of {maturity.silent:,} of {maturity.predictions:,} mature predictions have stayed away"
    return (
        f"{check.rows:,} of {maturity.predictions:,} mature predictions have a label; needed are "
        f"{policy.minimum_labelled_rows} labels in {policy.minimum_clusters} sessions"
    )
