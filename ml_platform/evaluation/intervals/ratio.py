"""Intervals of ratios of sums over clusters (precision, recall, F1 of one class), in closed form.

For tables of many classes or groups, where a resample each would be too many; headline figures are resampled.
Source: Cochran (1977), "Sampling Techniques", equation 6.13, for the variance of a ratio of cluster totals.
"""

import numpy as np

from ml_platform.arrays import Array
from ml_platform.evaluation.report_parts import Estimate

LEVEL = 0.95


def ratio_interval(numerators: Array, denominators: Array) -> Estimate | None:
    """Of sum(numerators) / sum(denominators), in [0, 1], both of shape (clusters,).

    ``None`` where the denominator is 0: there is no ratio.
    """
    total = float(denominators.sum())
    if total <= 0:
        return None
    holders = int((denominators > 0).sum())
    value = float(numerators.sum()) / total
    residuals = numerators - value * denominators
    variance = float((residuals**2).sum()) / total**2 * holders / max(holders - 1, 1)
    return between_zero_and_one(value, variance, holders)


def between_zero_and_one(value: float, variance: float, clusters: int) -> Estimate:
    """Student's interval on the scale of log odds; at 0 or 1, where nothing varies, Clopper's and Pearson's.

    The latter counts clusters: of k that were all right, at least .025 ** (1 / k) are, as of 100 at least .964.
    """
    from scipy.special import stdtrit

    if clusters < 2:
        return Estimate(value, 0.0, 1.0)
    edge = ((1 - LEVEL) / 2) ** (1 / clusters)
    if value <= 0:
        return Estimate(0.0, 0.0, 1 - edge)
    if value >= 1:
        return Estimate(1.0, edge, 1.0)
    odds = np.log(value / (1 - value))
    error = np.sqrt(variance) / (value * (1 - value))
    reach = float(stdtrit(clusters - 1, (1 + LEVEL) / 2)) * error
    low, high = (1.0 / (1.0 + np.exp(-(odds + side))) for side in (-reach, reach))
    return Estimate(value, float(low), float(high))
