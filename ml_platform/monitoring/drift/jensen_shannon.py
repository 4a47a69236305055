"""Jensen-Shannon distance of two binned distributions."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def jensen_shannon(baseline: Floats, current: Floats) -> float:
    """Square root of the Jensen-Shannon divergence to base 2, in [0, 1], of shares or counts over the same bins.

    0 means the same distribution, 1 that no bin holds rows of both. It is a metric, and unlike the PSI it is finite
    where a bin is empty on one side. Nothing present on a side gives 0: there is nothing to compare.

    Source: Endres and Schindelin (2003), "A new metric for probability distributions".
    """
    from scipy.special import rel_entr

    if not baseline.sum() or not current.sum():
        return 0.0
    p, q = baseline / baseline.sum(), current / current.sum()
    middle = (p + q) / 2
    divergence = float((rel_entr(p, middle) + rel_entr(q, middle)).sum()) / 2
    return float(np.sqrt(max(divergence, 0.0) / np.log(2.0)))
