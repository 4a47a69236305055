"""Simultaneous intervals, which cover all of several comparisons together in 95 % of samples.

The worst of twenty equal groups looks bad by chance. So every comparison gets the same critical value, the 95 %
quantile of the largest studentised deviation among all of them over the resamples (the maximum statistic), and
widened for each as Student's t is for the few units that it may rest on. What is said of the
worst comparison is then said of all: its upper end is the furthest that any of them may reach, its lower end
the furthest that one of them is shown to reach.

Source: Romano and Wolf (2005), "Exact and approximate stepdown methods for multiple hypothesis testing",
its single-step form; Hesterberg (2015), section 4.2, for the widening; Agresti and Caffo (2000) for the least
standard error of a proportion, which stands where no resample differs (20 of 20, 0 of 50).
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from ml_platform.arrays import Array

LEVEL = 0.95


@dataclass(frozen=True)
class Bands:
    """k comparisons: each value between its simultaneous bounds, all (k,)."""

    values: Array
    low: Array
    high: Array


def simultaneous_bands(
    values: Array, resampled: Array, least: Array, units: Array, level: float = LEVEL
) -> Bands:
    """Compute bounds that hold for every comparison at once.

    Args:
        values: (k,).
        resampled: (resamples, k).
        least: (k,): a standard error below which none is believed.
        units: (k,): independent units behind the scarcer side of a comparison.
        level: of all of them together.
    """
    critical = critical_value(values, resampled, level)
    reach = np.maximum(resampled.std(axis=0), least) * widened(critical, units)
    return Bands(values, values - reach, values + reach)


def critical_value(values: Array, resampled: Array, level: float = LEVEL) -> float:
    """How many standard errors hold all comparisons (k,) at once; no fewer than one alone needs."""
    spread = resampled.std(axis=0)
    moves = spread > 1e-12
    deviations = np.abs(resampled[:, moves] - values[moves])
    largest = (deviations / spread[moves]).max(axis=1, initial=0.0)
    normal = NormalDist()
    least = normal.inv_cdf((1 + level) / 2)
    if not moves.all():
        # What does not move has no deviations to learn from: Bonferroni's share for all.
        least = normal.inv_cdf(1 - (1 - level) / (2 * len(values)))
    return max(float(np.quantile(largest, level)), least)


def widened(critical: float, units: Array) -> Array:
    """``critical`` as Student's t with n - 1 degrees of freedom has it, times sqrt(n / (n - 1)); (k,)."""
    from scipy.special import log_ndtr, stdtrit

    freedom = np.maximum(np.asarray(units, dtype=np.float64) - 1.0, 1.0)
    tail = float(np.exp(log_ndtr(-critical)))
    widened_values: Array = -stdtrit(freedom, tail) * np.sqrt((freedom + 1) / freedom)
    return widened_values


def least_error(top: Array, bottom: Array, units: Array, spread: Array, proportion: bool) -> Array:
    """The least standard error of rates (k,), from their sums and from how much resamples move them.

    Of a proportion that of Agresti and Caffo, two successes and two failures added. Of one that no resample
    moves also 1 / (units + 1): as much as the next unit could move it.
    """
    still = np.where(spread > 1e-12, 0.0, 1.0 / (units + 1.0))
    if not proportion:
        return still
    smooth = (top + 2.0) / (bottom + 4.0)
    errors: Array = np.maximum(np.sqrt(smooth * (1.0 - smooth) / (bottom + 4.0)), still)
    return errors
