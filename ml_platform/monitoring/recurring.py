"""Clusters that come again: a user of a later window resembles the same user of the baseline.

Two samples of the same users differ less than two samples of different ones: their difference has the variance of
both less twice the covariance that users bring along. Sessions do not come again, and nothing changes for them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from ml_platform.arrays import Codes
from ml_platform.monitoring.distribution import Bins, Floats
from ml_platform.monitoring.weeks import WEEK
from ml_platform.spec.feature import Kind

LEAST_WEEKS = 4
"""Fewer weeks do not tell how far users resemble themselves later: they count as different ones."""
MOST_CLUSTERS = 20_000
"""Among more clusters chance is so small that it does not matter who comes again."""
_AGAIN = 1.5
"""Clusters come again where the average one is in at least so many weeks."""
_MOST = 0.9
"""The most of the variance that is taken to come again."""


@dataclass(frozen=True)
class Recurrence:
    """What clusters that come again take from the variance of differences, of one feature."""

    shares: float = 0.0
    """The part that recurs of the variance of a later window's shares less the baseline's, in [0, .9]."""
    cumulative: float = 0.0
    """The part that recurs of the variance of the difference of distribution functions, in [0, .9]."""
    missing: float = 0.0
    pairs: tuple[Floats, ...] = ()
    """The covariance of each week's shares less those of the others, by clusters that are in both; the last row
    and column are the missing share. Empty where clusters do not come again."""


NO_RECURRENCE = Recurrence()


def recurrence(
    codes: Codes,
    clusters: Codes,
    bins: Bins,
    weeks: Sequence[Codes],
    look_back: timedelta = timedelta(0),
) -> Recurrence:
    """Measure how far clusters resemble themselves, over the ``weeks`` (places of rows, the newest first).

    ``codes`` (rows,) are bins, -1 where missing; ``clusters`` (rows,) are numbered from 0. How far a later window
    resembles the baseline is read off weeks that lie at least half of the baseline apart, and ``look_back``
    where there are such: nearer ones share a past.

    Source: Cochran (1977), "Sampling Techniques", section 12.11 (the difference of two ratios on matched units).
    """
    count = int(clusters.max()) + 1 if clusters.size else 0
    seen = [np.count_nonzero(np.bincount(clusters[places])) for places in weeks]
    if len(weeks) < LEAST_WEEKS or count > MOST_CLUSTERS or sum(seen) < _AGAIN * count:
        return NO_RECURRENCE
    width = bins.count + 1
    filled = np.where(codes < 0, bins.count, codes)
    tables = [
        np.bincount(clusters[places] * width + filled[places], minlength=count * width)
        .reshape(count, width)
        .astype(np.float64)
        for places in weeks
    ]
    whole = np.sum(tables, axis=0)
    apart = max(math.ceil(look_back / WEEK), math.ceil(len(weeks) / 2))
    apart = min(apart, len(weeks) - 1)
    early, late = np.sum(tables[apart:], axis=0), np.sum(tables[: len(weeks) - apart], axis=0)
    before, after, all_weeks = _influence(early), _influence(late), _influence(whole)
    single = [_influence(table) for table in tables]
    held = whole[:, :-1].sum(axis=0)
    weight = np.divide(held.sum(), held, out=np.zeros_like(held), where=held > 0)
    ordered = bins.kind is Kind.NUMBER

    def part(geometry: str) -> float:
        sides = [_seen_by(each, geometry, weight) for each in (before, after, all_weeks, *single)]
        own = float((sides[2] ** 2).sum()) + float(np.mean([(s**2).sum() for s in sides[3:]]))
        return min(max(2.0 * float((sides[0] * sides[1]).sum()) / own, 0.0), _MOST) if own else 0.0

    correction = count / max(count - 1, 1)
    gaps = [_influence(table) - _influence(whole - table) for table in tables]
    return Recurrence(
        shares=part("shares"),
        cumulative=part("cumulative" if ordered else "shares"),
        missing=part("missing"),
        pairs=tuple(gap.T @ gap * correction for gap in gaps),
    )


def _influence(table: Floats) -> Floats:
    """Return what each cluster adds to the error of the shares, and in the last column of the missing share."""
    held, sizes = table[:, :-1].sum(axis=1), table.sum(axis=1)
    influence = np.zeros_like(table)
    if held.sum():
        shares = table[:, :-1].sum(axis=0) / held.sum()
        influence[:, :-1] = (table[:, :-1] - np.outer(held, shares)) / held.sum()
    if sizes.sum():
        missing = table[:, -1].sum() / sizes.sum()
        influence[:, -1] = (table[:, -1] - sizes * missing) / sizes.sum()
    return influence


def _seen_by(influence: Floats, geometry: str, weight: Floats) -> Floats:
    """Return the influences as a test weighs them: of chi-squared, of the KS process, or of missingness."""
    if geometry == "missing":
        return influence[:, -1:]
    shares = influence[:, :-1]
    if geometry == "cumulative":
        return np.cumsum(shares, axis=1)[:, :-1]
    return shares * np.sqrt(weight)
