"""A predictive schedule: every combination of what the model says and what the rule says, and no start lost."""

import itertools
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_platform.errors import UsageError
from ml_platform.serving.schedules import (
    TABLE,
    ScheduleRule,
    ShouldRun,
    Signals,
    StartChance,
    Timing,
    Why,
    Word,
    should_run,
)

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
RULE = ScheduleRule(every=24 * HOUR, early=2 * HOUR, postpone=6 * HOUR)
LAST_RUN = {
    Timing.BEFORE: NOW - 20 * HOUR,
    Timing.EARLY: NOW - 23 * HOUR,
    Timing.DUE: NOW - 25 * HOUR,
    Timing.POSTPONED_TOO_LONG: NOW - 30 * HOUR,
    Timing.UNKNOWN: None,
}
CHANCES = {Word.YES: 0.8, Word.NO: 0.2, Word.UNSURE: 0.52, Word.NOTHING: None}
RUNS = {
    (Word.YES, Timing.EARLY): Why.MODEL,
    (Word.YES, Timing.DUE): Why.MODEL,
    (Word.UNSURE, Timing.DUE): Why.RULE,
    (Word.NOTHING, Timing.DUE): Why.RULE,
    **{(word, Timing.POSTPONED_TOO_LONG): Why.RULE for word in Word},
    **{(word, Timing.UNKNOWN): Why.RULE for word in Word},
}
"""When it runs, and by whose word; in every other case it does not."""
WAITS_BY_MODEL = {(Word.NO, Timing.EARLY), (Word.NO, Timing.DUE)}


def chance(value: float, later: timedelta = timedelta(), **fields: object) -> StartChance:
    return StartChance(NOW + later, value, **{"answered_at": NOW, **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize("word", Word)
@pytest.mark.parametrize("timing", Timing)
def test_what_the_model_and_the_rule_say_decides(word: Word, timing: Timing) -> None:
    value = CHANCES[word]
    answers = [] if value is None else [chance(value)]
    decided = should_run(answers, RULE, NOW, LAST_RUN[timing])
    assert decided.run == ((word, timing) in RUNS)
    expected = RUNS.get((word, timing), Why.MODEL if (word, timing) in WAITS_BY_MODEL else Why.RULE)
    assert decided.why is expected
    assert decided.confidence == value
    assert decided.best_time == (None if value is None else NOW)


def test_every_row_of_the_table_fires_for_some_signals() -> None:
    every = itertools.product(Word, Timing, [False, True])
    assert {TABLE.first_match(Signals(*each)).name for each in every} == {row.name for row in TABLE}


@pytest.mark.parametrize(
    ("later", "value", "runs"),
    [
        (3 * HOUR, 0.9, False),  # better, and before the rule's last moment
        (3 * HOUR, 0.84, True),  # better by less than what counts
        (6 * HOUR, 0.9, True),  # too late: it would be postponed beyond its limit
        (3 * HOUR, 0.7, True),
    ],
)
def test_a_better_time_is_waited_for_within_the_limit(
    later: timedelta, value: float, runs: bool
) -> None:
    decided = should_run([chance(0.8), chance(value, later)], RULE, NOW, NOW - 25 * HOUR)
    assert (decided.run, decided.why) == (runs, Why.MODEL)
    assert decided.best_time == (NOW if value < 0.8 else NOW + later)


@pytest.mark.parametrize(
    "answer",
    [
        chance(0.1, fallback=True),
        chance(0.1, answered_at=NOW - timedelta(minutes=61)),
        chance(0.1, 2 * HOUR),
        chance(0.1, -HOUR),
    ],
)
def test_an_answer_that_is_of_rules_old_or_for_another_time_counts_as_none(
    answer: StartChance,
) -> None:
    assert should_run([answer], RULE, NOW, NOW - 25 * HOUR) == ShouldRun(
        True, Why.RULE, "it is due, and the model does not answer", NOW - HOUR
    )


def test_beyond_the_horizon_no_time_is_waited_for() -> None:
    rule = ScheduleRule(every=HOUR, postpone=48 * HOUR)
    answers = [chance(0.6), chance(0.9, 10 * HOUR)]
    assert not should_run(answers, rule, NOW, NOW - HOUR).run
    decided = should_run(answers, rule, NOW, NOW - HOUR, horizon=9 * HOUR)
    assert (decided.run, decided.best_time) == (True, NOW)


@given(
    st.lists(st.floats(0, 1), min_size=40, max_size=40),
    st.integers(0, 12),
    st.floats(0, 1),
    st.sampled_from([ScheduleRule(every=5 * HOUR), ScheduleRule(at=(time(9), time(17)))]),
)
def test_no_start_is_lost_whatever_the_model_says(
    values: list[float], hours: int, threshold: float, rule: ScheduleRule
) -> None:
    limits = {"postpone": hours * HOUR, "threshold": threshold}
    rule = ScheduleRule(every=rule.every, at=rule.at, **limits)  # type: ignore[arg-type]
    due = rule.due(NOW)
    for place in range(40):
        now = NOW + place * HOUR
        answers = [
            StartChance(NOW + k * HOUR, value, now) for k, value in enumerate(values) if k >= place
        ]
        decided = should_run(answers, rule, now, NOW)
        assert decided.due == due
        if decided.run:
            assert due <= now <= max(due + rule.postpone, due + HOUR)
            return
    pytest.fail("it never ran")


@pytest.mark.parametrize(
    ("last", "due"),
    [
        ("2026-03-27T08:00+01:00", "2026-03-27T08:00+00:00"),  # Friday, 09:00 in Berlin
        ("2026-03-27T09:00+01:00", "2026-03-27T17:30+01:00"),
        ("2026-03-27T18:00+01:00", "2026-03-30T07:00+00:00"),  # Monday, in summer time by then
        ("2026-10-23T18:00+02:00", "2026-10-26T08:00+00:00"),
    ],
)
def test_times_of_day_are_those_of_a_place(last: str, due: str) -> None:
    rule = ScheduleRule(
        at=(time(17, 30), time(9)), weekdays=frozenset({0, 1, 2, 3, 4}), zone="Europe/Berlin"
    )
    assert rule.due(datetime.fromisoformat(last)) == datetime.fromisoformat(due)


def test_an_interval_counts_from_the_last_run() -> None:
    assert ScheduleRule(every=90 * timedelta(minutes=1)).due(NOW) == NOW + timedelta(minutes=90)


@pytest.mark.parametrize(
    ("fields", "remedy"),
    [
        ({}, "either an interval or times of day"),
        ({"every": HOUR, "at": (time(9),)}, "either an interval or times of day"),
        ({"every": timedelta(seconds=59)}, "from a minute"),
        ({"at": (time(9),), "weekdays": frozenset({7})}, "from 0, Monday, to 6"),
        ({"at": (time(9),), "weekdays": frozenset()}, "at least one"),
        ({"at": (time(9, tzinfo=UTC),)}, "set zone"),
        ({"every": HOUR, "early": -HOUR}, "0 to 366 days"),
        ({"every": HOUR, "postpone": timedelta(days=367)}, "0 to 366 days"),
        ({"every": HOUR, "threshold": 1.1}, "between 0 and 1"),
        ({"every": HOUR, "unsure": float("nan")}, "between 0 and 1"),
        ({"every": HOUR, "zone": "Mars/Olympus"}, "an IANA name"),
        ({"every": HOUR, "zone": "../../etc/passwd"}, "an IANA name"),
        ({"every": HOUR, "zone": ""}, "an IANA name"),
    ],
)
def test_a_rule_that_says_nothing_usable_is_refused(fields: dict[str, object], remedy: str) -> None:
    with pytest.raises(UsageError, match=remedy):
        ScheduleRule(**fields)  # type: ignore[arg-type]
