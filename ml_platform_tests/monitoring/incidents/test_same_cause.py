"""What has moved for several models is told once, and nothing is lost by that."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from ml_platform.monitoring.incidents.actions import silence
from ml_platform.monitoring.incidents.kinds import IncidentKind, IncidentSeverity
from ml_platform.monitoring.incidents.same_cause import same_cause
from ml_platform.monitoring.incidents.state import replay
from ml_platform_tests.monitoring.incidents.examples import NOON, Log, drift

INFO, WARNING, CRITICAL = IncidentSeverity
DRIFT, RUN, LOSS = (
    IncidentKind.FEATURE_DRIFT,
    IncidentKind.MISSED_RUN,
    IncidentKind.PERFORMANCE,
)


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


def test_more_that_moves_soon_is_the_same_cause_and_a_week_later_it_is_news() -> None:
    for windows, told in ((28, []), (29, ["opened"])):
        log = Log()
        for number in range(windows + 1):
            log.window(number, drift("a"), model="lstm")
        log.window(windows, drift("a", "b"), model="transformer")
        assert log.told_of("transformer") == told, windows


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
        st.integers(0, 9),
    ),
    max_size=40,
)


@settings(max_examples=300, deadline=None)
@given(WINDOWS)
def test_whatever_moves_people_know_of_every_cause_and_never_twice_at_once(story) -> None:
    log, number = Log(), 0
    for model, names, severity, later in story:
        number += later
        log.window(number, drift(*sorted(names), severity=severity), model=model)
        newest = [each for each in log.state.incidents if each.last_seen == each.last_window]
        for each in newest:
            if (
                each.model == model
                and names
                and each.last_seen == NOON + number * timedelta(hours=6)
            ):
                known = (
                    each,
                    *same_cause(log.state, model, DRIFT, each.roots, each.last_seen),
                )
                assert any(
                    other.told and other.told.rank >= each.severity.rank for other in known
                ), "people know of what was just seen"
    for place, event in enumerate(log.events):
        if event.told and event.severity and event.roots and event.happening.value == "opened":
            before = replay(log.events[:place])
            assert not any(
                other.told and other.told.rank >= event.severity.rank
                for other in same_cause(before, event.model, DRIFT, event.roots, event.at)
            ), "nobody is told twice"
