"""How much a figure differs from part to part: over folds, and over blocks of time beyond what noise explains."""

from dataclasses import dataclass

import numpy as np

from ml_platform.arrays import Array
from ml_platform.evaluation.report_parts import Estimate

LEVEL = 0.95


@dataclass(frozen=True)
class FoldSpread:
    """One metric over k folds."""

    mean: float
    deviation: float
    """Standard deviation, k - 1 in the denominator."""
    low: float
    high: float
    """95 % interval of the deviation, if folds were independent and normal: at three folds, .5 to 6.3 of it."""


def fold_spread(values: Array) -> FoldSpread:
    """Of at least two folds."""
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
    """Standard deviation of the true values behind ``values``, whose noise has the ``variances``.

    0 where the values differ no more than their noise. Both of shape (parts,), two parts at least. The interval
    holds every deviation tau for which the generalised Q statistic lies between its quantiles; the value is that
    at which Q equals its expectation.

    Source: Paule and Mandel (1982) for the value; Viechtbauer (2007), "Confidence intervals for the amount of
    heterogeneity in meta-analysis", section 3.2 (Q-profile) for the interval.
    """
    from scipy.stats import chi2

    freedom = len(values) - 1
    if not np.ptp(values):
        return Estimate(0.0, 0.0, 0.0)
    noise = np.where(variances > 0, variances, _unknown(values, variances))
    upper, lower = chi2.ppf([(1 + LEVEL) / 2, (1 - LEVEL) / 2], freedom)
    value, low, high = (_solve(values, noise, q) for q in (freedom, upper, lower))
    return Estimate(value, low, high)


def _unknown(values: Array, variances: Array) -> float:
    """What a part that never errs gets, whose own noise cannot be told: that of the part in the middle."""
    some = variances[variances > 0]
    return float(np.median(some)) if len(some) else float(np.ptp(values)) ** 2 * 1e-6


def _solve(values: Array, variances: Array, wanted: float) -> float:
    """The tau at which Q(tau), which falls with tau, is ``wanted``; 0 if Q(0) is no larger. By bisection."""

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
