"""Whether a workflow with a predictive schedule starts now: its rule says when, and a model may move that.

The rule (an interval, or times of day) says how often the workflow is needed. The model says at which of the times
around it a start is most likely to succeed. It moves a start within limits that the rule sets; where the model is
unsure or does not answer, the rule alone decides; and no start is postponed beyond ``rule.postpone``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from ml_platform.decision_table import DecisionTable, Row, always
from ml_platform.errors import UsageError

OLDEST_ANSWER = timedelta(hours=1)
"""An answer of the model that is older says nothing: runs that ended since could have changed it."""
AT_THE_SAME_TIME = timedelta(minutes=30)
"""A chance for a time this near is that of a start now: the model tells hours apart, nothing finer."""
EVERY_DAY = frozenset(range(7))
_LONGEST = timedelta(days=366)


class Why(StrEnum):
    """Whose word decided."""

    MODEL = "model"
    RULE = "rule"


class Word(StrEnum):
    """What the model says of a start now."""

    YES = "yes"
    NO = "no"
    UNSURE = "unsure"
    NOTHING = "nothing"


class Timing(StrEnum):
    """Where a moment lies beside the time of the rule."""

    BEFORE = "before"
    """Too early even for the model."""
    EARLY = "early"
    """Not due, and the model may start it already."""
    DUE = "due"
    """Due, and the model may hold it back."""
    POSTPONED_TOO_LONG = "postponed too long"
    UNKNOWN = "unknown"
    """There was no start to count from, so nobody could say how long it was postponed."""


@dataclass(frozen=True)
class ScheduleRule:
    """When a workflow starts without a model, and how far a model may move that.

    Raises:
        UsageError: it says neither an interval nor times of day, or both, or a limit is out of its range.
    """

    every: timedelta | None = None
    """Time between starts, from a minute to 366 days; or instead of it times of day."""
    at: tuple[time, ...] = ()
    """Times of day in ``zone``."""
    weekdays: frozenset[int] = EVERY_DAY
    """Days on which those times count; 0 is Monday."""
    zone: str = "UTC"
    """An IANA name, such as Europe/Berlin."""
    early: timedelta = timedelta()
    """How long before the rule the model may start it."""
    postpone: timedelta = timedelta(hours=24)
    """How long after the rule the model may hold it back; then it starts whatever the model says."""
    threshold: float = 0.5
    """The chance of success from which a start is worth it, in [0, 1]."""
    unsure: float = 0.05
    """Chances that are closer to the threshold say nothing; a time that is better by less is no better time."""

    def __post_init__(self) -> None:
        for wrong, remedy in (
            ((self.every is None) == (not self.at), "give either an interval or times of day"),
            (
                self.every is not None and not timedelta(minutes=1) <= self.every <= _LONGEST,
                "an interval lasts from a minute to 366 days",
            ),
            (
                not self.weekdays or not self.weekdays <= EVERY_DAY,
                "weekdays are numbers from 0, Monday, to 6, and at least one",
            ),
            (
                any(each.tzinfo is not None for each in self.at),
                "times of day have no zone; set zone",
            ),
            (
                not (timedelta() <= self.early <= _LONGEST)
                or not (timedelta() <= self.postpone <= _LONGEST),
                "a start is moved by 0 to 366 days",
            ),
            (
                not (0.0 <= self.threshold <= 1.0 and 0.0 <= self.unsure <= 1.0),
                "threshold and unsure lie between 0 and 1",
            ),
        ):
            if wrong:
                raise UsageError("The rule of the schedule cannot be used.", remedy=remedy)
        self._zone()

    def due(self, last_run: datetime) -> datetime:
        """When the rule starts it next after ``last_run``, UTC."""
        if self.every is not None:
            return (last_run + self.every).astimezone(UTC)
        zone = self._zone()
        first = last_run.astimezone(zone).date()
        moments = (
            datetime.combine(day, each, zone).astimezone(UTC)
            for day in (first + timedelta(days=days) for days in range(9))
            if day.weekday() in self.weekdays
            for each in self.at
        )
        return min(moment for moment in moments if moment > last_run)

    def _zone(self) -> ZoneInfo:
        try:
            return ZoneInfo(self.zone)
        except (KeyError, ValueError, OSError) as error:
            raise UsageError(
                f"There is no time zone {self.zone[:40]!r}.",
                remedy="give an IANA name, such as Europe/Berlin",
            ) from error


@dataclass(frozen=True)
class StartChance:
    """What the trigger predictor answered for one time."""

    at: datetime
    chance: float
    """The probability that a start at that time succeeds, in [0, 1]."""
    answered_at: datetime
    fallback: bool = False
    """Whether something else than the version in production answered."""


@dataclass(frozen=True)
class ShouldRun:
    """Whether to start now, and who says so."""

    run: bool
    why: Why
    because: str
    """The row of `TABLE` that fired."""
    due: datetime
    """When the rule alone starts it."""
    confidence: float | None = None
    """The chance that a start now succeeds; ``None`` where the model does not say."""
    best_time: datetime | None = None
    """The time with the highest chance; ``None`` where the model does not say."""


@dataclass(frozen=True)
class Signals:
    """What the decision rests on."""

    word: Word
    timing: Timing
    better_later: bool = False
    """Whether a time that the rule allows is clearly better than now."""


@dataclass(frozen=True)
class _Outcome:
    run: bool
    why: Why


_SILENT = (Word.NOTHING, Word.UNSURE)
TABLE: DecisionTable[Signals, _Outcome] = DecisionTable(
    (
        Row(
            "it has been postponed as long as it may be",
            lambda s: s.timing is Timing.POSTPONED_TOO_LONG,
            _Outcome(True, Why.RULE),
        ),
        Row(
            "there was no start to count from",
            lambda s: s.timing is Timing.UNKNOWN,
            _Outcome(True, Why.RULE),
        ),
        Row("it is not due", lambda s: s.timing is Timing.BEFORE, _Outcome(False, Why.RULE)),
        Row(
            "it is due, and the model does not answer",
            lambda s: s.word is Word.NOTHING and s.timing is Timing.DUE,
            _Outcome(True, Why.RULE),
        ),
        Row(
            "it is due, and the model is unsure",
            lambda s: s.word is Word.UNSURE and s.timing is Timing.DUE,
            _Outcome(True, Why.RULE),
        ),
        Row(
            "it is not due, and the model has no reason to start it early",
            lambda s: s.word in _SILENT,
            _Outcome(False, Why.RULE),
        ),
        Row("a start now would fail", lambda s: s.word is Word.NO, _Outcome(False, Why.MODEL)),
        Row("a later time is better", lambda s: s.better_later, _Outcome(False, Why.MODEL)),
        Row("a start now succeeds", always, _Outcome(True, Why.MODEL)),
    )
)


def should_run(
    chances: Sequence[StartChance],
    rule: ScheduleRule,
    now: datetime,
    last_run: datetime | None,
    horizon: timedelta = timedelta(hours=24),
) -> ShouldRun:
    """Whether a workflow is to be started now: the first matching row of `TABLE`.

    Args:
        chances: What the model answered for now and for later times; empty where it did not.
        rule: When it starts without a model.
        now: Aware.
        last_run: Its last start, or the moment from which the schedule counts; ``None``: it starts now.
        horizon: How far ahead a better time is waited for.
    """
    due = rule.due(last_run) if last_run is not None else now
    timing = Timing.UNKNOWN if last_run is None else _timing(now, due, rule)
    until = due + rule.postpone
    usable = [
        each
        for each in chances
        if not each.fallback
        and now - each.answered_at <= OLDEST_ANSWER
        and now - AT_THE_SAME_TIME <= each.at <= now + horizon
    ]
    present = min(usable, key=lambda each: (abs(each.at - now), each.at), default=None)
    if present is None or abs(present.at - now) > AT_THE_SAME_TIME:
        signals, best = Signals(Word.NOTHING, timing), None
    else:
        best = max(usable, key=lambda each: (each.chance, -each.at.timestamp()))
        in_time = [each.chance for each in usable if each.at <= until]
        better = max(in_time, default=0.0) - present.chance > rule.unsure
        signals = Signals(_word(present.chance, rule), timing, better)
    row = TABLE.first_match(signals)
    return ShouldRun(
        run=row.outcome.run,
        why=row.outcome.why,
        because=row.name,
        due=due,
        confidence=present.chance if best is not None and present is not None else None,
        best_time=best.at if best is not None else None,
    )


def may_be_moved(rule: ScheduleRule, now: datetime, last_run: datetime | None) -> bool:
    """Whether anything that the model could say of now makes a difference."""
    if last_run is None:
        return False
    return _timing(now, rule.due(last_run), rule) in (Timing.EARLY, Timing.DUE)


def _timing(now: datetime, due: datetime, rule: ScheduleRule) -> Timing:
    if now >= due:
        return Timing.POSTPONED_TOO_LONG if now >= due + rule.postpone else Timing.DUE
    return Timing.EARLY if now >= due - rule.early else Timing.BEFORE


def _word(chance: float, rule: ScheduleRule) -> Word:
    if abs(chance - rule.threshold) < rule.unsure:
        return Word.UNSURE
    return Word.YES if chance >= rule.threshold else Word.NO
