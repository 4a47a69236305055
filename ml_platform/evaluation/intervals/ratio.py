"""Intervals of ratios of sums over clusters (precision, recall, F1 of one class), in closed form.

They serve tables of many classes or groups, for which resampling would cost too much. Headline metrics are
resampled.

Source: Cochran (1977), "Sampling Techniques", equation 6.13, for the variance of a ratio of cluster totals.
"""

import numpy as np

from ml_platform.arrays import Array
from ml_platform.evaluation.report_parts import Estimate

LEVEL = 0.95


def ratio_interval(numerators: Array, denominators: Array) -> Estimate | None:
    """Compute the interval of sum(numerators) / sum(denominators), a ratio in [0, 1]; both (clusters,).

    ``None`` is returned where the sum of the denominators is 0, so that there is no ratio.
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
    """Compute Student's interval on the scale of log odds, and at 0 or 1 the interval of Clopper and Pearson.

    At 0 and 1 no variance can be estimated, so clusters are counted: if all of k clusters are right, the lower
    bound is 0.025 ** (1 / k), which is 0.964 for 100.
    """
    from scipy.special import stdtrit

    if clusters < 2:
        return Estimate(value, 0.0, 1.0)
    tail = ((1 - LEVEL) / 2) ** (1 / clusters)
    if value <= 0:
        return Estimate(0.0, 0.0, 1 - tail)
    if value >= 1:
        return Estimate(1.0, tail, 1.0)
    odds = np.log(value / (1 - value))
    error = np.sqrt(variance) / (value * (1 - value))
    reach = float(stdtrit(clusters - 1, (1 + LEVEL) / 2)) * error
    low, high = (1.0 / (1.0 + np.exp(-(odds + side))) for side in (-reach, reach))
    return Estimate(value, float(low), float(high))
