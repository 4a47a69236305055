"""What the self-test of a home found, and whether its objective holds: frozen, and stored as it is."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ml_platform.monitoring.self_test.looks import WatchedMonth
from ml_platform.monitoring.self_test.planted import PlantedShifts, Power
from ml_platform.spec.feature import Kind

OBJECTIVE = 1.0
"""The false incidents of a home in thirty days, all models together, that are allowed at most."""
MONTH = 30.0
"""Days."""


class Outcome(StrEnum):
    """Whether the objective holds; INSUFFICIENT: there are too few looks to show it."""

    HOLDS = "holds"
    FAILS = "fails"
    INSUFFICIENT = "insufficient"


@dataclass(frozen=True)
class Rate:
    """False incidents in thirty days."""

    value: float
    upper_95: float
    """The one-sided upper 95 % bound: by chance over incidents, or over months where these differ by more."""


@dataclass(frozen=True)
class ModelSelfTest:
    """The self-test of one model."""

    model: str
    months: tuple[WatchedMonth, ...]
    planted: tuple[PlantedShifts, ...]
    """By feature; empty where no window had a thousand rows."""
    reason: str = ""
    """Why nothing could be looked at; empty otherwise."""
    power: tuple[Power, ...] = ()
    """The share of planted shifts found, by size; empty where nothing was planted, and in earlier releases."""

    @property
    def looks(self) -> int:
        """All looks, those at resampled homes included."""
        return sum(month.looks for month in self.months)

    @property
    def incidents(self) -> int:
        """All false incidents."""
        return sum(month.incidents for month in self.months)

    @property
    def telling(self) -> int:
        """Looks that could tell whether anything had moved."""
        return self.looks - sum(month.insufficient for month in self.months)

    @property
    def rate(self) -> Rate | None:
        """False incidents in thirty days; ``None`` without a look."""
        return rate([(month.incidents, month.days) for month in self.months])

    @property
    def flagged_features(self) -> list[tuple[str, int]]:
        """The features that were flagged with the number of looks, the most frequent first."""
        counts = Counter[str]()
        for month in self.months:
            counts.update(dict(month.flags))
        return counts.most_common()

    def shifts(self, kind: Kind | None = None) -> PlantedShifts:
        """The planted shifts of one kind of feature together, or of all."""
        own = [each for each in self.planted if kind is None or each.kind is kind]
        return PlantedShifts(
            feature="",
            kind=kind or Kind.NUMBER,
            planted=sum(each.planted for each in own),
            found=sum(each.found for each in own),
            insufficient=sum(each.insufficient for each in own),
        )


@dataclass(frozen=True)
class SelfTest:
    """The self-test of a home."""

    as_of: datetime
    """The end of the rows that it looked at."""
    simulated: bool
    policy_version: str
    seed: int
    models: tuple[ModelSelfTest, ...]

    @property
    def rate(self) -> Rate | None:
        """False incidents of all models together in thirty days of the home; ``None`` without a look."""
        return rate(self._home_months())

    @property
    def outcome(self) -> Outcome:
        """Whether the objective holds: by the bound it does, by the rate itself it does not, else too few looks."""
        found = self.rate
        if found is None or not any(model.telling for model in self.models):
            return Outcome.INSUFFICIENT
        if found.value > OBJECTIVE:
            return Outcome.FAILS
        return Outcome.HOLDS if found.upper_95 <= OBJECTIVE else Outcome.INSUFFICIENT

    @property
    def verdict(self) -> str:
        """The outcome in words, with what to do where the objective does not hold."""
        if self.outcome is Outcome.HOLDS:
            return "at most one false incident in 30 days"
        if self.outcome is Outcome.FAILS:
            return (
                "more than one false incident in 30 days. Where a change was real, acknowledge its incident "
                "(`ml-platform alerts ack`) and it no longer counts; otherwise raise the limits of the policy"
            )
        return (
            "too few looks show at most one false incident in 30 days; run it again with more weeks of rows, or "
            "when the machine is less busy"
        )

    def _home_months(self) -> list[tuple[int, float]]:
        """Incidents of all models in each month that all of them were looked at in, and its days."""
        looked_at = [model.months for model in self.models if model.months]
        months = []
        for parts in zip(*looked_at, strict=False):
            months.append((sum(p.incidents for p in parts), max(p.days for p in parts)))
        return months


def rate(months: Sequence[tuple[int, float]]) -> Rate | None:
    """Incidents in thirty days of (incidents, days) by month, with the larger of two upper bounds.

    One takes incidents as Poisson; the other takes months as the unit, with Student's distribution: where
    incidents come in heaps it is the wider one. Months of a resampled home share its weeks: the bound is one over
    users, not over weeks that nobody has seen. ``None`` without a day.
    """
    from scipy.special import chdtri, stdtrit

    seen = [(incidents, days) for incidents, days in months if days > 0]
    if not seen:
        return None
    total, length = sum(each for each, _ in seen), sum(days for _, days in seen) / MONTH
    value = total / length
    upper = float(chdtri(2 * total + 2, 0.05)) / 2 / length
    if len(seen) > 1:
        rates = [incidents * MONTH / days for incidents, days in seen]
        mean = sum(rates) / len(rates)
        spread = sum((each - mean) ** 2 for each in rates) / (len(rates) - 1)
        error = math.sqrt(spread / len(rates))
        upper = max(upper, mean + float(stdtrit(len(rates) - 1, 0.95)) * error)
    return Rate(value, upper)
