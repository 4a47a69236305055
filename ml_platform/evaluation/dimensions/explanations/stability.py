"""The stability of explanations over other rows, other shuffles, and another fit of the model.

Groups that do nothing have an order too, which is noise: a loss of less than 1.96 standard errors counts as none,
and all such groups share the last rank. Where no group is above that, there is no order to agree on: 0.
"""

from dataclasses import dataclass

import numpy as np

from ml_platform.arrays import Array
from ml_platform.errors import InsufficientData
from ml_platform.evaluation.dimensions.explanations.shuffling import Shuffled
from ml_platform.evaluation.intervals.bootstrap import LEVEL
from ml_platform.evaluation.intervals.draws import multinomial_counts
from ml_platform.evaluation.report_parts import Estimate

SPLITS = 100
RESAMPLES = 60
SPLITS_OF_RESAMPLE = 8
LEAST_CLUSTERS = 20
TOP = 5
Z = 1.96


@dataclass(frozen=True)
class Stability:
    """Agreement of two explanations of the same model; see `stability_of`."""

    halves: Estimate
    """Rank correlation between two halves of the clusters, each with shuffles of its own, in [-1, 1]."""
    reseeding: Estimate
    """The rank correlation between shuffles of the same rows by other seeds, in [-1, 1]."""
    top_overlap: Estimate
    """Share of the five foremost groups of one half that are among those of the other, in [0, 1]."""


def stability_of(shuffled: Shuffled, metric: str, *, seed: int) -> Stability:
    """Mean agreement over `SPLITS` random halves of the clusters; its interval over resampled clusters.

    A half has shuffles of its own too: what agrees then is the model's, not one permutation's. A resample weighs
    the clusters, none is in both halves; it has fewer distinct ones, so the interval leans to the low side.

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
    drawn = multinomial_counts(generator, clusters, RESAMPLES)
    whole = losses(shuffled, metric, np.vstack([np.ones(clusters), drawn]))
    error = whole[1:].std(axis=0).mean(axis=1)
    order = np.argsort(generator.random((SPLITS, clusters)), axis=1, kind="stable")
    first = (order < clusters // 2).astype(np.float64)
    sides = []
    for half, repeats in _halves(first, len(shuffled.sums[0])):
        plain = losses(shuffled, metric, half, repeats)
        weighted = (drawn[:, None, :] * half[None, :SPLITS_OF_RESAMPLE]).reshape(-1, clusters)
        resampled = losses(shuffled, metric, weighted, repeats)
        both = np.concatenate([plain, resampled]).mean(axis=2)
        sides.append(shown(both, error * 2**0.5))
    pairs = shown(whole, error[:, None])
    count = pairs.shape[2]
    reseeded = [
        rank_correlation(pairs[:, :, a], pairs[:, :, b]) for a in range(count) for b in range(a)
    ]
    again = np.mean(reseeded, axis=0)
    return Stability(
        halves=_with_interval(rank_correlation(sides[0], sides[1])),
        reseeding=_estimate(float(again[0]), again[1:]),
        top_overlap=_with_interval(top_overlap(sides[0], sides[1])),
    )


def _halves(first: Array, repeats: int) -> tuple[tuple[Array, range], tuple[Array, range]]:
    """Yield each half of the clusters with the shuffles that explain it."""
    split = repeats // 2
    return (first, range(split)), (1.0 - first, range(split, repeats))


def _with_interval(values: Array) -> Estimate:
    """The mean of the first `SPLITS`, the interval of the means of the resamples that follow."""
    means = values[SPLITS:].reshape(RESAMPLES, -1).mean(axis=1)
    return _estimate(float(values[:SPLITS].mean()), means)


def _estimate(value: float, resampled: Array) -> Estimate:
    low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]).tolist()
    return Estimate(value, min(low, value), max(high, value))


def losses(shuffled: Shuffled, metric: str, weights: Array, repeats: range | None = None) -> Array:
    """What ``metric`` loses (weightings, groups, repeats), by all repeats or some.

    Each cluster is counted by ``weights`` (weightings, clusters).
    """
    wanted = range(len(shuffled.sums[0])) if repeats is None else repeats
    base = shuffled.base.metrics(weights @ shuffled.base.sums)[metric]
    values = [
        [base - of_group[r].metrics(weights @ of_group[r].sums)[metric] for r in wanted]
        for of_group in shuffled.sums
    ]
    lost: Array = np.nan_to_num(np.array(values).transpose(2, 0, 1))
    return lost


def shown(lost: Array, error: Array) -> Array:
    """Return the losses, with 0 for those below `Z` standard errors."""
    significant: Array = np.where(lost > Z * error, lost, 0.0)
    return significant


def rank_correlation(left: Array, right: Array) -> Array:
    """Spearman's, by row of (n, groups), ties at their mean rank; 0 where one side has no order at all."""
    from scipy.stats import rankdata

    one, two = (rankdata(side, axis=1) for side in (left, right))
    one, two = (side - side.mean(axis=1, keepdims=True) for side in (one, two))
    spread = np.sqrt((one**2).sum(axis=1) * (two**2).sum(axis=1))
    correlation: Array = np.where(
        spread > 0, (one * two).sum(axis=1) / np.where(spread > 0, spread, 1), 0.0
    )
    return correlation


def top_overlap(left: Array, right: Array, top: int = TOP) -> Array:
    """Share of the ``top`` foremost of one that are among those of the other, by row of (n, groups)."""
    count = min(top, left.shape[1])
    first, second = (np.argsort(-side, axis=1, kind="stable")[:, :count] for side in (left, right))
    overlap: Array = (first[:, :, None] == second[:, None, :]).any(axis=2).mean(axis=1)
    return overlap
