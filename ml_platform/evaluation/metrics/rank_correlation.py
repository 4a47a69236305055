"""Spearman's rank correlation, with what each row contributes to it.

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
    """Of the products of ranks, less a quarter: their values, and what each row adds to them, shape (n,).

    With weights w over rows, product = value + sum(w influence) / sum(w), to first order.
    """

    values: tuple[float, float, float]
    """Of both sides, of the first with itself, of the second with itself."""
    both: Array
    first: Array
    second: Array


def spearman_influence(one: Array, other: Array) -> RankInfluence | None:
    """Of two sides of n rows; ``None`` where one of them does not vary: there is no correlation."""
    if len(one) < 2 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    first, second = _shares_below(one), _shares_below(other)
    both = first * second + _means_above(one, second) + _means_above(other, first)
    own = first**2 + 2.0 * _means_above(one, first)
    truth = second**2 + 2.0 * _means_above(other, second)
    means = [float((a * b).mean()) for a, b in ((first, second), (first, first), (second, second))]
    return RankInfluence(
        values=(means[0] - 0.25, means[1] - 0.25, means[2] - 0.25),
        both=both - 3.0 * means[0],
        first=own - 3.0 * means[1],
        second=truth - 3.0 * means[2],
    )


def _shares_below(values: Array) -> Array:
    """Share of the rows below each, ties by half: the distribution function, shape (n,)."""
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    below = np.cumsum(counts) - counts / 2.0
    found: Array = below[group] / len(values)
    return found


def _means_above(values: Array, of: Array) -> Array:
    """Mean over all rows of ``of`` where the row lies above (ties by half), else of 0; shape (n,)."""
    _, group = np.unique(values, return_inverse=True)
    sums = np.bincount(group, of)
    above = sums.sum() - np.cumsum(sums) + sums / 2.0
    found: Array = above[group] / len(values)
    return found
