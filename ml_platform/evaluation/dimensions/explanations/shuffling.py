"""Shuffling a group of features among the rows, with its effect on metrics and on the predictions themselves.

Quality needs labels and gives permutation importance (Breiman 2001; Fisher, Rudin, Dominici 2019). How far
answers move needs none: it can be measured again on rows whose labels are not known yet, so drift of explanations
rests on it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.arrays import Array, Codes
from ml_platform.evaluation.dimensions.explanations.groups import FeatureGroup
from ml_platform.evaluation.metrics.sufficient_statistics import SufficientStatistics
from ml_platform.evaluation.tasks.evaluator import Evaluator, Predictions
from ml_platform.evaluation.tasks.scorers import score
from ml_platform.spec.model import Scorer

if TYPE_CHECKING:
    import pandas as pd

REPEATS = 3
"""The number of shuffles of each group, each by a seed of its own."""


@dataclass(frozen=True)
class Shuffled:
    """Sufficient statistics by cluster of the unchanged predictions, and with each group shuffled."""

    groups: tuple[FeatureGroup, ...]
    predictions: Array
    """(rows, classes), as they are."""
    base: SufficientStatistics
    sums: tuple[tuple[SufficientStatistics, ...], ...]
    """The statistics after shuffling, by group, then by repeat."""
    moved: Array
    """(clusters, groups): how far the predictions of a cluster's rows move, summed over rows, mean over repeats."""
    rows: int


def shuffle_groups(
    scorer: Scorer,
    rows: "pd.DataFrame",
    classes: tuple[str, ...],
    clusters: Codes,
    groups: Sequence[FeatureGroup],
    evaluator: Evaluator,
    *,
    bounded: bool,
    seed: int,
    repeats: int = REPEATS,
) -> Shuffled:
    """Shuffle every group in turn, all its features by one permutation of ``rows``; ``clusters`` (rows,) start
    at 0.
    """
    base = _predictions(scorer, rows, classes, bounded)
    moved = np.zeros((int(clusters.max()) + 1, len(groups)))
    sums: list[list[SufficientStatistics]] = [[] for _ in groups]
    for place, predictions in _with_each_shuffled(
        scorer, rows, classes, groups, bounded=bounded, seed=seed, repeats=repeats
    ):
        sums[place].append(evaluator.sufficient_statistics(predictions))
        moved[:, place] += _movement(base, predictions, clusters, len(moved))
    return Shuffled(
        groups=tuple(groups),
        predictions=base.values,
        base=evaluator.sufficient_statistics(base),
        sums=tuple(tuple(repeats_of_group) for repeats_of_group in sums),
        moved=moved / repeats,
        rows=len(rows),
    )


def movements(
    scorer: Scorer,
    rows: "pd.DataFrame",
    classes: tuple[str, ...],
    clusters: Codes,
    groups: Sequence[FeatureGroup],
    *,
    bounded: bool,
    seed: int,
    repeats: int = REPEATS,
) -> Array:
    """`Shuffled.moved` alone, shape (clusters, groups): it needs no label, so that it can be taken of any rows."""
    base = _predictions(scorer, rows, classes, bounded)
    moved = np.zeros((int(clusters.max()) + 1, len(groups)))
    for place, predictions in _with_each_shuffled(
        scorer, rows, classes, groups, bounded=bounded, seed=seed, repeats=repeats
    ):
        moved[:, place] += _movement(base, predictions, clusters, len(moved))
    return moved / repeats


def _with_each_shuffled(
    scorer: Scorer,
    rows: "pd.DataFrame",
    classes: tuple[str, ...],
    groups: Sequence[FeatureGroup],
    *,
    bounded: bool,
    seed: int,
    repeats: int,
) -> Iterator[tuple[int, Predictions]]:
    """The place of each group, ``repeats`` times, with the predictions for ``rows`` whose group is shuffled."""
    for place, group in enumerate(groups):
        for repeat in range(repeats):
            order = np.random.default_rng((seed, place, repeat)).permutation(len(rows))
            shuffled = with_order(rows, group.features, order)
            yield place, _predictions(scorer, shuffled, classes, bounded)


def _predictions(
    scorer: Scorer, rows: "pd.DataFrame", classes: tuple[str, ...], bounded: bool
) -> Predictions:
    values = score("candidate", scorer, rows, classes, bounded=bounded)
    return Predictions(values, getattr(scorer, "threshold", None))


def _movement(before: Predictions, after: Predictions, clusters: Codes, count: int) -> Array:
    """How far the predictions of each cluster's rows moved, summed: shape (clusters,)."""
    moves = distance(before.values, after.values)
    return np.bincount(clusters, moves, count).astype(np.float64)


def with_order(rows: "pd.DataFrame", features: Sequence[str], order: Codes) -> "pd.DataFrame":
    """``rows`` with the values of ``features`` taken in another order; dtypes and everything else stay."""
    reordered = rows.copy(deep=False)
    for name in features:
        reordered[name] = rows[name].take(order).set_axis(rows.index)
    return reordered


def distance(before: Array, after: Array) -> Array:
    """Return half the sum of absolute differences by row, the total variation where values are probabilities.

    What is not offered (below 0) counts as 0.
    """
    difference = np.abs(np.maximum(before, 0.0) - np.maximum(after, 0.0)).sum(axis=1)
    half: Array = difference / 2 if before.shape[1] > 1 else difference
    return half
