"""What people read of the log of answers: their own answers, page by page, and figures over hours."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

RATIO = 1.02
"""Latencies are counted in buckets, each so many times as long as the one before: quantiles are within 1 %."""


@dataclass(frozen=True)
class AnswerFilter:
    """Which answers of one person are asked for."""

    user_id: str
    model: str = ""
    """Empty: of every model."""
    since: datetime | None = None
    until: datetime | None = None
    """Answers before it alone."""
    after: str = ""
    """The `prediction_id` that the page before has ended with; empty for the first page."""
    limit: int = 50


@dataclass(frozen=True)
class LoggedAnswer:
    """One answer that a person got."""

    prediction_id: str
    model: str
    version: str
    """A registered version, or rules as ``rules@`` and 12 digits of their hash."""
    arm: str
    """champion, canary, control or rules."""
    origin: str
    """served, or batch: one of many rows that were asked at once."""
    user_id: str
    row_id: str
    """What it is about; empty where nobody said."""
    predicted_at: datetime
    milliseconds: float
    prediction: str
    confidence: float
    """In [0, 1]."""
    fallback: str
    """Why another version answered than should have; empty where none did."""
    outcome: str | None
    """What came of the row, where it is known and the row is this person's."""
    outcome_known_at: datetime | None


@dataclass(frozen=True)
class AnswerPage:
    """Answers of one person, the newest first."""

    predictions: tuple[LoggedAnswer, ...]
    next: str | None
    """What to send as ``after`` for the next page; null: there is none."""


@dataclass(frozen=True)
class AnswerInDetail:
    """One answer with what it rests on."""

    answer: LoggedAnswer
    data_version: str
    """Fingerprint of the training set; empty of rules."""
    feature_version: str
    features: str | None
    """The features as they were sent, as JSON; null once they are too old to be kept."""
    scores: str | None
    """One number per class, as JSON."""


@dataclass(frozen=True)
class AnswerStatistics:
    """The answers that somebody got in the last so many hours."""

    hours: int
    answers: int
    per_second: float
    """The mean over all of these hours."""
    p50_ms: float | None
    """The median time from request to answer, within 1 %; null without answers."""
    p99_ms: float | None
    fallbacks: dict[str, int]
    """By cause, how often another version answered than should have."""


@dataclass(frozen=True)
class LatencyCounts:
    """Answers of some hours by bucket of latency, and those of each cause of a fallback."""

    hours: int
    latencies: Mapping[int, int] = field(default_factory=dict)
    """Bucket k holds ``RATIO ** k`` to ``RATIO ** (k + 1)`` milliseconds."""
    fallbacks: Mapping[str, int] = field(default_factory=dict)

    def statistics(self) -> AnswerStatistics:
        """The figures that follow from the counts."""
        answers = sum(self.latencies.values())
        return AnswerStatistics(
            hours=self.hours,
            answers=answers,
            per_second=round(answers / (self.hours * 3600), 4),
            p50_ms=self.quantile(0.5),
            p99_ms=self.quantile(0.99),
            fallbacks=dict(sorted(self.fallbacks.items())),
        )

    def quantile(self, share: float) -> float | None:
        """The milliseconds in which this share of the answers was given; ``None`` without answers.

        >>> LatencyCounts(1, {0: 3, 100: 1}).quantile(0.5)
        1.01
        >>> LatencyCounts(1, {0: 3, 100: 1}).quantile(0.99)
        7.32
        """
        wanted = math.ceil(share * sum(self.latencies.values()))
        seen = 0
        for bucket, count in sorted(self.latencies.items()):
            seen += count
            if seen >= wanted:
                return round(math.pow(RATIO, bucket + 0.5), 3 if bucket < 0 else 2)
        return None
