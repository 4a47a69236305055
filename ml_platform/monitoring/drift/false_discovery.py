"""Many features are tested at once: p-values adjusted so that a quiet report stays quiet."""

from collections.abc import Sequence

import numpy as np

from ml_platform.monitoring.drift.chi_squared import Floats

_EVEN_SHARE = 0.2
"""The part of the rate that all tests share alike, however much noise they have."""
_MOST = 60.0
"""Effects of more standard errors are as certain as any."""
_FAR = 1e4
"""Beyond it on either side all weights of effects up to `_MOST` are zero, or the greatest there can be."""


def benjamini_hochberg(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjusted p-values in the order given: those at most a are the discoveries at rate a.

    Where nothing has drifted, the chance that any is at most a is a for independent or positively
    dependent features, and never more than a (1 + 1/2 + ... + 1/m), whatever the dependence.

    Source: Benjamini & Hochberg (1995); Benjamini & Yekutieli (2001), theorem 1.3, for the factor.
    """
    count = len(p_values)
    adjusted = [1.0] * count
    smallest = 1.0
    for rank, place in zip(
        range(count, 0, -1),
        sorted(range(count), key=lambda i: p_values[i], reverse=True),
        strict=True,
    ):
        smallest = min(smallest, p_values[place] * count / rank)
        adjusted[place] = smallest
    return tuple(adjusted)


def weighted_benjamini_hochberg(
    p_values: Sequence[float], weights: Sequence[float]
) -> tuple[float, ...]:
    """Adjusted p-values, where tests have ``weights`` with a mean of 1; none is below its own p-value.

    Weights must not depend on how far a test's own estimate lies from the null.

    Source: Genovese, Roeder & Wasserman (2006), "False discovery control with p-value weighting".
    """
    shared = [min(1.0, p / weight) for p, weight in zip(p_values, weights, strict=True)]
    return tuple(map(max, benjamini_hochberg(shared), p_values))


def weights_by_noise(noise: Sequence[float], *, effect: float, alpha: float) -> tuple[float, ...]:
    """Return how much of the rate ``alpha`` each test gets, at least .2; their mean is 1.

    A test whose estimate has a small standard error, its ``noise``, finds a change of the size ``effect`` with far
    less than an even share of the rate; those with more noise need more. Of the rate to be shared out, the
    weights m / alpha P(Z > x / 2 + c / x), where x is ``effect`` over noise, m the number of tests, Z standard
    normal and c such that their mean is 1, find the most changes of that size.

    Source: Roeder & Wasserman (2009), "Genome-wide significance levels and weighted hypothesis testing".
    """
    from scipy.optimize import brentq
    from scipy.special import ndtr

    if not noise:
        return ()
    certainty = np.minimum(effect / np.maximum(noise, effect / _MOST), _MOST)

    def best(place: float) -> Floats:
        found: Floats = len(noise) / alpha * ndtr(-(certainty / 2.0 + place / certainty))
        return found

    place = brentq(lambda tried: float(best(tried).mean()) - 1.0, -_FAR, _FAR)
    found = best(place)
    return tuple((_EVEN_SHARE + (1.0 - _EVEN_SHARE) * found / found.mean()).tolist())
