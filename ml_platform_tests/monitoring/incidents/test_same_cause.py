"""What has moved for several models is told once, and nothing is lost by that."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from ml_platform.monitoring.incidents.actions import silence
from ml_platform.monitoring.incidents.events import Happening, IncidentEvent
from ml_platform.monitoring.incidents.kinds import IncidentKind, IncidentSeverity
from ml_platform.monitoring.incidents.same_cause import same_cause
from ml_platform.monitoring.incidents.state import Incident
from ml_platform_tests.monitoring.incidents.examples import NOON, WINDOW, Log, drift

INFO, WARNING, CRITICAL = IncidentSeverity
DRIFT, RUN, LOSS = (
    IncidentKind.FEATURE_DRIFT,
    IncidentKind.MISSED_RUN,
    IncidentKind.PERFORMANCE,
)


def over_for_the_lstm() -> Log:
    """One model has had an incident, of which people were told twice: that it opened and that it is over."""
    log = Log()
    log.window(0, drift("a"), model="lstm")
    for number in range(1, 5):
        log.window(number, drift(), model="lstm")
    return log


def test_a_feature_that_moves_for_two_models_is_told_once_and_listed_for_both() -> None:
    log = Log()
    log.window(0, drift("a", "b"), model="lstm")
    log.window(0, drift("a"), model="transformer")
    log.window(1, drift("a", "b"), model="lstm")
    log.window(1, drift("a"), model="transformer")
    assert (log.told_of("lstm"), log.told_of("transformer")) == (["opened"], [])
    first, second = log.state.incidents
    assert same_cause(log.state, "lstm", DRIFT, first.roots, NOON) == (second,)
    assert same_cause(log.state, "transformer", DRIFT, second.roots, NOON) == (first,)


def test_what_is_graver_for_another_model_is_told() -> None:
    log = Log()
    log.window(0, drift("a"), model="lstm")
    log.window(0, drift("a", severity=WARNING), model="transformer")
    assert log.told_of("transformer") == ["opened"]
    log.window(1, drift("a", severity=WARNING), model="lstm")
    assert log.told_of("lstm") == ["opened"], (
        "it is as grave as the other now, of which people know"
    )


def test_what_goes_on_for_another_model_when_the_first_is_over_is_told() -> None:
    log = Log()
    for number in range(4):
        log.window(number, drift("a"), model="lstm")
        log.window(number, drift("a"), model="transformer")
    for number in range(4, 9):
        log.window(number, drift(), model="lstm")
        log.window(number, drift("a"), model="transformer")
    assert log.told_of("lstm") == ["opened", "resolved"]
    assert log.told_of("transformer") == ["seen"]
    for number in range(9, 13):
        log.window(number, drift(), model="transformer")
    assert log.told_of("transformer") == ["seen", "resolved"]


def test_what_opens_within_a_week_is_the_same_cause_and_later_it_is_news() -> None:
    for windows, told in ((28, []), (29, ["opened"])):
        log = Log()
        for number in range(windows + 1):
            log.window(number, drift("a"), model="lstm")
        log.window(windows, drift("a", "b"), model="transformer")
        assert log.told_of("transformer") == told, windows
        first, second = log.state.incidents
        for one, other in ((first, second), (second, first)):
            found = same_cause(log.state, one.model, DRIFT, one.roots, one.opened_at)
            assert found == (() if told else (other,)), "the links go both ways"


def test_what_goes_on_for_weeks_is_not_told_again_of_another_model() -> None:
    log = Log()
    for number in range(60):
        for model, names in (("lstm", "a"), ("transformer", "ab"), ("ngram", "b")):
            log.window(number, drift(*names), model=model)
    assert log.told_of("lstm") == ["opened", "escalated"], "after a week it is graver"
    assert log.told_of("transformer") == []
    assert log.told_of("ngram") == ["opened", "escalated"], "it shares no feature with the first"


def test_what_comes_back_after_it_was_over_is_told_when_the_other_model_is_over() -> None:
    log = over_for_the_lstm()
    for number in range(5, 8):
        log.window(number, drift("a"), model="transformer")
        log.window(number, drift("a"), model="lstm")
    for number in range(8, 14):
        log.window(number, drift(), model="transformer")
        log.window(number, drift("a"), model="lstm")
    assert log.told_of("transformer") == ["opened", "resolved"]
    assert log.told_of("lstm") == ["opened", "resolved", "seen"]


def test_what_comes_back_in_a_silence_hides_no_other_model_and_is_told_when_the_silence_ends() -> (
    None
):
    log = over_for_the_lstm()
    at, until = NOON + timedelta(hours=25), NOON + timedelta(hours=42)
    log.add(silence(model="lstm", kind=None, until=until, by="ada", reason="a move", at=at))
    log.window(5, drift("a"), model="lstm")
    log.window(6, drift("a"), model="transformer")
    assert log.told_of("transformer") == ["opened"]
    assert log.told_of("lstm") == ["opened", "resolved"]
    for number in range(7, 20):
        log.window(number, drift("a"), model="lstm")
    assert log.told_of("lstm") == ["opened", "resolved", "seen"]


def test_an_incident_of_which_nothing_was_heard_for_a_day_hides_no_other() -> None:
    log = Log()
    log.window(0, drift("a"), model="lstm")
    for number in range(1, 10):
        log.window(number, drift(known=False), model="lstm")
    log.window(4, drift("a"), model="transformer")
    assert log.told_of("transformer") == []
    log.window(5, drift("a"), model="transformer")
    assert log.told_of("transformer") == ["seen"]


def test_another_feature_or_a_loss_of_the_same_metric_is_another_cause() -> None:
    log = Log()
    for model, *names in (("lstm", "a"), ("transformer", "b")):
        log.window(0, drift(*names), drift("accuracy", kind=LOSS, severity=WARNING), model=model)
    assert log.told == ["opened"] * 4


def test_a_daemon_that_was_off_is_told_once_for_all_models() -> None:
    log = Log()
    for model in "abc":
        log.window(0, drift("run", kind=RUN), model=model)
    assert log.told == ["opened"]
    assert len(log.state.incidents) == 3


def test_a_model_that_fails_later_by_itself_is_told() -> None:
    log = Log()
    for number in range(4):
        log.window(number, drift("run", kind=RUN), model="a")
    log.window(4, drift("run", kind=RUN), model="b")
    assert log.told_of("b") == ["opened"]


def test_what_nobody_was_told_of_the_first_model_is_told_of_the_second() -> None:
    log = Log()
    until = NOON + timedelta(days=1)
    log.add(silence(model="lstm", kind=None, until=until, by="ada", reason="a move", at=NOON))
    log.window(0, drift("a"), model="lstm")
    log.window(0, drift("a"), model="transformer")
    assert (log.told_of("lstm"), log.told_of("transformer")) == ([], ["opened"])


WINDOWS = st.lists(
    st.tuples(
        st.sampled_from(("lstm", "transformer", "ngram")),
        st.sets(st.sampled_from("abc")),
        st.sampled_from((INFO, WARNING)),
        st.booleans(),
        st.integers(0, 6),
    ),
    max_size=50,
)


def known_of(events: list[IncidentEvent], incident: Incident) -> IncidentSeverity | None:
    """What people were told of an incident since it opened or reopened, from the messages alone."""
    known = None
    for event in events:
        if event.incident_id == incident.incident_id:
            if event.happening in (Happening.OPENED, Happening.REOPENED):
                known = None
            if event.told:
                known = event.severity
    return known


def people_know(log: Log, events: list[IncidentEvent], incident: Incident, at) -> bool:
    """Whether messages told of it, or of what opened within a week, shares a feature and was seen within a day."""
    related = (
        each
        for each in log.state.incidents
        if each.is_open
        and (each.model == incident.model) == (each is incident)
        and set(each.roots) & set(incident.roots)
        and abs(each.opened_at - incident.opened_at) <= timedelta(days=7)
        and at - each.last_seen <= timedelta(days=1)
    )
    told = (known_of(events, each) for each in related)
    return any(each is not None and each.rank >= incident.severity.rank for each in told)


@settings(max_examples=400, deadline=None)
@given(WINDOWS)
def test_whatever_moves_people_know_of_what_is_seen_and_are_told_once(story) -> None:
    log, number = Log(), 0
    for model, names, severity, known, later in story:
        number += later
        at, before = NOON + number * WINDOW, len(log.events)
        log.window(number, drift(*sorted(names), severity=severity, known=known), model=model)
        for event in log.events[before:]:
            incident = log.state.incident(event.incident_id)
            if incident.is_open and incident.last_seen == at:
                assert people_know(log, log.events, incident, at)
                if event.told and event.happening is not Happening.ESCALATED:
                    assert not people_know(log, log.events[:before], incident, at), "told twice"
