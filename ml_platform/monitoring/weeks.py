"""Inflation: how much more weeks without drift differ than their clusters explain.

Sessions are not independent either: who is on holiday, and features that look back seven days, move
whole weeks. A baseline of several weeks knows by how much: each of its weeks is replayed against the
others, and the observed variance over the one that clusters explain is the inflation of later tests.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from ml_platform.clock import last_boundary
from ml_platform.monitoring.distribution import Floats, Shares, without

WEEK = timedelta(days=7)
MAXIMUM_WEEKS = 13
"""A quarter: older weeks tell less about the next one than they add trend."""
WARM_UP_WEEKS = 1
"""Left out at the start of the data where enough remain, and more for a feature that looks back further: it is not
filled yet. Kept, the weeks of a count over 28 days differ a hundredfold more than those of a quiet home."""
ALMOST = 0.05
"""A week that lacks less than this share at its start (no rows at night) counts as whole."""
_ENOUGH_WEEKS = 5
_SHRINKAGE = 4.0
"""Weeks that the mean inflation of all features counts for, beside the weeks of the feature itself."""
_USUAL = 2.0
"""Inflation assumed where fewer than two weeks can be replayed."""
_RESTLESS = 1.5
"""Observed over expected variance above which the weeks of a feature are taken to move together."""
_OVERLAPPING = 4.0
"""The least degrees of freedom of weeks that share a past. Where five weeks of a sum over 28 days move in one
direction alone, a test at 2 % then rejects 3.6 % of later windows, in two directions .9 %, in more of them less
(`ml_platform_tests/monitoring/test_baseline.py`); with the spans that do not overlap, one or two, .1 %."""
MANY = 1e6
"""Degrees of freedom at which Student's distribution is the normal one."""
_ROWS, _CLUSTERS = 50, 10
"""A week with fewer rows or clusters is not replayed."""


def reference_weeks(first: datetime, end: datetime, look_back: timedelta = timedelta(0)) -> int:
    """Return how many whole weeks before ``end`` become the baseline of a feature.

    They are 13 at most, without the weeks after ``first``, the first row there is, in which ``look_back`` is not
    filled; where fewer than five would remain, the five newest.
    """
    whole = int((end - first) / WEEK + ALMOST)
    warm_up = max(WARM_UP_WEEKS, math.ceil(look_back / WEEK))
    return min(max(whole - warm_up, min(whole, _ENOUGH_WEEKS)), MAXIMUM_WEEKS)


def reference_end(
    registered_at: datetime, complete_after: timedelta, window: timedelta
) -> datetime:
    """Return until when rows belong to the baseline: where the newest ``window`` at a registration begins.

    Later rows are those that the first report compares with it; ``complete_after`` is how long after its time a row
    may still change.
    """
    return last_boundary(registered_at) - complete_after - window


def reference_start(end: datetime, look_backs: Iterable[timedelta]) -> datetime:
    """Return from when on rows are needed for a baseline until ``end``, of features with these ``look_backs``."""
    warm_up = max((look_back for look_back in look_backs), default=timedelta(0))
    return end - WEEK * (MAXIMUM_WEEKS + max(WARM_UP_WEEKS, math.ceil(warm_up / WEEK)))


@dataclass(frozen=True)
class Replay:
    """Weeks of one feature compared with each other: squared differences, observed and expected by clusters."""

    weeks: int
    observed: float
    expected: float

    @property
    def ratio(self) -> float | None:
        """Observed over expected variance; ``None`` where nothing varies or under two weeks."""
        if self.weeks < 2 or self.expected <= 0.0:
            return None
        return self.observed / self.expected


def replay(
    whole: Shares, weeks: Sequence[Shares], *, cumulative: bool, pairs: Sequence[Floats] = ()
) -> Replay:
    """Compare each week with the rest, in the geometry of the test: of chi-squared, or of the KS process.

    The two differ: users that come and go shift a whole distribution, and then sums over bins vary more
    than the bins; a count that everybody shares for some weeks moves single bins. Where clusters come again
    ``pairs`` has the covariance of each of the ``weeks`` less the others (`recurring.Recurrence`).
    """
    usable = [
        place
        for place, week in enumerate(weeks)
        if week.rows >= _ROWS and week.clusters >= _CLUSTERS
    ]
    observed = expected = 0.0
    for place in usable:
        week = weeks[place]
        rest = without(whole, week)
        if rest.rows < _ROWS:
            continue
        gap = week.shares - rest.shares
        covariance = pairs[place][:-1, :-1] if pairs else week.covariance + rest.covariance
        if cumulative:
            gap = np.cumsum(gap)
            covariance = np.cumsum(np.cumsum(covariance, axis=0), axis=1)
            weight: Floats = np.ones_like(gap)
        else:
            weight = np.divide(1.0, whole.shares, out=np.zeros_like(gap), where=whole.shares > 0)
        observed += float((weight * gap**2).sum())
        expected += float((weight * np.diag(covariance)).sum())
    return Replay(len(usable), observed, expected)


def replay_missing(
    whole: Shares, weeks: Sequence[Shares], *, pairs: Sequence[Floats] = ()
) -> Replay:
    """Compare each week's missing share with that of the rest."""
    usable = [place for place, week in enumerate(weeks) if week.total >= _ROWS]
    observed = expected = 0.0
    for place in usable:
        week = weeks[place]
        rest = without(whole, week) if whole.rows > week.rows else None
        if rest is None:
            continue
        observed += (week.missing - rest.missing) ** 2
        both = week.missing_variance + rest.missing_variance
        expected += float(pairs[place][-1, -1]) if pairs else both
    return Replay(len(usable), observed, expected)


@dataclass(frozen=True)
class Inflation:
    """Factor on the variance, and the degrees of freedom that its estimate leaves."""

    factor: float
    """At least 1 where clusters do not come again; less where they do and weeks are quiet."""
    freedom: float

    def without(self, recurring: float) -> "Inflation":
        """Leave out the part of the variance that comes again with the same clusters, in [0, 1)."""
        return Inflation(self.factor * (1.0 - recurring), self.freedom)


def inflations(replays: Sequence[Replay]) -> tuple[Inflation, ...]:
    """Estimate each feature's inflation: its ratio, raised towards the mean of all where it is lower.

    Of the variance 1 part is known from many clusters and factor - 1 parts from the weeks replayed, so
    the tests have weeks (factor / (factor - 1))^2 degrees of freedom (Satterthwaite 1946): a feature that
    is restless from week to week has as many independent observations as there were weeks.
    """
    ratios = [entry.ratio for entry in replays]
    known = [ratio for ratio in ratios if ratio is not None]
    mean = sum(known) / len(known) if known else _USUAL
    factors = []
    for entry, ratio in zip(replays, ratios, strict=True):
        weeks, feature_ratio = (0, mean) if ratio is None else (entry.weeks, ratio)
        factor = max(
            1.0, feature_ratio, (weeks * feature_ratio + _SHRINKAGE * mean) / (weeks + _SHRINKAGE)
        )
        observed_freedom = max(weeks - 1.0, 1.0) if weeks else _SHRINKAGE
        share = (factor - 1.0) / factor
        factors.append(Inflation(factor, min(MANY, observed_freedom / share**2) if share else MANY))
    return tuple(factors)


def of_overlapping_weeks(
    inflation: Inflation, shares: Replay, look_back: timedelta, *, paired: bool = False
) -> Inflation:
    """Raise the inflation of a restless feature whose weeks share a past; others are left as they are.

    Where ``shares``, the replay of its shares, says that weeks differ by more than their clusters explain, all of
    them share what moves it. Weeks closer than ``look_back`` then understate how far a later window lies, and there
    are few independent observations: as many as spans of that length, and at least four, since few distributions
    move in one direction alone.
    """
    if look_back <= WEEK or shares.weeks < 2 or (shares.ratio or 0.0) <= _RESTLESS:
        return inflation
    overlap = _overlap(shares.weeks, look_back)
    factor = inflation.factor * overlap
    if paired:
        factor = 1.0 + (inflation.factor - 1.0) * overlap
    spans = max(shares.weeks * (WEEK / look_back) - 1.0, _OVERLAPPING)
    share = (factor - 1.0) / factor
    return Inflation(factor, min(MANY, spans / share**2) if share else MANY)


def _overlap(weeks: int, look_back: timedelta) -> float:
    """Compute by what factor replayed weeks of a moving sum understate the variance of a window long after them.

    Such weeks correlate by 1 - distance / ``look_back``, so that each is like the rest of the baseline; a later
    window differs by the variance of a week and that of the mean of the baseline.
    """
    lags = np.abs(np.subtract.outer(np.arange(weeks), np.arange(weeks)))
    alike = np.maximum(0.0, 1.0 - lags * (WEEK / look_back))
    own = (alike.sum(axis=1) - 1.0) / (weeks - 1)
    rest = (alike.sum() - 2.0 * alike.sum(axis=1) + 1.0) / (weeks - 1) ** 2
    replayed = float((1.0 + rest - 2.0 * own).mean()) / (1.0 + 1.0 / (weeks - 1))
    return (1.0 + float(alike.mean())) / (1.0 + 1.0 / weeks) / replayed
