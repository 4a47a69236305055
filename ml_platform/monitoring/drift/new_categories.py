"""Do rows hold levels that the baseline never had?"""

import math


def new_categories(
    baseline: float, current: float, variance: float, *, freedom: float
) -> tuple[float, float]:
    """Growth of the share of levels outside a closed vocabulary, in [-1, 1], and its one-sided p-value.

    ``baseline`` is the share that is expected of a quiet window (0: the vocabulary is what the baseline has),
    ``variance`` that of ``current`` over clusters, known with ``freedom`` degrees of freedom. One session with a
    new level, however long, is as likely as not: its share is one standard error.
    """
    from scipy.special import stdtr

    change = current - baseline
    if change <= 0.0:
        return change, 1.0
    if variance <= 0.0:
        return change, 0.0
    return change, float(stdtr(freedom, -change / math.sqrt(variance)))
