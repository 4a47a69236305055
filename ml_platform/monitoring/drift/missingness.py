"""Is more, or less, of a feature missing than there was?"""

import math


def missingness(
    baseline: float, current: float, variance_baseline: float, variance_current: float
) -> tuple[float, float]:
    """Change of the missing share, in [-1, 1], and its two-sided p-value.

    The variances are those of the two shares over clusters. Where neither varies the p-value is 1
    for equal shares and 0 for different ones.
    """
    change = current - baseline
    spread = math.sqrt(variance_baseline + variance_current)
    if change == 0.0:
        return 0.0, 1.0
    if spread == 0.0:
        return change, 0.0
    return change, math.erfc(abs(change) / spread / math.sqrt(2.0))
