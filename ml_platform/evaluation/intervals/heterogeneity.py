"""Heterogeneity of a metric: its spread over folds, and over blocks of time beyond what noise explains."""

from dataclasses import dataclass

import numpy as np

from ml_platform.arrays import Array
from ml_platform.evaluation.report_parts import Estimate

LEVEL = 0.95


@dataclass(frozen=True)
class FoldSpread:
    """The spread of one metric over k folds."""

    mean: float
    deviation: float
    """Standard deviation, k - 1 in the denominator."""
    low: float
    high: float
    """95 % interval of the deviation, if folds were independent and normal: at three folds, .5 to 6.3 of it."""


def fold_spread(values: Array) -> FoldSpread:
    """Compute mean and spread of ``values`` (folds,), at least two."""
    from scipy.stats import chi2

    freedom = len(values) - 1
    deviation = float(values.std(ddof=1))
    upper, lower = chi2.ppf([(1 + LEVEL) / 2, (1 - LEVEL) / 2], freedom)
    return FoldSpread(
        mean=float(values.mean()),
        deviation=deviation,
        low=deviation * float(np.sqrt(freedom / upper)),
        high=deviation * float(np.sqrt(freedom / lower)),
    )


def excess_deviation(values: Array, variances: Array) -> Estimate:
    """Estimate the standard deviation of the true values behind ``values``, whose noise has the ``variances``.

    Both have the shape (parts,), with at least two parts. The deviation is 0 where the values differ no more than
    their noise. The interval holds every deviation tau for which the generalised Q statistic lies between its
    quantiles; the value is the tau at which Q equals its expectation.

    Source: Paule and Mandel (1982) for the value; Viechtbauer (2007), "Confidence intervals for the amount of
    heterogeneity in meta-analysis", section 3.2 (Q-profile) for the interval.
    """
    from scipy.stats import chi2

    freedom = len(values) - 1
    if not np.ptp(values):
        return Estimate(0.0, 0.0, 0.0)
    noise = np.where(variances > 0, variances, _substitute_variance(values, variances))
    upper, lower = chi2.ppf([(1 + LEVEL) / 2, (1 - LEVEL) / 2], freedom)
    value, low, high = (_solve(values, noise, q) for q in (freedom, upper, lower))
    return Estimate(value, low, high)


def _substitute_variance(values: Array, variances: Array) -> float:
    """Return the variance for parts whose own is 0, as where a part has no error: the median of the others."""
    positive = variances[variances > 0]
    return float(np.median(positive)) if len(positive) else float(np.ptp(values)) ** 2 * 1e-6


def _solve(values: Array, variances: Array, wanted: float) -> float:
    """Find by bisection the tau at which Q(tau), which falls with tau, is ``wanted``; 0 if Q(0) is no larger."""

    def q(tau: float) -> float:
        weights = 1.0 / (variances + tau**2)
        mean = (weights * values).sum() / weights.sum()
        return float((weights * (values - mean) ** 2).sum())

    if q(0.0) <= wanted:
        return 0.0
    low, high = 0.0, float(np.ptp(values))
    while q(high) > wanted:
        low, high = high, 2 * high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if q(middle) > wanted else (low, middle)
    return (low + high) / 2
