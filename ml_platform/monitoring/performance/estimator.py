"""What a version's test predictions teach about estimating its performance without labels.

Confidence-based performance estimation: scores are calibrated on predictions whose outcome is known and on which
the version was not trained; the calibrated probability that a prediction comes true then stands in for its label.
It holds while the meaning of a score stays: a shift of the features is followed, a change of the concept is not.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ml_platform.arrays import Array, Codes
from ml_platform.monitoring.distribution import Bins, number_bins, number_codes, pack, unpack
from ml_platform.monitoring.performance.calibration import Calibration, fit_calibration

MINIMUM_ROWS = 200
MINIMUM_CLUSTERS = 30
STRETCHES = 20
"""The most stretches of time into which the reference is cut to see how restless quiet times are."""
_STRETCH_ROWS = 250
_FEWEST_STRETCHES = 5


@dataclass(frozen=True)
class PerformanceEstimator:
    """A calibrated curve and how far off it may be; kept with the baseline of a version."""

    calibration: Calibration | None
    """``None`` where nothing can be estimated."""
    bins: Bins | None
    """Bins of the score in which the error of the curve is known."""
    covariance: str
    """Of the mean residuals (outcome less probability) of the bins over clusters: see `distribution.pack`."""
    correlation: float
    """How much the residuals of one cluster go together, in [0, 1]: 0 where rows are independent."""
    inflations: dict[str, float]
    """By metric: its variance between quiet stretches of time, over the one that clusters explain; at least 1."""
    rows: int
    clusters: int
    reason: str
    """Why nothing can be estimated; empty otherwise."""

    def sampling_variance(
        self, metric: str, influence: Array, probabilities: Array, clusters: Codes
    ) -> float:
        """The variance, by chance of which rows come true, of a metric on which they have this ``influence``."""
        deviations = influence * np.sqrt(probabilities * (1.0 - probabilities))
        factor = self.inflations.get(metric, 1.0)
        return factor * _clustered_variance(deviations, clusters, self.correlation)

    def calibration_variance(self, influence: Array, scores: Array) -> float:
        """The variance of the same metric by the error of the curve, which all rows of a bin have in common."""
        if self.bins is None:
            return 0.0
        codes = number_codes(self.bins, scores)
        weights = np.bincount(codes, weights=influence, minlength=self.bins.count)
        covariance = unpack(self.covariance, self.bins.count)
        return max(float(weights @ covariance @ weights), 0.0)


def no_estimator(reason: str, rows: int = 0, clusters: int = 0) -> PerformanceEstimator:
    """The estimator of a version whose performance cannot be estimated, and why."""
    return PerformanceEstimator(None, None, "", 0.0, {}, rows, clusters, reason)


Influences = Callable[[Array], Mapping[str, Array]]
"""By metric, the influence of each row on it, from the probabilities that the rows come true."""


def fit_estimator(
    scores: Array, outcomes: Array, clusters: Codes, influences: Influences
) -> PerformanceEstimator:
    """Learn the curve and its errors from reference predictions, in the order of time.

    Args:
        scores: The logged confidence, in [0, 1], shape (rows,).
        outcomes: What came true of what the score is about, shape (rows,).
        clusters: Codes from 0, shape (rows,).
        influences: Of the same rows on the metrics that will be estimated.
    """
    rows, count = len(scores), len(np.unique(clusters))
    if rows < MINIMUM_ROWS or count < MINIMUM_CLUSTERS:
        reason = (
            f"{rows:,} test predictions in {count:,} sessions have an outcome; needed are {MINIMUM_ROWS} in "
            f"{MINIMUM_CLUSTERS}"
        )
        return no_estimator(reason, rows, count)
    if not np.isin(outcomes, (0.0, 1.0)).all():
        return no_estimator("its outcome is a number, not something that comes true", rows, count)
    if outcomes.min() == outcomes.max():
        return no_estimator("every test prediction has the same outcome", rows, count)
    calibration = fit_calibration(scores, outcomes)
    probabilities = calibration.apply(scores)
    residuals = outcomes - probabilities
    spread = np.sqrt(probabilities * (1.0 - probabilities))
    bins = number_bins(scores)
    correlation = _correlation(residuals, spread, clusters)
    return PerformanceEstimator(
        calibration=calibration,
        bins=bins,
        covariance=pack(_bin_covariance(number_codes(bins, scores), bins, residuals, clusters)),
        correlation=correlation,
        inflations={
            name: _inflation(influence * residuals, influence * spread, clusters, correlation)
            for name, influence in influences(probabilities).items()
        },
        rows=rows,
        clusters=count,
        reason="",
    )


def _bin_covariance(codes: Codes, bins: Bins, residuals: Array, clusters: Codes) -> Array:
    """The covariance of the mean residual of each bin, from sums over clusters."""
    width, groups = bins.count, int(clusters.max()) + 1
    cell = clusters * width + codes
    sums = np.bincount(cell, weights=residuals, minlength=groups * width).reshape(groups, width)
    sizes = np.maximum(np.bincount(codes, minlength=width), 1)
    means = sums / sizes
    covariance: Array = means.T @ means * (groups / (groups - 1))
    return covariance


def _correlation(residuals: Array, spread: Array, clusters: Codes) -> float:
    """The correlation within clusters: products of pairs of residuals, over those of their deviations."""
    together = np.bincount(clusters, weights=residuals) ** 2
    possible = np.bincount(clusters, weights=spread) ** 2
    pairs = possible.sum() - (spread**2).sum()
    if pairs <= 0.0:
        return 0.0
    return float(np.clip((together.sum() - (residuals**2).sum()) / pairs, 0.0, 1.0))


def _clustered_variance(deviations: Array, clusters: Codes, correlation: float) -> float:
    """The variance of a sum of which each row has such a (signed) deviation."""
    alone = float((deviations**2).sum())
    pairs = float((np.bincount(clusters, weights=deviations) ** 2).sum()) - alone
    return max(alone + correlation * pairs, 0.0)


def _inflation(residuals: Array, spread: Array, clusters: Codes, correlation: float) -> float:
    """How much more sums of residuals over whole stretches of time differ than their clusters explain."""
    count = min(STRETCHES, len(residuals) // _STRETCH_ROWS)
    if count < _FEWEST_STRETCHES:
        return 1.0
    observed = expected = 0.0
    for places in np.array_split(np.arange(len(residuals)), count):
        codes = np.unique(clusters[places], return_inverse=True)[1].astype(np.int64)
        observed += float(residuals[places].sum()) ** 2
        expected += _clustered_variance(spread[places], codes, correlation)
    return max(1.0, observed / expected * count / (count - 1)) if expected else 1.0
