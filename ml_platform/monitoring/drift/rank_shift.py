"""Have the values become larger, or smaller? The rank-sum test over bins, for rows that come in clusters."""

import math

import numpy as np

from ml_platform.monitoring.drift.chi_squared import Floats


def clustered_rank_shift(
    difference: Floats, covariance: Floats, pooled: Floats, *, freedom: float
) -> tuple[float, float]:
    """Shift of the mean rank, in [-1/2, 1/2], and its two-sided p-value.

    The rank of a bin is the share of the ``pooled`` values (bins,) below it and half of its own; 0 means the
    same mean rank, 1/2 that every value now lies above nearly every earlier one. It is a single contrast of
    the ``difference`` (bins,) of the shares, so its variance is that contrast of their ``covariance`` (bins,
    bins), known with ``freedom`` degrees of freedom. Where all values move one way it finds smaller shifts
    than the supremum of the distribution functions; of a distribution that only widens it sees nothing.

    Source: Mann & Whitney (1947), "On a test of whether one of two random variables is stochastically larger
    than the other"; Rosner, Glynn & Lee (2003), "Incorporation of clustering effects for the Wilcoxon rank
    sum test".
    """
    from scipy.special import stdtr

    ranks = np.cumsum(pooled) - pooled / 2.0
    shift = float(ranks @ difference)
    spread = math.sqrt(max(float(ranks @ covariance @ ranks), 0.0))
    if shift == 0.0 or spread == 0.0:
        return shift, 1.0
    return shift, 2.0 * float(stdtr(freedom, -abs(shift) / spread))
