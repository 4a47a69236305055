"""Whatever windows come and whatever people do: the laws of incidents."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from ml_platform.monitoring.incidents.actions import acknowledge, hand_over, silence
from ml_platform.monitoring.incidents.events import (
    EVERY_MODEL,
    IN_A_WINDOW,
    Happening,
    IncidentEvent,
)
from ml_platform.monitoring.incidents.kinds import IncidentKind, IncidentSeverity
from ml_platform.monitoring.incidents.state import replay
from ml_platform_tests.monitoring.incidents.examples import NOON, WINDOW, Log, drift

SEVERITIES = st.sampled_from(list(IncidentSeverity))
KINDS = st.sampled_from([IncidentKind.FEATURE_DRIFT, IncidentKind.PERFORMANCE])
SEEN = st.tuples(
    st.just("window"),
    st.sets(st.sampled_from("abcd")),
    KINDS,
    SEVERITIES,
    st.booleans(),
    st.integers(0, 12),
)
DONE = st.tuples(
    st.sampled_from(["ack", "hand over", "silence"]), st.integers(0, 5), KINDS, st.booleans()
)
STORIES = st.lists(st.one_of(SEEN, SEEN, SEEN, DONE), max_size=40)


def lived(story) -> Log:
    """The log of a story; after each of its steps no root is in two open incidents of a kind."""
    log, number = Log(), 0
    for what, *details in story:
        if what == "window":
            names, kind, severity, known, windows = details
            number += windows  # 0: the same window once more
            log.window(number, drift(*sorted(names), severity=severity, kind=kind, known=known))
        else:
            act(log, what, number, *details)
        for kind in IncidentKind:
            roots = [
                root for each in log.state.of("m", kind) if each.is_open for root in each.roots
            ]
            assert len(roots) == len(set(roots))
    return log


def act(log: Log, what: str, number: int, place: int, kind: IncidentKind, flag: bool) -> None:
    at = NOON + number * WINDOW
    if what == "silence":
        hides = flag and kind is IncidentKind.PERFORMANCE
        until = at + (place + 1) * timedelta(hours=5)
        model = "m" if flag else EVERY_MODEL
        log.add(
            silence(
                model=model,
                kind=kind,
                until=until,
                by="a",
                reason="b",
                at=at,
                hides_critical=hides,
            )
        )
        return
    running = [each for each in log.state.incidents if each.is_open]
    if running:
        incident = running[place % len(running)]
        if what == "ack":
            log.add(acknowledge(log.state, incident.incident_id, by="a", reason="b", at=at))
        else:
            log.add(hand_over(log.state, incident, reason="no help", at=at))


@settings(max_examples=300, deadline=None)
@given(STORIES)
def test_events_lead_to_the_same_state_again_and_each_incident_is_open_or_resolved(story) -> None:
    log = lived(story)
    assert replay(log.events) == log.state
    for incident in log.state.incidents:
        own = [event for event in log.events if event.incident_id == incident.incident_id]
        turns = [event.happening for event in own if event.happening in TURNS]
        assert turns[0] is Happening.OPENED
        assert turns[1::2] == [Happening.RESOLVED] * (len(turns) // 2)
        assert turns[2::2] == [Happening.REOPENED] * ((len(turns) - 1) // 2)
        assert incident.is_open == (turns[-1] is not Happening.RESOLVED)
        assert len({event.event_id for event in own}) == len(own)
        windows = [event.at for event in own if event.happening in IN_A_WINDOW]
        assert windows == sorted(set(windows)), "a window says one thing of an incident"


TURNS = (Happening.OPENED, Happening.RESOLVED, Happening.REOPENED)


@settings(max_examples=300, deadline=None)
@given(STORIES)
def test_no_message_comes_in_a_silence_and_each_silence_ends(story) -> None:
    log = lived(story)
    for place, event in enumerate(log.events):
        if event.told:
            assert not hidden(replay(log.events[:place]).silences, event)
    last = max((each.until for each in log.state.silences), default=NOON)
    for severity in IncidentSeverity:
        assert not log.state.silenced("m", IncidentKind.FEATURE_DRIFT, severity, last)


def hidden(silences, event: IncidentEvent) -> bool:
    """The rule of silences once more: time, model, kind, and never CRITICAL performance unless it is named."""
    critical = (event.kind, event.severity) == (
        IncidentKind.PERFORMANCE,
        IncidentSeverity.CRITICAL,
    )
    return any(
        event.at < each.until
        and each.model in ("m", "*")
        and each.kind in (None, event.kind)
        and (each.hides_critical or not critical)
        for each in silences
    )


@settings(max_examples=200, deadline=None)
@given(STORIES)
def test_an_incident_never_grows_less_grave_while_it_is_open(story) -> None:
    ranks: dict[str, int] = {}
    for event in lived(story).events:
        if event.severity is not None:
            assert event.severity.rank >= ranks.get(event.incident_id, 0)
            ranks[event.incident_id] = event.severity.rank
