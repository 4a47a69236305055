"""Is more, or less, of a feature missing than there was?"""

import math


def missingness(
    baseline: float, current: float, variance: float, *, freedom: float
) -> tuple[float, float]:
    """Change of the missing share, in [-1, 1], and its two-sided p-value.

    ``variance`` is that of the difference over clusters, known with ``freedom`` degrees of freedom.
    Where it is 0 the p-value is 1 for equal shares and 0 for different ones.
    """
    from scipy.special import stdtr

    change = current - baseline
    spread = math.sqrt(variance)
    if change == 0.0:
        return 0.0, 1.0
    if spread == 0.0:
        return change, 0.0
    return change, 2.0 * float(stdtr(freedom, -abs(change) / spread))
