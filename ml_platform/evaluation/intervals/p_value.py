"""The p value of a difference, by inversion of its interval."""

from statistics import NormalDist

import numpy as np

from ml_platform.evaluation.intervals.bootstrap import Replicates, acceleration


def p_value(difference: Replicates) -> float:
    """Compute the p value, in (0, 1]: below alpha where the BCa interval of level 1 - alpha leaves out 0.

    It is never below 2 / (resamples + 1), the least that so many resamples can show. Where no resample crosses
    0, the quantile of 0 is that of a normal tail. Where all resamples are equal, p is 1 for a difference of 0,
    else the least value.

    Source: Efron (1987), equations 2.3 and 6.6 solved for the level at which 0 is the bound; the widening of
    `ml_platform.evaluation.intervals.bootstrap`.
    """
    from scipy.special import stdtr

    normal = NormalDist()
    resamples, clusters = len(difference.resampled), len(difference.left_out)
    least = 1 / (resamples + 1)
    if np.ptp(difference.resampled) == 0:
        return 1.0 if difference.value == 0 else 2 * least

    drawn = difference.resampled

    def quantile(at: float) -> float:
        share = float(((drawn < at).sum() + (drawn == at).sum() / 2) / resamples)
        if 0 < share < 1:
            return normal.inv_cdf(share)
        outermost = normal.inv_cdf(least)
        tail = (at - float(drawn.mean())) / float(drawn.std())
        return min(outermost, tail) if share == 0 else max(-outermost, tail)

    bias = quantile(difference.value)
    moved = quantile(0.0) - bias
    shrink = max(1 + acceleration(difference.left_out) * moved, 0.1)
    freedom = max(clusters - 1, 1)
    distance = abs(moved / shrink - bias) / np.sqrt((freedom + 1) / freedom)
    return float(min(1.0, max(2 * stdtr(freedom, -distance), 2 * least)))
