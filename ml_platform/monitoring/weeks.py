"""Inflation: how much more weeks without drift differ than their clusters explain.

Sessions are not independent either: who is on holiday, and features that look back seven days, move
whole weeks. A baseline of several weeks knows by how much: each of its weeks is replayed against the
others, and the observed variance over the one that clusters explain is the inflation of later tests.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from ml_platform.monitoring.distribution import Floats, Shares, without

WEEK = timedelta(days=7)
MAXIMUM_WEEKS = 13
"""A quarter: older weeks tell less about the next one than they add trend."""
WARM_UP_WEEKS = 1
"""Left out at the start of the data where enough remain: features that look back are not filled yet."""
ALMOST = 0.05
"""A week that lacks less than this share at its start (no rows at night) counts as whole."""
_ENOUGH_WEEKS = 5
_SHRINKAGE = 4.0
"""Weeks that the mean inflation of all features counts for, beside the weeks of the feature itself."""
_USUAL = 2.0
"""Inflation assumed where fewer than two weeks can be replayed."""
MANY = 1e6
"""Degrees of freedom at which Student's distribution is the normal one."""
_ROWS, _CLUSTERS = 50, 10
"""A week with fewer rows or clusters is not replayed."""


def reference_weeks(first: datetime, end: datetime) -> int:
    """Return how many whole weeks before ``end`` become the baseline: at most 13, without the warm-up."""
    whole = int((end - first) / WEEK + ALMOST)
    kept = whole - WARM_UP_WEEKS if whole >= _ENOUGH_WEEKS + WARM_UP_WEEKS else whole
    return min(kept, MAXIMUM_WEEKS)


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


def replay(whole: Shares, weeks: Sequence[Shares], *, cumulative: bool) -> Replay:
    """Compare each week with the rest, in the geometry of the test: of chi-squared, or of the KS process.

    The two differ: users that come and go shift a whole distribution, and then sums over bins vary more
    than the bins; a count that everybody shares for some weeks moves single bins.
    """
    usable = [week for week in weeks if week.rows >= _ROWS and week.clusters >= _CLUSTERS]
    observed = expected = 0.0
    for week in usable:
        rest = without(whole, week)
        if rest.rows < _ROWS:
            continue
        gap, covariance = week.shares - rest.shares, week.covariance + rest.covariance
        if cumulative:
            gap = np.cumsum(gap)
            covariance = np.cumsum(np.cumsum(covariance, axis=0), axis=1)
            weight: Floats = np.ones_like(gap)
        else:
            weight = np.divide(1.0, whole.shares, out=np.zeros_like(gap), where=whole.shares > 0)
        observed += float((weight * gap**2).sum())
        expected += float((weight * np.diag(covariance)).sum())
    return Replay(len(usable), observed, expected)


def replay_missing(whole: Shares, weeks: Sequence[Shares]) -> Replay:
    """Compare each week's missing share with that of the rest."""
    usable = [week for week in weeks if week.total >= _ROWS]
    observed = expected = 0.0
    for week in usable:
        rest = without(whole, week) if whole.rows > week.rows else None
        if rest is None:
            continue
        observed += (week.missing - rest.missing) ** 2
        expected += week.missing_variance + rest.missing_variance
    return Replay(len(usable), observed, expected)


@dataclass(frozen=True)
class Inflation:
    """Factor on the variance, at least 1, and the degrees of freedom that its estimate leaves."""

    factor: float
    freedom: float


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
