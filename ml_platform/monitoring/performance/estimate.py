"""Estimated performance: the metric of predictions whose labels have not matured, with its interval."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.arrays import Array, Codes
from ml_platform.evaluation.report_parts import Estimate
from ml_platform.evaluation.tasks.adapter import Gain, WhatIf
from ml_platform.monitoring.baseline import CONFIDENCE, PREDICTED
from ml_platform.monitoring.columns import cluster_codes
from ml_platform.monitoring.performance.estimator import PerformanceEstimator
from ml_platform.monitoring.performance.expected import Expected, expected_metrics
from ml_platform.monitoring.performance.levels import RelativeLoss, level_of
from ml_platform.monitoring.performance.parts import (
    CohortEstimate,
    EstimatedPerformance,
    prediction_interval,
)
from ml_platform.monitoring.report import Performance
from ml_platform.spec.monitoring_policy import MonitoringPolicy
from ml_platform.spec.training_set import TIME

if TYPE_CHECKING:
    import pandas as pd

NO_ESTIMATOR = "the baseline of this version was kept before performance was estimated"
"""Why nothing is estimated for versions that an earlier release has registered."""


@dataclass(frozen=True)
class Figure:
    """An estimated metric: its value and the two parts of its standard error."""

    value: float
    sampling_error: float
    """By chance of which predictions come true."""
    calibration_error: float
    """Of the curve, in common to all windows of the version."""

    @property
    def error(self) -> float:
        """The standard error of the metric that will be realised."""
        return float(np.hypot(self.sampling_error, self.calibration_error))

    @property
    def interval(self) -> Estimate:
        """The value with the 95 % interval of the metric that will be realised; metrics lie in [0, 1]."""
        return prediction_interval(self.value, self.sampling_error, self.calibration_error)


@dataclass(frozen=True)
class Scored:
    """Predictions of one window as arrays, with the probability that each comes true; all shape (rows,)."""

    estimator: PerformanceEstimator
    scores: Array
    probabilities: Array
    clusters: Codes

    @classmethod
    def by(cls, estimator: PerformanceEstimator, scores: Array, clusters: Codes) -> "Scored":
        """Apply the calibration of an estimator that has one."""
        assert estimator.calibration is not None
        return cls(estimator, scores, estimator.calibration.apply(scores), clusters)

    def figure(self, metric: str, expected: Expected) -> Figure:
        """The metric with its errors."""
        estimator, influence = self.estimator, expected.influence
        sampling = estimator.sampling_variance(metric, influence, self.probabilities, self.clusters)
        calibration = estimator.calibration_variance(influence, self.scores)
        return Figure(expected.value, float(np.sqrt(sampling)), float(np.sqrt(calibration)))


def estimated_performance(
    estimator: PerformanceEstimator | None,
    baseline: Estimate | None,
    predictions: "pd.DataFrame",
    end: datetime,
    cohort: timedelta,
    *,
    policy: MonitoringPolicy,
    gain: Gain,
    what_if: WhatIf,
) -> EstimatedPerformance:
    """Estimate the policy's metric of all predictions of the report's window, whether or not they have a label.

    ``predictions`` are those of the window, which ends at ``end``; each whole ``cohort`` of it is estimated by
    itself, too, so that it can be held against the truth once it has matured. ``what_if`` says how outcomes read
    if what the confidence is about came true, and if not. The estimate decides nothing: it is ``suspected`` of a
    loss by the same limits as a warning.
    """
    reason = NO_ESTIMATOR if estimator is None else estimator.reason
    if not reason and not len(predictions):
        reason = "the window has no predictions"
    if estimator is None or reason:
        return EstimatedPerformance(policy.metric, reason=reason)
    frame = predictions.sort_values(TIME, kind="stable")
    figures = _figures(estimator, frame, policy.metric, gain, what_if)
    figure = figures.pop(policy.metric)
    loss = None
    if baseline is not None and baseline.value > 0:
        loss = RelativeLoss.between(baseline, figure.value, figure.error)
    return EstimatedPerformance(
        metric=policy.metric,
        value=figure.value,
        low=figure.interval.low,
        high=figure.interval.high,
        sampling_error=figure.sampling_error,
        calibration_error=figure.calibration_error,
        relative_loss=None if loss is None else loss.value,
        suspected=loss is not None and level_of(loss, policy) is not Performance.OK,
        rows=len(frame),
        others={name: other.interval for name, other in figures.items()},
        cohorts=tuple(
            _of_cohort(
                _figures(estimator, rows, policy.metric, gain, what_if)[policy.metric],
                len(rows),
                start,
                start + cohort,
            )
            for start, rows in _cohorts(frame, end, cohort)
        ),
    )


def _cohorts(
    frame: "pd.DataFrame", end: datetime, length: timedelta
) -> "Iterator[tuple[datetime, pd.DataFrame]]":
    """The start and the rows of each cohort of the window, the oldest first."""
    seconds = (end - frame[TIME]).dt.total_seconds().to_numpy(dtype=np.float64)
    number = np.ceil(seconds / length.total_seconds()).astype(np.int64)
    for place in np.unique(number)[::-1]:
        yield end - int(place) * length, frame[number == place]


def _of_cohort(figure: Figure, rows: int, start: datetime, end: datetime) -> CohortEstimate:
    return CohortEstimate(
        start, end, rows, figure.value, figure.sampling_error, figure.calibration_error
    )


def _figures(
    estimator: PerformanceEstimator,
    frame: "pd.DataFrame",
    metric: str,
    gain: Gain,
    what_if: WhatIf,
) -> dict[str, Figure]:
    """The metric of some predictions and, where they are defined, F1 and ROC AUC."""
    predicted = frame[PREDICTED].to_numpy(dtype=object)
    scores = frame[CONFIDENCE].to_numpy(dtype=np.float64)
    scored = Scored.by(estimator, scores, cluster_codes(frame))
    expected = expected_metrics(predicted, scores, scored.probabilities, {metric: gain}, what_if)
    return {name: scored.figure(name, each) for name, each in expected.items()}
