"""Permutation importance with intervals: what a metric loses when a group of features is shuffled."""

from dataclasses import dataclass

import numpy as np

from ml_platform.arrays import Array
from ml_platform.evaluation.dimensions.explanations.groups import FeatureGroup
from ml_platform.evaluation.dimensions.explanations.shuffling import Shuffled
from ml_platform.evaluation.intervals.bootstrap import LEVEL, Replicates, interval, replicate
from ml_platform.evaluation.intervals.draws import multinomial_counts
from ml_platform.evaluation.report_parts import Estimate


@dataclass(frozen=True)
class Importance:
    """The importance of one group of features."""

    group: FeatureGroup
    loss: Estimate
    """The loss of the metric, the mean over shuffles; its interval resamples clusters."""
    share: Estimate
    """The group's share of all movement of the predictions, in [0, 1]; it needs no label."""


def importances(
    shuffled: Shuffled, metric: str, *, seed: int, resamples: int
) -> tuple[Importance, ...]:
    """Compute the importance of every group, in the order of ``shuffled``."""
    base = replicate(shuffled.base, seed=seed, resamples=resamples)[metric]
    shares = _share_estimates(shuffled.moved, seed=seed, resamples=resamples)
    result = []
    for group, of_group, share in zip(shuffled.groups, shuffled.sums, shares, strict=True):
        repeats = [
            replicate(shuffle, seed=seed, resamples=resamples)[metric] for shuffle in of_group
        ]
        result.append(Importance(group, interval(metric, base.minus(_mean(repeats))), share))
    return tuple(result)


def shares_of(totals: Array) -> Array:
    """Return totals (..., groups) as shares of their sum; equal ones where nothing moves at all."""
    whole = totals.sum(axis=-1, keepdims=True)
    even = np.full_like(totals, 1.0 / totals.shape[-1])
    shares: Array = np.where(whole > 0, totals / np.where(whole > 0, whole, 1.0), even)
    return shares


def _share_estimates(moved: Array, *, seed: int, resamples: int) -> list[Estimate]:
    """Percentiles over resampled clusters."""
    clusters = len(moved)
    drawn = multinomial_counts(np.random.default_rng(seed), clusters, resamples)
    resampled = shares_of(drawn @ moved)
    low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    values = shares_of(moved.sum(axis=0))
    return [
        Estimate(float(v), float(min(a, v)), float(max(b, v)))
        for v, a, b in zip(values, low, high, strict=True)
    ]


def _mean(repeats: list[Replicates]) -> Replicates:
    return Replicates(
        float(np.mean([repeat.value for repeat in repeats])),
        np.mean([repeat.resampled for repeat in repeats], axis=0),
        np.mean([repeat.left_out for repeat in repeats], axis=0),
    )
