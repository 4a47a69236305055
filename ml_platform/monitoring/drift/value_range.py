"""Do numbers lie outside everything that the baseline held?"""

import math


def outside_range(
    baseline: float, current: float, variance: float, *, freedom: float
) -> tuple[float, float]:
    """Excess of the share outside the baseline's range, in [-1, 1], and its one-sided p-value.

    ``baseline`` is the share that is expected of rows like those of the baseline (`expected_outside`),
    ``variance`` that of ``current`` over clusters, known with ``freedom`` degrees of freedom.
    """
    from scipy.special import stdtr

    excess = current - baseline
    if excess <= 0.0:
        return excess, 1.0
    if variance <= 0.0:
        return excess, 0.0
    return excess, float(stdtr(freedom, -excess / math.sqrt(variance)))


def expected_outside(clusters: int) -> float:
    """Expected share of new values below the least or above the greatest of ``clusters`` independent ones.

    Of n + 1 exchangeable values each is as likely to be the least, or the greatest, as any other: 2 / (n + 1).
    """
    return min(1.0, 2.0 / (clusters + 1))
