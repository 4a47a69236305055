"""Intervals that hold at every look at once: confidence sequences, for what is shown while an experiment runs."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import betaln, lambertw, xlog1py, xlogy

from ml_platform.errors import UsageError


@dataclass(frozen=True)
class Bounds:
    """An interval; with the confidence asked for it holds the true value at all times together."""

    low: float
    high: float


def mean_bounds(
    mean: float, variance: float, count: float, *, alpha: float, best_at: float
) -> Bounds:
    """Bounds of a mean of independent units, at every look together.

    They hold as the number of units grows (from some dozens on), whatever the distribution, if its variance is
    finite.

    Args:
        mean: Of the units so far.
        variance: Of one unit, estimated from those so far.
        count: Units so far, above 0; answers of one user are one unit.
        alpha: The probability that the bounds ever miss.
        best_at: The number of units at which the bounds shall be narrowest; they hold at every other, too.

    Source: Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024), "Time-uniform central limit theory and
    asymptotic confidence sequences", theorem 2.2.
    """
    _require(alpha, count)
    scale = best_scale(best_at, alpha)
    spread = count * scale**2 + 1
    radius = np.sqrt(
        variance * 2 * spread / (count**2 * scale**2) * np.log(np.sqrt(spread) / alpha)
    )
    return Bounds(float(mean - radius), float(mean + radius))


def best_scale(best_at: float, alpha: float) -> float:
    """The scale of the normal mixture whose bounds are narrowest at ``best_at`` units.

    Source: Howard, Ramdas, McAuliffe and Sekhon (2021), "Time-uniform, nonparametric, nonasymptotic confidence
    sequences", proposition 3.
    """
    branch = float(-lambertw(-(alpha**2) * np.exp(-1.0), -1).real)
    return float(np.sqrt((branch - 1) / best_at))


def proportion_bounds(
    hits: int, count: int, *, alpha: float, expected: float = 0.5, weight: float = 2.0
) -> Bounds:
    """Bounds of a proportion of independent trials (errors, answers slower than a limit), at every look
    together.

    Exact for any number of trials. A mixture over beta distributions is the evidence against each proportion.

    Args:
        hits: Trials that count, 0 to ``count``.
        count: Trials so far.
        alpha: The probability that the bounds ever miss.
        expected: The proportion around which the bounds shall be narrow.
        weight: Trials that ``expected`` is worth; more make the bounds narrower there, and wider elsewhere.

    Source: Robbins (1970), "Statistical methods related to the law of the iterated logarithm"; Howard et al.
    (2021), the two-sided beta-binomial mixture.
    """
    _require(alpha, max(count, 1))
    if not 0 <= hits <= count:
        raise UsageError(
            f"{hits} of {count} is no proportion.", remedy="count hits among the trials"
        )
    before = (expected * weight, (1 - expected) * weight)
    mixture = betaln(before[0] + hits, before[1] + count - hits) - betaln(*before)

    def evidence(proportion: float) -> float:
        likelihood = xlogy(hits, proportion) + xlog1py(count - hits, -proportion)
        return float(mixture - likelihood + np.log(alpha))

    share = hits / count if count else 0.5
    low = brentq(evidence, 0.0, share) if evidence(0.0) > 0 and share > 0 else 0.0
    high = brentq(evidence, share, 1.0) if evidence(1.0) > 0 and share < 1 else 1.0
    return Bounds(low, high)


def _require(alpha: float, count: float) -> None:
    if not 0 < alpha < 1 or count <= 0:
        raise UsageError(
            f"No bounds at alpha {alpha:g} from {count:g} units.",
            remedy="alpha lies between 0 and 1, and there is a unit at least",
        )
