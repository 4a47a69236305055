"""Population stability index, corrected for sample size.

The monitoring report uses `clustered_psi`; `population_stability_index` is for tables of independent rows.
"""

import numpy as np

from ml_platform.arrays import Array
from ml_platform.errors import InsufficientData

_ROWS_PER_BIN = 10


def minimum_rows(bins: int) -> int:
    """The rows that each side needs before its index over ``bins`` bins can be trusted: ten per bin."""
    return _ROWS_PER_BIN * bins


def population_stability_index(baseline: Array, current: Array) -> float:
    """Symmetric divergence of two binned distributions of counts of independent rows, corrected for sample size.

    0 means the same distribution; the expectation under no drift is 0 (the raw index has a bias of
    about (bins - 1) (1/n + 1/m), subtracted here). Bins empty on one side count half an observation.
    Of a normal feature it is about the square of the shift in standard deviations.

    Raises:
        InsufficientData: fewer than `minimum_rows(bins)` rows on either side.

    Source: Yurdakul (2018), "Statistical properties of population stability index" (its chi-squared null).
    """
    seen = (baseline > 0) | (current > 0)
    bins, n, m = int(seen.sum()), float(baseline.sum()), float(current.sum())
    if min(n, m) < minimum_rows(bins):
        raise InsufficientData(
            f"The index over {bins} bins needs {minimum_rows(bins)} rows on each side, "
            f"there are {n:.0f} and {m:.0f}.",
            remedy="Use a longer window or fewer bins.",
        )
    return _divergence(baseline, current) - (bins - 1) * (1 / n + 1 / m)


def clustered_psi(
    baseline: Array, current: Array, covariance: Array, rows: tuple[int, int]
) -> float:
    """The index of the monitoring report: of two vectors of shares, corrected by the covariance of their
    difference.

    Near equality the index is the sum of d^2 / p, whose expectation under no drift is the trace of the
    covariance weighted by 1 / p, which is subtracted here: the bias of `population_stability_index` times the
    design effect. ``rows`` are the numbers of
    rows behind the shares, of which a bin empty on one side holds half a row.
    """
    pooled = (baseline * rows[0] + current * rows[1]) / sum(rows)
    seen = pooled > 0
    bias = float((np.diag(covariance)[seen] / pooled[seen]).sum())
    return _divergence(baseline * rows[0], current * rows[1]) - bias


def _divergence(baseline: Array, current: Array) -> float:
    seen = (baseline > 0) | (current > 0)
    left, right = np.maximum(baseline[seen], 0.5), np.maximum(current[seen], 0.5)
    p, q = left / baseline.sum(), right / current.sum()
    return float(((q - p) * np.log(q / p)).sum())
