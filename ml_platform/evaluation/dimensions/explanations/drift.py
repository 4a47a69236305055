"""Drift of explanations: predictions come to depend on other features than when the model was evaluated.

Features may keep their distributions, and metrics their values, while one takes over from the others. What is
compared are shares of movement (`ml_platform.evaluation.dimensions.explanations.shuffling`), which need no
label; clusters are
the unit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ml_platform.arrays import Array
from ml_platform.errors import InsufficientData, IntegrityError
from ml_platform.evaluation.dimensions.explanations.groups import FeatureGroup
from ml_platform.evaluation.dimensions.explanations.importance import shares_of
from ml_platform.evaluation.report_parts import ReportTable

TITLE = "Baseline of the explanations"
MOST_CLUSTERS = 200
LEAST_CLUSTERS = 20
PERMUTATIONS = 999
LEVEL = 0.01
"""The false-alarm rate: the share of windows without drift that may be reported."""
SIZE = 0.1
"""Share of all movement that must have gone over to other features: less is no matter, however sure."""


@dataclass(frozen=True)
class ExplanationBaseline:
    """How far each cluster's predictions move when each group of features is shuffled; stored with the report."""

    groups: tuple[str, ...]
    moved: tuple[tuple[float, ...], ...]
    """The movement of each cluster (at most 200 of them), by group."""

    @property
    def shares(self) -> tuple[float, ...]:
        """The share of each group in all movement; the shares sum to 1."""
        return tuple(shares_of(np.array(self.moved).sum(axis=0)).tolist())


@dataclass(frozen=True)
class ExplanationDrift:
    """Two explanations of one model, at two times."""

    reported: bool
    distance: float
    """Share of all movement that went over to other groups: total variation of the shares, in [0, 1]."""
    p_value: float
    """The probability of such a distance, or a larger one, if clusters of both times were alike."""
    shares: tuple[tuple[str, float, float], ...]
    """Each group with its share before and now; the one that grew most comes first."""


def baseline_of(groups: Sequence[FeatureGroup], moved: Array, *, seed: int) -> ExplanationBaseline:
    """The baseline from ``moved`` (clusters, groups), as in `Shuffled`; of more than 200 clusters 200 are drawn."""
    if len(moved) > MOST_CLUSTERS:
        kept = np.random.default_rng((seed, 3)).choice(len(moved), MOST_CLUSTERS, replace=False)
        moved = moved[np.sort(kept)]
    rounded = tuple(tuple(float(f"{value:.5g}") for value in row) for row in moved.tolist())
    return ExplanationBaseline(tuple(group.name for group in groups), rounded)


def explanation_drift(
    baseline: ExplanationBaseline, now: ExplanationBaseline, *, seed: int
) -> ExplanationDrift:
    """Test whether predictions depend on other features now, by 999 permutations of the clusters of both times.

    Reported where the distance is at least `SIZE` and its p-value at most `LEVEL`.

    Raises:
        IntegrityError: the two do not have the same groups of features.
        InsufficientData: fewer than 20 clusters on either side.

    Source: Phipson and Smyth (2010), "Permutation p-values should never be zero".
    """
    if baseline.groups != now.groups:
        raise IntegrityError(
            f"The baseline explains {len(baseline.groups)} groups of features, now there are {len(now.groups)} "
            "or others.",
            remedy="compare with the baseline of the version in production",
        )
    fewest = min(len(baseline.moved), len(now.moved))
    if fewest < LEAST_CLUSTERS:
        raise InsufficientData(
            f"{fewest} clusters; drift of explanations is measured from {LEAST_CLUSTERS} on.",
            remedy="a longer window",
        )
    before, after = np.array(baseline.moved), np.array(now.moved)
    both = np.vstack([before, after])
    distance = float(_distance(before.sum(axis=0), after.sum(axis=0)))
    generator = np.random.default_rng(seed)
    order = np.argsort(generator.random((PERMUTATIONS, len(both))), axis=1, kind="stable")
    first = (order < len(before)).astype(np.float64)
    permuted = _distance(first @ both, (1.0 - first) @ both)
    p_value = (1 + int((permuted >= distance - 1e-12).sum())) / (1 + PERMUTATIONS)
    shares = list(zip(baseline.groups, baseline.shares, now.shares, strict=True))
    shares.sort(key=lambda change: (change[1] - change[2], change[0]))
    return ExplanationDrift(distance >= SIZE and p_value <= LEVEL, distance, p_value, tuple(shares))


def to_table(baseline: ExplanationBaseline) -> ReportTable:
    """Return the baseline as the table that is stored with the report."""
    return ReportTable(TITLE, baseline.groups, baseline.moved)


def of_table(table: ReportTable) -> ExplanationBaseline:
    """Return the baseline that `to_table` stored."""
    moved = tuple(tuple(float(value or 0.0) for value in row) for row in table.rows)
    return ExplanationBaseline(table.columns, moved)


def _distance(left: Array, right: Array) -> Array:
    distance: Array = np.abs(shares_of(left) - shares_of(right)).sum(axis=-1) / 2
    return distance
