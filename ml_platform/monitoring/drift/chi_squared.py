"""Two-sample chi-squared over bins: for independent rows, and corrected for rows in clusters."""

import numpy as np
import numpy.typing as npt

from ml_platform.errors import InsufficientData

Floats = npt.NDArray[np.float64]


def two_sample_chi_squared(baseline: Floats, current: Floats) -> tuple[float, float]:
    """Pearson's statistic of the 2 x bins table of counts, and its p-value for independent rows.

    Both samples are random; taking the baseline as exact would make false alarms of every second quiet
    window at twelve levels. Bins empty on both sides are left out.

    Raises:
        InsufficientData: one side has no rows.

    Source: Pearson (1911), "On the probability that two independent distributions of frequency are
    really samples from the same population".
    """
    from scipy.special import chdtrc

    n, m = float(baseline.sum()), float(current.sum())
    if not n or not m:
        raise InsufficientData(
            f"A chi-squared test needs rows on both sides, there are {n:.0f} and {m:.0f}.",
            remedy="Compare windows in which the feature is present; missingness has its own test.",
        )
    pooled = (baseline + current) / (n + m)
    seen = pooled > 0
    gaps = (current / m - baseline / n)[seen]
    statistic = float((gaps**2 / pooled[seen]).sum() / (1 / n + 1 / m))
    freedom = int(seen.sum()) - 1
    return statistic, float(chdtrc(freedom, statistic)) if freedom else 1.0


def clustered_chi_squared(
    difference: Floats, covariance: Floats, pooled: Floats, *, freedom: float
) -> tuple[float, float]:
    """Pearson's statistic scaled to its mean and variance under the covariance given, and its p-value.

    ``difference`` (bins,) is current minus baseline shares, ``covariance`` (bins, bins) of it and
    ``pooled`` (bins,) the shares that weigh it. Under no drift the sum of d^2 / p is a weighted sum of
    chi-squared variables, the weights being eigenvalues of the weighted covariance; the first two
    moments of that sum give the scale and the degrees of freedom. With multinomial covariance this
    is `two_sample_chi_squared`. The covariance is known with ``freedom`` degrees of freedom, so the
    reference is an F distribution, which is the chi-squared one when there are many.

    Source: Rao & Scott (1984), "On chi-squared tests for multiway contingency tables with cell
    proportions estimated from survey data" (second-order correction, Satterthwaite).
    """
    from scipy.special import fdtrc

    seen = pooled > 0
    if int(seen.sum()) < 2:
        return 0.0, 1.0
    weight = 1.0 / np.sqrt(pooled[seen])
    raw = float(((difference[seen] * weight) ** 2).sum())
    scaled = covariance[np.ix_(seen, seen)] * weight[:, None] * weight
    trace, square = float(np.trace(scaled)), float((scaled**2).sum())
    if raw == 0.0 or trace <= 0.0:
        return raw, 1.0 if raw == 0.0 else 0.0
    scale, effective = square / trace, trace**2 / square
    statistic = raw / scale
    return statistic, float(fdtrc(effective, freedom, statistic / effective))
