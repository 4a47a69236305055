"""Quantiles of measured times, with intervals that assume no distribution."""

import numpy as np

from ml_platform.arrays import Array
from ml_platform.evaluation.intervals.bootstrap import LEVEL
from ml_platform.evaluation.intervals.draws import drawn_places
from ml_platform.evaluation.report_parts import Estimate


def quantile_estimate(values: Array, share: float) -> Estimate:
    """The quantile at ``share`` of independent ``values`` (n,), n >= 1, between two order statistics.

    Their ranks are quantiles of the binomial count of values below it. Where there are too few for an upper bound
    (a 99th percentile needs 368), it is the largest value, which then covers less than 95 %.

    Source: Conover (1999), "Practical Nonparametric Statistics", section 3.2.
    """
    from scipy.stats import binom

    ordered = np.sort(values)
    count = len(ordered)
    low, high = binom.ppf([(1 - LEVEL) / 2, (1 + LEVEL) / 2], count, share)
    return Estimate(
        float(np.quantile(ordered, share)),
        float(ordered[int(max(low - 1, 0))]),
        float(ordered[int(min(high, count - 1))]),
    )


def mean_estimate(values: Array) -> Estimate:
    """The mean of ``values`` (n,), n >= 1, with Student's interval; of one value there is none."""
    from scipy.special import stdtrit

    mean = float(values.mean())
    if len(values) < 2:
        return Estimate(mean, mean, mean)
    width = float(stdtrit(len(values) - 1, (1 + LEVEL) / 2)) * float(values.std(ddof=1))
    width /= len(values) ** 0.5
    return Estimate(mean, max(mean - width, 0.0), mean + width)


def ratio_estimate(over: Array, under: Array, *, seed: int, resamples: int = 1_000) -> Estimate:
    """Median of ``over`` (n,) by that of ``under`` (n,), taken by turns: resampled turn by turn."""
    drawn = drawn_places(np.random.default_rng(seed), len(over), resamples)
    ratios = np.median(over[drawn], axis=1) / np.median(under[drawn], axis=1)
    low, high = np.quantile(ratios, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(float(np.median(over) / np.median(under)), float(low), float(high))
