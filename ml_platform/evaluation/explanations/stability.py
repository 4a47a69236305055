"""Whether an explanation is the same again: on other rows, by other shuffles, of a model fitted again.

Groups that do nothing have an order too, which is noise: a loss of less than 1.96 standard errors counts as none, and
all such groups share the last rank. Where no group is above that, there is no order to agree on: 0.
"""

from dataclasses import dataclass

import numpy as np

from ml_platform.errors import InsufficientData
from ml_platform.evaluation.explanations.shuffling import Shuffled
from ml_platform.evaluation.intervals import LEVEL
from ml_platform.evaluation.metrics import Array
from ml_platform.evaluation.report_parts import Estimate

SPLITS = 200
LEAST_CLUSTERS = 20
TOP = 5
Z = 1.96


@dataclass(frozen=True)
class Stability:
    """Agreement of two explanations of the same model; see `stability_of`."""

    halves: Estimate
    """Rank correlation between two halves of the clusters, each with shuffles of its own, in [-1, 1]."""
    reseeding: Estimate
    """The same between shuffles of the same rows by other seeds."""
    top_overlap: Estimate
    """Share of the five foremost groups of one half that are among those of the other, in [0, 1]."""


def stability_of(shuffled: Shuffled, metric: str, *, seed: int) -> Stability:
    """Over `SPLITS` random halves of the clusters: the median, and where 95 % of them lie.

    Raises:
        InsufficientData: fewer than `LEAST_CLUSTERS` clusters, or fewer than three groups of features.
    """
    clusters, groups = shuffled.moved.shape
    if clusters < LEAST_CLUSTERS or groups < 3:
        raise InsufficientData(
            f"{clusters} clusters and {groups} groups of features; an order of importance is held against another "
            f"from {LEAST_CLUSTERS} clusters and 3 groups on.",
            remedy="a larger test part",
        )
    generator = np.random.default_rng((seed, 1))
    order = np.argsort(generator.random((SPLITS, clusters)), axis=1, kind="stable")
    first = (order < clusters // 2).astype(np.float64)
    half, other = losses(shuffled, metric, first), losses(shuffled, metric, 1.0 - first)
    repeats = half.shape[2]
    # A half has its own shuffles too: what agrees then is the model's, not one permutation's.
    split = repeats // 2 if repeats > 1 else 1
    one = half[:, :, :split].mean(axis=2)
    two = other[:, :, split:].mean(axis=2) if repeats > 1 else other.mean(axis=2)
    drawn = generator.multinomial(clusters, np.full(clusters, 1.0 / clusters), SPLITS)
    again = losses(shuffled, metric, np.vstack([np.ones(clusters), drawn.astype(np.float64)]))
    error = again[1:].std(axis=0).mean(axis=1)
    one, two = (shown(side, error * 2**0.5) for side in (one, two))
    again = shown(again, error[:, None])
    pairs = [(a, b) for a in range(repeats) for b in range(a)]
    reseeded = np.mean(
        [rank_correlation(again[:, :, a], again[:, :, b]) for a, b in pairs] or [np.ones(len(again))],
        axis=0,
    )
    low, high = _middle(reseeded[1:])
    value = float(reseeded[0])
    return Stability(
        halves=_spread(rank_correlation(one, two)),
        reseeding=Estimate(value, min(low, value), max(high, value)),
        top_overlap=_spread(top_overlap(one, two)),
    )


def losses(shuffled: Shuffled, metric: str, weights: Array) -> Array:
    """What ``metric`` loses (weightings, groups, repeats), each cluster counted by ``weights`` (weightings, clusters)."""
    base = shuffled.base.metrics(weights @ shuffled.base.sums)[metric]
    found = [
        [base - each.metrics(weights @ each.sums)[metric] for each in of_group]
        for of_group in shuffled.sums
    ]
    return np.nan_to_num(np.array(found).transpose(2, 0, 1))


def shown(lost: Array, error: Array) -> Array:
    """Losses, and 0 for those below `Z` standard errors."""
    found: Array = np.where(lost > Z * error, lost, 0.0)
    return found


def rank_correlation(left: Array, right: Array) -> Array:
    """Spearman's, by row of (n, groups), ties at their mean rank; 0 where one side has no order at all."""
    from scipy.stats import rankdata

    one, two = (rankdata(side, axis=1) for side in (left, right))
    one, two = (side - side.mean(axis=1, keepdims=True) for side in (one, two))
    spread = np.sqrt((one**2).sum(axis=1) * (two**2).sum(axis=1))
    found: Array = np.where(spread > 0, (one * two).sum(axis=1) / np.where(spread > 0, spread, 1), 0.0)
    return found


def top_overlap(left: Array, right: Array, top: int = TOP) -> Array:
    """Share of the ``top`` foremost of one that are among those of the other, by row of (n, groups)."""
    count = min(top, left.shape[1])
    first, second = (np.argsort(-side, axis=1, kind="stable")[:, :count] for side in (left, right))
    found: Array = (first[:, :, None] == second[:, None, :]).any(axis=2).mean(axis=1)
    return found


def _spread(values: Array) -> Estimate:
    low, high = _middle(values)
    return Estimate(float(np.median(values)), low, high)


def _middle(values: Array) -> tuple[float, float]:
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
