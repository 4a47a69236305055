"""Spearman's rank correlation, with the influence of each row.

With F and G the distribution functions of the two sides (ties count half), rho is the correlation of F(x) and
G(y), that is (E FG - 1/4) / sqrt((E FF - 1/4)(E GG - 1/4)). Each expectation is a functional of the weights of the
rows, differentiated here to first order, ranks included: to hold the ranks fixed would leave out part of the
variance (Croux and Dehon 2010, "Influence functions of the Spearman and Kendall correlation measures").
"""

from dataclasses import dataclass

import numpy as np

from ml_platform.arrays import Array


@dataclass(frozen=True)
class RankInfluence:
    """The mean products of ranks, minus a quarter, and the influence of each row on them, shape (n,).

    With weights w over rows, product = value + sum(w influence) / sum(w), to first order.
    """

    values: tuple[float, float, float]
    """The product of both sides, of the first with itself, and of the second with itself."""
    both: Array
    first: Array
    second: Array


def spearman_influence(one: Array, other: Array) -> RankInfluence | None:
    """Compute the influence of two sides of n rows; ``None`` where one does not vary, so has no correlation."""
    if len(one) < 2 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    first, second = _shares_below(one), _shares_below(other)
    product = first * second + _means_above(one, second) + _means_above(other, first)
    first_product = first**2 + 2.0 * _means_above(one, first)
    second_product = second**2 + 2.0 * _means_above(other, second)
    means = [float((a * b).mean()) for a, b in ((first, second), (first, first), (second, second))]
    return RankInfluence(
        values=(means[0] - 0.25, means[1] - 0.25, means[2] - 0.25),
        both=product - 3.0 * means[0],
        first=first_product - 3.0 * means[1],
        second=second_product - 3.0 * means[2],
    )


def _shares_below(values: Array) -> Array:
    """Return the share of rows below each row, ties counted half: the distribution function, shape (n,)."""
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    below = np.cumsum(counts) - counts / 2.0
    shares: Array = below[group] / len(values)
    return shares


def _means_above(values: Array, weights: Array) -> Array:
    """Return the sum of ``weights`` over the rows above each row (ties counted half), over n; shape (n,)."""
    _, group = np.unique(values, return_inverse=True)
    sums = np.bincount(group, weights)
    above = sums.sum() - np.cumsum(sums) + sums / 2.0
    means: Array = above[group] / len(values)
    return means
