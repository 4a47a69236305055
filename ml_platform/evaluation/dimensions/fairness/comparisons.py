"""Comparisons of groups, each with the rest or in pairs; the worst comparison is the measure.

Values are fairlearn's: a difference is that of the largest and the smallest rate of a grouping, a ratio the
smallest over the largest. A group whose rate rests on too few rows or units is compared with none.
"""

from dataclasses import dataclass

import numpy as np

from ml_platform.arrays import Array, Codes
from ml_platform.evaluation.dimensions.fairness.bands import (
    Bands,
    critical_value,
    least_error,
    simultaneous_bands,
    widened,
)
from ml_platform.evaluation.dimensions.fairness.group_statistics import GroupStatistics, divided
from ml_platform.evaluation.report_parts import Estimate
from ml_platform.spec.fairness import FairnessPolicy


@dataclass(frozen=True)
class GroupComparison:
    """One group against the rest of its grouping, or against another group of it."""

    grouping: str
    group: str
    against: str
    """The other group, or `REST`."""
    rate: str
    of_group: float
    of_other: float
    value: float
    low: float
    high: float


REST = "the rest"


@dataclass(frozen=True)
class Measure:
    """The worst of some comparisons, and all of them, the worst first."""

    estimate: Estimate
    compared: tuple[GroupComparison, ...]


@dataclass(frozen=True)
class _Sides:
    """k rates that are compared with k others; resamples, least errors and units of both."""

    grouping: Codes
    group: Codes
    """(k,) among all groups."""
    against: Codes
    """(k,) the same, -1 for the rest."""
    rate: str
    value: Array
    """(2, k)."""
    resampled: Array
    """(2, resamples, k)."""
    sums: Array
    """(2, top or bottom, k)."""
    units: Array
    """(2, k)."""
    proportion: bool

    def least_of(self, i: int) -> Array:
        """Return the least standard error of the rates of side ``i``, (k,)."""
        spread = self.resampled[i].std(axis=0)
        top, bottom = self.sums[i]
        return least_error(top, bottom, self.units[i], spread, self.proportion)

    def error_of(self, i: int) -> Array:
        """Return the standard error of the rates of side ``i``, (k,)."""
        errors: Array = np.maximum(self.resampled[i].std(axis=0), self.least_of(i))
        return errors

    @property
    def least(self) -> Array:
        """Least standard error of the difference, (k,)."""
        errors: Array = np.hypot(self.least_of(0), self.least_of(1))
        return errors


def gap_to_the_rest(
    sums: GroupStatistics, rates: tuple[str, ...], policy: FairnessPolicy
) -> Measure | None:
    """Find the largest absolute gap of a group's rate to that of the rest; ``None`` without a large group."""
    return _largest(sums, [_to_the_rest(sums, rate, policy) for rate in rates])


def largest_difference(
    sums: GroupStatistics, rates: tuple[str, ...], policy: FairnessPolicy
) -> Measure | None:
    """Find the largest difference of two groups of a grouping in one of ``rates``; ``None`` without two large ones.

    Of two rates (true and false positives) each must have two groups large enough.
    """
    sides = [_pairs(sums, rate, policy) for rate in rates]
    if not all(len(side.group) for side in sides):
        return None
    return _largest(sums, sides)


def smallest_ratio(sums: GroupStatistics, rate: str, policy: FairnessPolicy) -> Measure | None:
    """Find the smallest ratio of the rates of two groups of a grouping, in [0, 1]; 1 is equal.

    Bounds are Fieller's: the ratios r for which the difference of the lower rate and r times the higher one
    is not shown to be other than 0, which holds for a rate of 0 as well.

    Source: Fieller (1954), with the critical value of all pairs at once.
    """
    side = _pairs(sums, rate, policy)
    if not len(side.group):
        return None
    critical = critical_value(side.value[0] - side.value[1], side.resampled[0] - side.resampled[1])
    reach = np.stack([side.error_of(i) * widened(critical, side.units[i]) for i in (0, 1)])
    correlation = _correlation(side.resampled[0], side.resampled[1])
    first_lower = side.value[0] <= side.value[1]
    lower, higher = np.sort(side.value, axis=0)
    of_lower = np.where(first_lower, reach[0], reach[1])
    of_higher = np.where(first_lower, reach[1], reach[0])
    value = np.where(higher > 0, lower / np.where(higher > 0, higher, 1.0), 1.0)
    low, high = _fieller(lower, higher, of_lower, of_higher, correlation)
    low, high = np.minimum(low, value), np.maximum(high, value)
    order = np.argsort(value, kind="stable")
    estimate = Estimate(float(value.min()), float(low.min()), float(high.min()))
    return Measure(estimate, _named(sums, [side], Bands(value, low, high), order))


def _fieller(
    lower: Array, higher: Array, of_lower: Array, of_higher: Array, correlation: Array
) -> tuple[Array, Array]:
    """Bounds of lower over higher; ``of_lower`` and ``of_higher`` are standard errors times the critical value.

    Where the ratio may be above 1 its upper bound is 1, and the lower one also that of its inverse.
    """
    square = higher**2 - of_higher**2
    some = square > 0
    safe = np.where(some, square, 1.0)
    half = lower * higher - correlation * of_lower * of_higher
    root = np.sqrt(np.maximum(half**2 - safe * (lower**2 - of_lower**2), 0.0))
    small, large = np.maximum((half - root) / safe, 0.0), (half + root) / safe
    inverse = np.where(large > 1, 1.0 / np.maximum(large, 1.0), 1.0)
    low = np.where(some, np.minimum(small, inverse), 0.0)
    high = np.where(some, np.clip(large, 0.0, 1.0), 1.0)
    return low, high


def _correlation(first: Array, second: Array) -> Array:
    """Return the correlation of the resamples of two rates, (k,): not 0 where a unit has rows of both groups."""
    centred = first - first.mean(axis=0), second - second.mean(axis=0)
    scale = first.std(axis=0) * second.std(axis=0)
    product = (centred[0] * centred[1]).mean(axis=0)
    correlation: Array = np.where(scale > 1e-18, product / np.where(scale > 1e-18, scale, 1.0), 0.0)
    return correlation


def _largest(sums: GroupStatistics, sides: list[_Sides]) -> Measure | None:
    sides = [side for side in sides if len(side.group)]
    if not sides:
        return None
    bands = simultaneous_bands(
        np.concatenate([side.value[0] - side.value[1] for side in sides]),
        np.concatenate([side.resampled[0] - side.resampled[1] for side in sides], axis=1),
        np.concatenate([side.least for side in sides]),
        np.concatenate([side.units.min(axis=0) for side in sides]),
    )
    value = np.abs(bands.values)
    # Proportions differ by 1 at most; a mean loss has no such bound.
    most = np.concatenate(
        [np.full(len(side.group), 1.0 if side.proportion else np.inf) for side in sides]
    )
    high = np.minimum(np.maximum(np.abs(bands.low), np.abs(bands.high)), most)
    low = np.where(bands.low * bands.high > 0, np.minimum(abs(bands.low), abs(bands.high)), 0.0)
    order = np.argsort(-value, kind="stable")
    estimate = Estimate(float(value.max()), float(low.max()), float(high.max()))
    return Measure(estimate, _named(sums, sides, Bands(value, low, high), order))


def _named(
    sums: GroupStatistics, sides: list[_Sides], bands: Bands, order: np.ndarray
) -> tuple[GroupComparison, ...]:
    flat = [(side, k) for side in sides for k in range(len(side.group))]
    measures = []
    for place in order.tolist():
        side, k = flat[place]
        against = int(side.against[k])
        measures.append(
            GroupComparison(
                grouping=sums.groupings[int(side.grouping[k])],
                group=sums.labels[int(side.group[k])],
                against=REST if against < 0 else sums.labels[against],
                rate=side.rate,
                of_group=float(side.value[0, k]),
                of_other=float(side.value[1, k]),
                value=float(bands.values[place]),
                low=float(bands.low[place]),
                high=float(bands.high[place]),
            )
        )
    return tuple(measures)


def _enough(bottom: Array, units: Array, policy: FairnessPolicy) -> np.ndarray:
    enough: np.ndarray = (bottom >= policy.minimum_rows) & (units >= policy.minimum_clusters)
    return enough


def _to_the_rest(sums: GroupStatistics, rate: str, policy: FairnessPolicy) -> _Sides:
    place = sums.rates.index(rate)
    of_group, rest = sums.own[:, :, place], sums.rest[:, :, place]
    own_units, rest_units = sums.counted[place][sums.large], sums.rest_counted[place]
    kept = _enough(of_group[0, 1], own_units, policy) & _enough(rest[0, 1], rest_units, policy)
    kept = np.flatnonzero(kept)
    group = sums.large[kept]
    both = np.stack([of_group[:, :, kept], rest[:, :, kept]])
    units = np.stack([own_units[kept], rest_units[kept]]).astype(np.float64)
    return _sides(sums, rate, group, np.full(len(group), -1, dtype=np.int64), both, units)


def _pairs(sums: GroupStatistics, rate: str, policy: FairnessPolicy) -> _Sides:
    place = sums.rates.index(rate)
    of_group, units = sums.own[:, :, place], sums.counted[place][sums.large]
    kept = np.flatnonzero(_enough(of_group[0, 1], units, policy))
    first, second = np.triu_indices(len(kept), 1)
    first, second = kept[first], kept[second]
    grouping = sums.grouping[sums.large]
    same = grouping[first] == grouping[second]
    first, second = first[same], second[same]
    both = np.stack([of_group[:, :, first], of_group[:, :, second]])
    of_both = np.stack([units[first], units[second]]).astype(np.float64)
    return _sides(sums, rate, sums.large[first], sums.large[second], both, of_both)


def _sides(
    sums: GroupStatistics, rate: str, group: Codes, against: Codes, both: Array, units: Array
) -> _Sides:
    """From ``both`` (2 sides, 1 + resamples, top or bottom, k)."""
    rates = divided(both[:, :, 0], both[:, :, 1])
    # A resample that left a side out tells nothing of it.
    rates = np.where(np.isnan(rates), rates[:, :1], rates)
    return _Sides(
        grouping=sums.grouping[group],
        group=group,
        against=against,
        rate=rate,
        value=rates[:, 0],
        resampled=rates[:, 1:],
        sums=both[:, 0],
        units=units,
        proportion=sums.proportion[sums.rates.index(rate)],
    )
