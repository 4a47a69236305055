"""The log of answers, as the guard of a rollout reads it: who counts for which arm, and what is left out."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from ml_platform.adapters.serving.rollout_traffic import RolloutTraffic, Window
from ml_platform.sequential.history import Expected
from ml_platform.serving.rollout_evidence import Comparison, UsersBefore
from ml_platform.serving.router import Fallback, ServedArm
from ml_platform_tests.serving.planted_answers import (
    MODEL,
    VERSION,
    answer,
    canary,
    control,
    failed_canary,
    learn,
    plant,
    shadow,
)

BEGUN = datetime(2026, 5, 2, 23, 50, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SECOND_STEP = BEGUN + 12.5 * MINUTE
RATES = Expected(np.array([0.3, 0.1]), 0.2, 0.01)
COMPARED = Comparison(RATES, RATES, (5.0, 5.0), minutes=5)
BEFORE = UsersBefore(("ann", "bob"), *np.ones((3, 2)), slow_limit=60.0, minutes=60.0)


@pytest.fixture
def traffic(database_url):
    traffic = RolloutTraffic(database_url)
    yield traffic
    traffic.close()


def window(*starts, shadow=False, minutes=60):
    return Window(MODEL, VERSION, starts or (BEGUN,), BEGUN + minutes * MINUTE, shadow=shadow)


def entries(traffic, seen, since=BEGUN):
    """Sums by step, place and whether it is the treatment."""
    found = traffic.stretches(seen, BEFORE, COMPARED, since)
    keys = zip(found.step.tolist(), found.place.tolist(), found.treated.tolist(), strict=True)
    return dict(zip(keys, found.sums.round(6).tolist(), strict=True))


def test_the_treatment_is_who_should_have_got_the_version_and_strangers_are_in_no_arm(
    traffic, database_url
):
    plant(
        database_url,
        [
            canary(BEGUN + MINUTE),
            canary(BEGUN + 2 * MINUTE, milliseconds=61.0),
            failed_canary(BEGUN + 3 * MINUTE),
            failed_canary(BEGUN + 3 * MINUTE, arm=ServedArm.RULES, version="rules@1"),
            control(BEGUN + MINUTE),
            control(BEGUN + MINUTE, user="eve", failed_version="1", version="rules@1"),
            answer(BEGUN + MINUTE, user="neither"),
            answer(BEGUN + MINUTE, user="neither", failed_version="1"),
            canary(BEGUN + MINUTE, version="7"),
            canary(BEGUN + MINUTE, model="other"),
            canary(BEGUN + MINUTE, origin="batch"),
            canary(BEGUN - MINUTE),
            control(BEGUN + 60 * MINUTE),
        ],
    )
    assert entries(traffic, window()) == {
        (0, 0, True): [4, 2, 1, 1.2, 1.2],
        (0, 0, False): [2, 1, 0, 0.3, 0.3],
    }


def test_stretches_begin_with_their_step_and_go_over_midnight(traffic, database_url):
    plant(
        database_url,
        [
            canary(BEGUN + 4.9 * MINUTE),
            canary(BEGUN + 11 * MINUTE),
            canary(SECOND_STEP - timedelta(microseconds=1)),
            canary(SECOND_STEP),
            canary(SECOND_STEP + 5 * MINUTE),
        ],
    )
    seen = window(BEGUN, SECOND_STEP)
    counts = {key[:2]: sums[0] for key, sums in entries(traffic, seen).items()}
    assert counts == {(0, 0): 1, (0, 2): 2, (1, 0): 1, (1, 1): 1}
    later = entries(traffic, seen, since=SECOND_STEP + 5 * MINUTE)
    assert set(later) == {(1, 1, True)}


def test_in_shadow_each_answer_stands_beside_that_which_was_given(traffic, database_url):
    served = [answer(BEGUN + MINUTE, milliseconds=200.0), answer(BEGUN + MINUTE, user="bob")]
    failed = answer(BEGUN + 2 * MINUTE, failed_version="1", version="rules@1")
    at_midnight = answer(BEGUN + 10 * MINUTE - timedelta(milliseconds=5))
    plant(
        database_url,
        [
            *served,
            failed,
            at_midnight,
            answer(BEGUN + MINUTE, user="was not asked in shadow"),
            *map(shadow, served),
            shadow(failed, fails=True),
            shadow(at_midnight, milliseconds=90.0),
            shadow(served[0], version="7", day="2026-05-03"),
        ],
    )
    assert entries(traffic, window(shadow=True)) == {
        (0, 0, True): [3, 1, 0, 3, 3],
        (0, 0, False): [3, 1, 1, 3, 3],
        (0, 2, True): [1, 0, 1, 1, 1],
        (0, 2, False): [1, 0, 0, 1, 1],
    }


def test_what_users_had_before_is_of_what_was_in_production(traffic, database_url):
    plant(
        database_url,
        [
            *(answer(BEGUN - (10 - n) * MINUTE, milliseconds=100.0 + n) for n in range(10)),
            answer(BEGUN - MINUTE, user="bob", failed_version="1", milliseconds=500.0),
            canary(BEGUN - MINUTE, version="7", milliseconds=900.0),
            failed_canary(BEGUN - MINUTE, failed_version="7", fallback=Fallback.CANARY_FAILED),
            answer(BEGUN - MINUTE, origin="shadow", arm="shadow"),
            answer(BEGUN - 90 * MINUTE),
            answer(BEGUN),
        ],
    )
    before = traffic.users_before(MODEL, BEGUN - 60 * MINUTE, BEGUN)
    assert before.users == ("ann", "bob")
    assert before.answers.tolist() == [10, 1]
    assert before.errors.tolist() == [0, 1]
    assert before.slow_limit == 109.0, "the 10th of eleven"
    assert before.slow.tolist() == [0, 1]
    assert before.minutes == pytest.approx(10)


def test_no_answer_below_50_milliseconds_is_slow_and_a_new_service_has_no_history(
    traffic, database_url
):
    nothing = traffic.users_before(MODEL, BEGUN - 60 * MINUTE, BEGUN)
    assert (nothing.users, nothing.slow_limit, nothing.minutes) == ((), 50.0, 0.0)
    plant(database_url, [answer(BEGUN - MINUTE, milliseconds=0.4)])
    assert traffic.users_before(MODEL, BEGUN - 60 * MINUTE, BEGUN).slow_limit == 50.0


def test_outcomes_are_those_known_by_then_once_a_row_and_arm(traffic, database_url):
    asked = answer(BEGUN + MINUTE, row_id="in shadow", prediction="a")
    plant(
        database_url,
        [
            canary(BEGUN + 61 * MINUTE, row_id="r1", prediction="b", confidence=0.9),
            canary(BEGUN + 62 * MINUTE, row_id="r1", prediction="again"),
            control(BEGUN + 3 * MINUTE, row_id="r1", prediction="c"),
            canary(BEGUN + MINUTE, row_id="later"),
            canary(BEGUN + MINUTE, row_id="never"),
            answer(BEGUN + MINUTE, row_id="r1", user="neither"),
            answer(BEGUN - MINUTE, row_id="r1", user="before", prediction="d"),
            asked,
            shadow(asked, prediction="e"),
            shadow(answer(BEGUN, row_id="r1"), fails=True),
        ],
    )
    learn(database_url, {"r1": "b", "in shadow": "a"}, BEGUN - 2 * MINUTE)
    learn(database_url, {"later": "b"}, BEGUN + 300 * MINUTE)

    def rows(matured):
        predictions = matured.predictions
        columns = (matured.hours, matured.treated, matured.users, predictions.predicted)
        return {(*row,) for row in zip(*(c.tolist() for c in columns), strict=True)}

    seen = window(minutes=120)
    known = traffic.matured(seen, BEFORE, COMPARED, BEGUN + 200 * MINUTE)
    assert rows(known) == {(1, True, "ann", "b"), (0, False, "bob", "c")}
    assert sorted(known.predictions.confidence.tolist()) == [0.8, 0.9]
    assert set(known.predictions.outcome.tolist()) == {"b"}
    beside = traffic.matured(window(shadow=True), BEFORE, COMPARED, BEGUN + 200 * MINUTE)
    assert rows(beside) == {(0, True, "ann", "e"), (0, False, "ann", "a")}
    before = traffic.matured_before(MODEL, BEGUN - 60 * MINUTE, BEGUN)
    assert rows(before) == {(0, False, "before", "d")}
    assert len(traffic.matured_before(MODEL, BEGUN - 60 * MINUTE, BEGUN - 3 * MINUTE).users) == 0
