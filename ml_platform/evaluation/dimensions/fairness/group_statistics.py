"""Rates by group from sums: one pass over the rows, then resamples of independent units.

A rate is a quotient of two sums. The units that are resampled are users where every cluster is one user's,
else the model's clusters: groups are made of users, so a group of 20 users is 20 pieces of evidence however
many sessions they had. More than `BATCHES` units are put together at random into that many batches, whose sums
are as independent as the units' and tell the same variance.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ml_platform.arrays import Array, Codes
from ml_platform.evaluation.dimensions.fairness.groups import Grouping
from ml_platform.evaluation.intervals.draws import drawn_counts
from ml_platform.evaluation.tasks.group_metrics import Rate

BATCHES = 1_000
_MARKS = 50_000_000
"""Pairs of unit and group up to which each has a mark of its own, which is faster than a sort: 50 MB."""


@dataclass(frozen=True)
class GroupStatistics:
    """Sufficient statistics of r rates in g groups, those of all groupings one after the other, and in their h
    groupings.
    """

    rates: tuple[str, ...]
    proportion: tuple[bool, ...]
    groupings: tuple[str, ...]
    grouping: Codes
    """Shape (g,): the grouping that each group belongs to."""
    labels: tuple[str, ...]
    rows: Codes
    """Shape (g,): the rows of each group, whether or not they count for a rate."""
    units: Codes
    """Shape (g,): the units with a row in the group."""
    top: Array
    """Shape (r, g): the sums of the numerators; ``bottom`` holds those of the weights."""
    bottom: Array
    counted: Codes
    """Shape (r, g): the units with a row that counts for the rate."""
    large: Codes
    """Shape (m,): the groups with enough rows and units, the only ones that are resampled."""
    own: Array
    """(1 + resamples, 2, r, m): top and bottom of the large groups; of all rows first, then of each resample."""
    rest: Array
    """The same sums over the other rows of the group's grouping, small groups included."""
    rest_counted: Codes
    """Shape (r, m): the units that count outside the group only."""
    batches: int

    @property
    def count(self) -> int:
        """The number of groups."""
        return len(self.labels)

    def values(self, rate: str) -> Array:
        """Return the rate of each group (g,); NaN where no row counts for it."""
        place = self.rates.index(rate)
        return divided(self.top[place], self.bottom[place])


def divided(top: Array, bottom: Array) -> Array:
    """Divide ``top`` by ``bottom``; NaN where that is 0."""
    some = bottom > 0
    quotients: Array = np.where(some, top / np.where(some, bottom, 1.0), np.nan)
    return quotients


def units_of(clusters: Codes, users: Codes) -> Codes:
    """Return ``users`` if every cluster (rows,) is one user's, else ``clusters``."""
    of_cluster = np.full(int(clusters.max()) + 1, -1, dtype=np.int64)
    of_cluster[clusters] = users
    return users if (of_cluster[clusters] == users).all() else clusters


def group_sums(
    rates: Sequence[Rate],
    groupings: Sequence[Grouping],
    units: Codes,
    *,
    minimum_rows: int,
    minimum_units: int,
    seed: int,
    resamples: int,
) -> GroupStatistics:
    """Sufficient statistics of every rate in every group; of the large groups also those of each resample.

    Args:
        rates: what is compared, of the same rows.
        groupings: of the rows; at least one.
        units: (rows,) codes from 0 without gaps; rows of one unit depend on each other.
        minimum_rows: of a group that is compared.
        minimum_units: the same.
        seed: of batches and resamples.
        resamples: how many.
    """
    generator = np.random.default_rng(seed)
    cells = _Cells.of(rates, groupings, units)
    count = int(units.max()) + 1
    batches = min(count, BATCHES)
    batch = generator.permutation(count) % batches if count > batches else np.arange(count)
    parts = [
        _one(cells, k, batch, batches, minimum_rows, minimum_units) for k in range(len(groupings))
    ]
    weights = np.vstack([np.ones(batches), drawn_counts(generator, batches, resamples)])
    of_groups = weights @ np.concatenate([part.own for part in parts], axis=1)
    rest = weights @ np.concatenate([part.rest for part in parts], axis=1)
    shape = (len(weights), -1, 2, len(rates))
    starts = np.cumsum([0, *(g.count for g in groupings)])
    return GroupStatistics(
        rates=tuple(rate.name for rate in rates),
        proportion=tuple(rate.proportion for rate in rates),
        groupings=tuple(g.name for g in groupings),
        grouping=np.repeat(np.arange(len(groupings)), [g.count for g in groupings]),
        labels=tuple(label for g in groupings for label in g.labels),
        rows=np.concatenate([part.rows for part in parts]),
        units=np.concatenate([part.units for part in parts]),
        top=np.concatenate([part.sums[:, 0] for part in parts], axis=1),
        bottom=np.concatenate([part.sums[:, 1] for part in parts], axis=1),
        counted=np.concatenate([part.counted for part in parts], axis=1),
        large=np.concatenate([s + part.large for s, part in zip(starts, parts, strict=False)]),
        own=of_groups.reshape(shape).transpose(0, 2, 3, 1),
        rest=rest.reshape(shape).transpose(0, 2, 3, 1),
        rest_counted=np.concatenate([part.rest_counted for part in parts], axis=1),
        batches=batches,
    )


@dataclass(frozen=True)
class _Cells:
    """The rows of one unit and the same groups, added up."""

    columns: Array
    """(cells, 2 r): top and bottom of each rate, in the order (top or bottom, rate)."""
    rows: Codes
    unit: Codes
    codes: tuple[Codes, ...]
    """The group of each cell in each grouping, (cells,) each."""
    counts: tuple[int, ...]

    @classmethod
    def of(cls, rates: Sequence[Rate], groupings: Sequence[Grouping], units: Codes) -> "_Cells":
        key = units
        for grouping in groupings:
            if int(key.max()) > 2**62 // (grouping.count + 1):
                key = np.unique(key, return_inverse=True)[1]
            key = key * (grouping.count + 1) + grouping.codes + 1
        _, first, cell = np.unique(key, return_index=True, return_inverse=True)
        both = [rate.top for rate in rates] + [rate.bottom for rate in rates]
        sums = [np.bincount(cell, weights, minlength=len(first)) for weights in both]
        return cls(
            columns=np.column_stack(sums).astype(np.float64),
            rows=np.bincount(cell, minlength=len(first)),
            unit=units[first],
            codes=tuple(grouping.codes[first] for grouping in groupings),
            counts=tuple(grouping.count for grouping in groupings),
        )


@dataclass(frozen=True)
class _Part:
    """One grouping's share of `GroupStatistics`; ``own`` and ``rest`` are (batches, large groups x columns)."""

    rows: Codes
    units: Codes
    sums: Array
    counted: Codes
    large: Codes
    own: Array
    rest: Array
    rest_counted: Codes


def _one(
    cells: _Cells, place: int, batch: Codes, batches: int, minimum_rows: int, minimum_units: int
) -> _Part:
    groups = cells.counts[place]
    known = cells.codes[place] >= 0
    codes, unit, columns = cells.codes[place][known], cells.unit[known], cells.columns[known]
    rates = columns.shape[1] // 2
    rows = np.bincount(codes, cells.rows[known], minlength=groups).astype(np.int64)
    units = _distinct(codes, unit, groups)
    large = np.flatnonzero((rows >= minimum_rows) & (units >= minimum_units))
    sums = _by_code(columns, codes, groups)
    counts = columns[:, rates:] > 0
    counted = [_distinct(codes[present], unit[present], groups) for present in counts.T]
    # All small groups are one more, which is nobody's own and part of everybody's rest.
    short = np.full(groups, len(large))
    short[large] = np.arange(len(large))
    width = len(large) + 1
    flat = _by_code(columns, batch[unit] * width + short[codes], batches * width)
    block = flat.reshape(batches, width, 2 * rates)
    rest = block.sum(axis=1, keepdims=True) - block[:, :-1]
    nowhere = np.zeros_like(codes)
    anywhere = np.array([_distinct(nowhere[present], unit[present], 1)[0] for present in counts.T])
    counted_there = np.array(counted, dtype=np.int64).reshape(rates, groups)
    return _Part(
        rows=rows,
        units=units,
        sums=sums.reshape(groups, 2, rates).transpose(2, 1, 0),
        counted=counted_there,
        large=large.astype(np.int64),
        own=block[:, :-1].reshape(batches, -1),
        rest=rest.reshape(batches, -1),
        rest_counted=anywhere[:, None] - counted_there[:, large],
    )


def _by_code(columns: Array, codes: Codes, count: int) -> Array:
    """Sufficient statistics of ``columns`` (cells, columns) by code: (count, columns)."""
    sums_by_code = [np.bincount(codes, column, minlength=count) for column in columns.T]
    return np.column_stack(sums_by_code).astype(np.float64)


def _distinct(codes: Codes, unit: Codes, groups: int) -> Codes:
    """Return how many units each group has, (groups,)."""
    pairs = unit * groups + codes
    if len(pairs) and int(unit.max()) * groups > _MARKS:
        pairs = np.unique(pairs)
        return np.bincount(pairs % groups, minlength=groups).astype(np.int64)
    marks = np.zeros((int(unit.max(initial=0)) + 1, groups), dtype=bool)
    marks.ravel()[pairs] = True
    counts: Codes = marks.sum(axis=0, dtype=np.int64)
    return counts
