"""Has one level gained or lost? The level whose share has changed most, tested by itself."""

import math

import numpy as np

from ml_platform.monitoring.drift.chi_squared import Floats


def clustered_largest_change(
    difference: Floats, covariance: Floats, *, freedom: float
) -> tuple[float, float]:
    """The change of the share that has changed most, in [-1, 1], and a p-value that pays for the choice.

    ``difference`` (levels,) is current minus baseline shares, ``covariance`` (levels, levels) of it, known
    with ``freedom`` degrees of freedom; the p-value is that of one level times the number of levels
    (Bonferroni). Mass that moves to a single level is found where chi-squared over many restless levels
    drowns it.
    """
    from scipy.special import stdtr

    variances = np.diag(covariance)
    levels = int((variances > 0).sum())
    place = int(np.abs(difference).argmax())
    change, variance = float(difference[place]), float(variances[place])
    if change == 0.0 or variance <= 0.0:
        return change, 1.0
    p_value = 2.0 * levels * float(stdtr(freedom, -abs(change) / math.sqrt(variance)))
    return change, min(1.0, p_value)
