"""What the service has answered in the last hours, as sums by version and hour; no single answer is in it."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from ml_platform.serving.router import ServedArm

RATIO = 1.1
"""Latencies are counted in buckets, each so many times as long as the one before: quantiles are within 5 %."""
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Tally:
    """Answers of some time, summed."""

    answers: int = 0
    by_rules: int = 0
    """Answers of the rules since no version is in production."""
    fallbacks: int = 0
    """Answers that another version, or the rules, gave than should have."""
    errors: int = 0
    """Answers before which a version had failed: most fallbacks are such."""
    latencies: Mapping[int, int] = field(default_factory=dict)
    """Answers by bucket: bucket k holds those from ``RATIO ** k`` to ``RATIO ** (k + 1)`` milliseconds."""

    def quantile(self, share: float) -> float | None:
        """The milliseconds within which this share of the answers was given; ``None`` without answers.

        >>> Tally(answers=4, latencies={0: 3, 24: 1}).quantile(0.5)
        1.05
        >>> Tally(answers=4, latencies={0: 3, 24: 1}).quantile(0.99)
        10.33
        """
        wanted, seen = share * sum(self.latencies.values()), 0
        for bucket, count in sorted(self.latencies.items()):
            seen += count
            if seen >= wanted:
                return round(math.pow(RATIO, bucket + 0.5), 2)
        return None


@dataclass(frozen=True)
class TrafficPart:
    """The answers of one version, as one arm, in one hour."""

    model: str
    version: str
    arm: str
    """`ml_platform.serving.router.ServedArm`."""
    hour: datetime
    """Its beginning, UTC."""
    tally: Tally


@dataclass(frozen=True)
class Traffic:
    """What was answered in some whole hours; answers in shadow, which nobody saw, are counted apart."""

    since: datetime
    """The beginning of the first hour."""
    until: datetime
    """The end of the last one, which may not be over yet."""
    parts: tuple[TrafficPart, ...] = ()

    def of(self, model: str) -> "Traffic":
        """The traffic of one model."""
        return Traffic(self.since, self.until, self._by_model.get(model, ()))

    def from_hour(self, since: datetime) -> "Traffic":
        """The traffic of the hours from ``since`` on."""
        return Traffic(since, self.until, tuple(part for part in self.parts if part.hour >= since))

    @cached_property
    def total(self) -> Tally:
        """All answers that somebody got."""
        return summed(part.tally for part in self._seen)

    @cached_property
    def hours(self) -> tuple[tuple[datetime, Tally], ...]:
        """The answers that somebody got, of each hour in turn, also of those without any."""
        by_hour: dict[datetime, list[Tally]] = {}
        for part in self._seen:
            by_hour.setdefault(part.hour, []).append(part.tally)
        count = math.ceil((self.until - self.since) / HOUR)
        starts = (self.since + place * HOUR for place in range(count))
        return tuple((start, summed(by_hour.get(start, ()))) for start in starts)

    @cached_property
    def arms(self) -> tuple[tuple[str, str, Tally], ...]:
        """The answers of each version as each arm, most answers first; those in shadow are among them."""
        by_arm: dict[tuple[str, str], list[Tally]] = {}
        for part in self.parts:
            by_arm.setdefault((part.version, part.arm), []).append(part.tally)
        rows = [(version, arm, summed(tallies)) for (version, arm), tallies in by_arm.items()]
        return tuple(sorted(rows, key=lambda row: (-row[2].answers, row[0], row[1])))

    @property
    def newest_in_shadow(self) -> str:
        """The version that was the last to answer in shadow; empty if none did."""
        shadows = [part for part in self.parts if part.arm == ServedArm.SHADOW]
        return max(shadows, key=lambda part: part.hour).version if shadows else ""

    @cached_property
    def _seen(self) -> tuple[TrafficPart, ...]:
        return tuple(part for part in self.parts if part.arm != ServedArm.SHADOW)

    @cached_property
    def _by_model(self) -> dict[str, tuple[TrafficPart, ...]]:
        found: dict[str, list[TrafficPart]] = {}
        for part in self.parts:
            found.setdefault(part.model, []).append(part)
        return {model: tuple(parts) for model, parts in found.items()}


def summed(tallies: Iterable[Tally]) -> Tally:
    """All of them in one."""
    answers = by_rules = fallbacks = errors = 0
    latencies: Counter[int] = Counter()
    for tally in tallies:
        answers += tally.answers
        by_rules += tally.by_rules
        fallbacks += tally.fallbacks
        errors += tally.errors
        latencies.update(tally.latencies)
    return Tally(answers, by_rules, fallbacks, errors, dict(latencies))


def hour_of(at: datetime) -> datetime:
    """The beginning of the hour that a moment lies in."""
    return at.replace(minute=0, second=0, microsecond=0)


def last_hours(now: datetime, hours: int) -> tuple[datetime, datetime]:
    """The beginning of the first and the end of the last of so many hours, of which the present one is the last."""
    until = hour_of(now) + HOUR
    return until - hours * HOUR, until
