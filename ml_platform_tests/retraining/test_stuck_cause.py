"""Thirty days of six-hourly reports: a cause that a training does not help is one training and one hand-over."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from ml_platform.monitoring.incidents.actions import acknowledge, hand_over
from ml_platform.monitoring.incidents.events import Happening
from ml_platform.monitoring.incidents.follow import follow
from ml_platform.monitoring.incidents.kinds import IncidentKind, IncidentSeverity
from ml_platform.monitoring.incidents.observe import observe
from ml_platform.monitoring.report import MonitoringReport, Performance, Severity
from ml_platform.retraining.trigger import RetrainingPolicy, Training, retraining_due
from ml_platform_tests.monitoring.incidents.examples import Log
from ml_platform_tests.retraining.reports import NOON, report

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
ROUNDS = range(120)
Fate = Callable[["Month", datetime], None]


@dataclass
class Month:
    """A model that is watched every six hours, and trained when that is due."""

    fate: Fate
    """What becomes of a training that was asked for."""
    policy: RetrainingPolicy = field(default_factory=RetrainingPolicy)
    log: Log = field(default_factory=Log)
    reports: list[MonitoringReport] = field(default_factory=list)
    trainings: list[Training] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    version: int = 1
    made: int = 1

    def watch(self, number: int, performance: Performance) -> None:
        drift = Severity.NONE if performance is Performance.OK else Severity.SIGNIFICANT
        seen = report(drift, performance, hours=6 * number, version=str(self.version))
        signs = observe(seen, self.reports)
        self.reports.insert(0, seen)
        events = follow(self.log.state, signs, model="model", at=seen.window_end)
        self.log.add(events)
        now = seen.window_end + HOUR
        due = retraining_due(
            self.reports[:40],
            self.trainings,
            now=now,
            incidents=[each for each in self.incidents if each.is_open],
            policy=self.policy,
        )
        for each in due.hand_overs:
            incident = self.log.state.incident(each.incident_id)
            self.log.add(hand_over(self.log.state, incident, reason=each.reason, at=now))
        for request in due.requests:
            self.asked.append(request.run_key)
            self.trainings.append(Training("model", request.version, now))
            self.fate(self, now)

    @property
    def incidents(self):
        return self.log.state.of("model", IncidentKind.PERFORMANCE)

    @property
    def handed_over(self) -> list[str]:
        return [
            event.words[0] for event in self.log.events if event.happening is Happening.HANDED_OVER
        ]

    def register(self, at: datetime) -> None:
        """The training registers a version; its clock may be that of the last window."""
        self.made += 1
        self.trainings.append(Training("model", str(self.made), at, registered=True))


def refused(month: Month, now: datetime) -> None:
    month.register(now - HOUR)


def promoted(month: Month, now: datetime) -> None:
    month.register(now + HOUR)
    month.version = month.made


def failed(_month: Month, _now: datetime) -> None:
    pass


@pytest.mark.parametrize("fate", [refused, promoted])
def test_a_month_of_one_stuck_cause_is_one_training_and_one_hand_over(fate: Fate) -> None:
    month = Month(fate)
    for number in ROUNDS:
        month.watch(number, Performance.ALERT)
    assert month.asked == ["model:1:20240601T120000Z:performance-alert"]
    assert month.handed_over == [
        "version 2 was trained since then, and the loss goes on: a person has to look"
    ]
    (incident,) = month.incidents
    assert incident.severity is IncidentSeverity.CRITICAL
    told = [event.happening.value for event in month.log.events if event.told]
    assert told == ["opened", "opened", "handed_over"], "drift and performance open"


def test_after_somebody_has_acknowledged_it_one_more_training_is_tried() -> None:
    month = Month(refused)
    for number in ROUNDS:
        if number == 60:
            (incident,) = month.incidents
            at = NOON + (6 * number - 1) * HOUR
            month.log.add(
                acknowledge(month.log.state, incident.incident_id, by="ada", reason="b", at=at)
            )
        month.watch(number, Performance.ALERT)
    assert [len(month.asked), len(month.handed_over)] == [2, 2]
    assert len(set(month.asked)) == 2


def test_runs_that_fail_are_tried_three_times_a_cooldown_apart_and_then_handed_over() -> None:
    month = Month(failed)
    for number in ROUNDS:
        month.watch(number, Performance.ALERT)
    assert len(set(month.asked)) == 3
    gaps = [
        later.at - earlier.at
        for earlier, later in zip(month.trainings, month.trainings[1:], strict=False)
    ]
    assert all(gap >= timedelta(hours=24) for gap in gaps)
    assert month.handed_over == [
        "3 trainings were asked for since then, and none has registered a version: a person has to look"
    ]


def test_a_training_that_helps_is_over_and_the_same_cause_later_fires_again() -> None:
    month = Month(promoted)
    for number in ROUNDS:
        bad = number < 5 or 90 <= number < 95
        month.watch(number, Performance.ALERT if bad else Performance.OK)
    assert len(set(month.asked)) == 2
    assert month.handed_over == []
    assert not any(each.is_open for each in month.incidents)


def test_flapping_ends_at_the_budget() -> None:
    month = Month(promoted)
    for number in ROUNDS:
        month.watch(number, Performance.ALERT if number % 20 < 2 else Performance.OK)
    assert len(month.asked) == month.policy.budget
    assert month.handed_over == ["4 trainings were asked for in 30 days: a person has to look"] * 2


def test_a_budget_counts_what_was_asked_for_within_its_time() -> None:
    asked = [Training("model", "1", NOON - timedelta(days=10 * number)) for number in (1, 2, 3)]
    policy = RetrainingPolicy(budget=3)
    alert = [report(performance=Performance.ALERT)]
    due = retraining_due(alert, asked, now=NOON, policy=policy)
    assert len(due.requests) == 1, "the third lies thirty days back"
    due = retraining_due(alert, asked, now=NOON - SECOND, policy=policy)
    assert due.requests == ()


def test_feedback_asks_for_one_training() -> None:
    made = [Training("model", "1", NOON, registered=True)]

    def requests(hours: float, count: int, trainings=made):
        now = NOON + hours * HOUR
        return retraining_due([], trainings, now=now, feedback={"model": count}).requests

    assert requests(48, 999) == ()
    assert requests(23, 1_000) == ()
    (first,) = requests(25, 1_000)
    assert first.run_key == "model:1:20240602T120000Z:feedback"
    (again,) = requests(30, 2_000)
    assert again == first
    assert requests(48, 1_000, [Training("model", "1", NOON)]) == (), "none was ever registered"


def test_what_is_handed_over_waits_for_a_person_even_when_nothing_was_trained_for_it() -> None:
    month, bad = Month(failed), report(performance=Performance.ALERT)
    month.log.add(follow(month.log.state, observe(bad, ()), model="model", at=bad.window_end))
    (incident,) = month.incidents
    month.log.add(hand_over(month.log.state, incident, reason="the budget is spent", at=NOON))
    due = retraining_due([bad], [], now=NOON + HOUR, incidents=month.incidents)
    assert (due.requests, due.hand_overs) == ((), ())
