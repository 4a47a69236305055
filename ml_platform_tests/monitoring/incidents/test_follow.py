"""One open incident a cause: it opens once, goes on, grows graver, flaps, and ends."""

from datetime import timedelta

import pytest

from ml_platform.errors import UsageError
from ml_platform.monitoring.incidents.actions import acknowledge, hand_over, silence
from ml_platform.monitoring.incidents.events import EVERY_MODEL
from ml_platform.monitoring.incidents.kinds import IncidentKind, IncidentSeverity
from ml_platform_tests.monitoring.incidents.examples import NOON, WINDOW, Log, drift

INFO, WARNING, CRITICAL = IncidentSeverity
QUIET = drift()


def loss(severity: IncidentSeverity = WARNING):
    return drift("accuracy", severity=severity, kind=IncidentKind.PERFORMANCE)


def test_a_cause_is_one_incident_and_two_messages_however_many_windows_see_it() -> None:
    log = Log()
    said = [log.window(number, drift("a")) for number in range(20)]
    assert said == [["opened"], *[["seen"]] * 19]
    said = [log.window(number, QUIET) for number in range(20, 25)]
    assert said == [["quiet"]] * 3 + [["resolved"], []]
    (incident,) = log.state.incidents
    assert (incident.windows, incident.worst) == (20, 0.2)
    assert (incident.first_seen, incident.last_seen) == (NOON, NOON + 19 * WINDOW)
    assert log.told == ["opened", "resolved"]


def test_the_same_window_twice_or_an_older_one_changes_nothing() -> None:
    log = Log()
    log.window(3, drift("a"))
    assert log.window(3, drift("a", "b")) == []
    assert log.window(2, drift("c")) == []
    assert log.window(2, QUIET) == []


def test_features_that_move_soon_after_join_and_later_ones_are_another_cause() -> None:
    log = Log()
    log.window(0, drift("a"))
    assert log.window(28, drift("a", "b")) == ["seen"]
    assert log.window(29, drift("a", "b", "c")) == ["seen", "opened"]
    assert [each.roots for each in log.state.incidents] == [("a", "b"), ("c",)]


def test_a_window_between_in_which_other_features_move_is_another_incident() -> None:
    log = Log()
    log.window(0, drift("a"))
    assert log.window(1, drift("b")) == ["quiet", "opened"]


def test_what_flaps_reopens_the_same_incident_and_then_needs_more_quiet_windows() -> None:
    log = Log()
    log.window(0, drift("a"))
    for number in range(1, 5):
        log.window(number, QUIET)
    assert log.window(6, drift("a", "b")) == ["reopened"]
    assert [log.window(number, QUIET) for number in range(7, 15)] == [["quiet"]] * 7 + [
        ["resolved"]
    ]
    assert log.window(14 + 28, drift("b")) == ["reopened"]
    (incident,) = log.state.incidents
    assert (incident.reopened, incident.needed_quiet) == (2, 12)
    for number in range(43, 55):
        log.window(number, QUIET)
    assert log.window(54 + 29, drift("a")) == ["opened"], "a week is over"


def test_a_feature_that_has_joined_another_incident_stays_there_when_its_first_one_reopens() -> (
    None
):
    log = Log()
    log.window(0, drift("a", "b"))
    for number in range(1, 5):
        log.window(number, QUIET)
    log.window(5, drift("c"))
    assert log.window(6, drift("c", "b")) == ["seen"]
    assert log.window(7, drift("a")) == ["quiet", "reopened"]
    assert [each.roots for each in log.state.incidents] == [("a",), ("c", "b")]


def test_unknown_windows_are_not_quiet() -> None:
    log = Log()
    log.window(0, drift("a"))
    for number in range(1, 50):
        assert log.window(number, drift(known=False)) == []
    assert log.state.incidents[0].is_open


def test_it_grows_graver_and_never_less_grave_while_it_is_open() -> None:
    log = Log()
    log.window(0, loss())
    assert log.window(1, loss(CRITICAL)) == ["escalated"]
    assert log.window(2, loss()) == ["seen"]
    assert log.state.incidents[0].severity is CRITICAL
    assert log.told == ["opened", "escalated"]


def test_what_endures_a_week_is_graver() -> None:
    log = Log()
    said = [log.window(number, drift("a"), loss()) for number in range(28)]
    assert said[-1] == ["escalated", "escalated"]
    assert said[-2] == ["seen", "seen"]
    assert [each.severity for each in log.state.incidents] == [WARNING, CRITICAL]


def test_an_acknowledged_incident_tells_of_nothing_but_what_is_graver_and_its_end() -> None:
    log = Log()
    log.window(0, loss())
    (incident,) = log.state.incidents
    reason = {"by": "ada", "reason": "known:  the new\nteam", "at": NOON}
    log.add(acknowledge(log.state, incident.incident_id, **reason))
    (incident,) = log.state.incidents
    assert (incident.acknowledged_by, incident.acknowledged_because) == (
        "ada",
        "known: the new team",
    )
    log.window(1, loss())
    log.window(2, loss(CRITICAL))
    assert log.told == ["opened", "escalated"]
    with pytest.raises(UsageError, match="There is no incident 'x'"):
        acknowledge(log.state, "x", **reason)
    with pytest.raises(UsageError, match="reason is missing"):
        acknowledge(log.state, incident.incident_id, **{**reason, "reason": " "})
    for number in range(3, 7):
        log.window(number, drift(kind=IncidentKind.PERFORMANCE))
    with pytest.raises(UsageError, match="is resolved since 2026-05-03T00:00Z"):
        acknowledge(log.state, incident.incident_id, **reason)


def test_a_silence_holds_messages_back_until_it_ends_and_then_tells_what_is_open() -> None:
    log = Log()
    log.add(said(model="m", kind=IncidentKind.FEATURE_DRIFT))
    for number in range(3):
        log.window(number, drift("a"))
    assert log.told == []
    log.window(4, drift("a"))
    assert log.told == ["seen"]
    log.window(5, drift("a"))
    assert log.told == ["seen"], "once"


def said(**named):
    return silence(
        **{
            "until": NOON + 4 * WINDOW,
            "by": "ada",
            "reason": "a migration",
            "at": NOON,
            "model": EVERY_MODEL,
            "kind": None,
            **named,
        }
    )


def test_a_silence_never_hides_critical_performance_unless_it_is_named() -> None:
    for named, told in (
        ({}, ["opened"]),
        ({"kind": IncidentKind.PERFORMANCE}, ["opened"]),
        ({"kind": IncidentKind.PERFORMANCE, "hides_critical": True}, []),
        ({"kind": IncidentKind.PERFORMANCE, "hides_critical": True, "model": "n"}, ["opened"]),
    ):
        log = Log()
        log.add(said(**named))
        log.window(0, loss(CRITICAL))
        assert log.told == told, named
    log = Log()
    log.add(said())
    log.window(0, loss(WARNING), drift("a", severity=CRITICAL))
    assert log.told == []


def test_a_silence_has_an_end_a_person_and_a_reason() -> None:
    for named, words in (
        ({"until": NOON}, "does not end within 90 days"),
        ({"until": NOON + timedelta(days=91)}, "does not end within 90 days"),
        ({"hides_critical": True}, "Only a silence of the kind performance"),
        ({"reason": ""}, "reason is missing"),
        ({"by": " "}, "person is missing"),
    ):
        with pytest.raises(UsageError, match=words):
            said(**named)
    assert said() == said()


def test_what_is_handed_over_is_critical_told_once_and_again_after_it_was_acknowledged() -> None:
    log = Log()
    log.window(0, loss())

    def hand():
        return log.add(hand_over(log.state, log.state.incidents[0], reason="no help", at=NOON))

    assert (hand(), hand()) == (["handed_over"], [])
    (incident,) = log.state.incidents
    assert (incident.severity, incident.handed_over_at) == (CRITICAL, NOON)
    log.add(acknowledge(log.state, incident.incident_id, by="a", reason="b", at=NOON))
    assert log.state.incidents[0].handed_over_at is None
    assert hand() == ["handed_over"]
    assert log.told == ["opened", "handed_over", "handed_over"]
    assert len({event.event_id for event in log.events}) == len(log.events)
