"""What is kept of a look of the guard: each guardrail's state as the guard's table reads it, and since when."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import exp, inf, log, nan

import pytest

from ml_platform.registry.records import Status
from ml_platform.registry.rollout.decide import Look, Reading, decide_rollout, signals
from ml_platform.registry.rollout.last_look import (
    GuardrailState,
    LastLook,
    Observed,
    look_at,
    step_seen,
)
from ml_platform.registry.rollout.policy import RAMP, Guardrail
from ml_platform.registry.rollout.progress import Rollout
from ml_platform.registry.states import Life
from ml_platform.values import from_json, to_json

NOW = datetime(2026, 5, 2, 12, tzinfo=UTC)
LATER = NOW + timedelta(seconds=15)
ROLLOUT = Rollout(
    model="example",
    version=2,
    policy=RAMP,
    steps=RAMP.steps,
    life=replace(Life(Status.CANARY), step=1),
    artifact_sha256="a" * 64,
    against=1,
    steps_since=(NOW - timedelta(hours=30), NOW - timedelta(hours=6)),
)
SEEN = {Guardrail.ERRORS: Observed(0.012, 0.01), Guardrail.METRIC: Observed(nan, 0.9)}
QUIET = dict.fromkeys(Guardrail, log(0.3))


def looked(
    evidence: dict[Guardrail, float],
    before: LastLook | None = None,
    at: datetime = NOW,
    rollout: Rollout = ROLLOUT,
) -> LastLook:
    readings = tuple(Reading(guardrail, value) for guardrail, value in evidence.items())
    decision = decide_rollout(as_seen(readings), RAMP)
    return look_at(rollout, readings, SEEN, 212, decision, before, at)


def as_seen(readings: tuple[Reading, ...]) -> Look:
    return Look(True, True, readings, 212, 6.0, 400, 24.0)


def states(look: LastLook) -> dict[Guardrail, GuardrailState]:
    return {each.guardrail: each.state for each in look.guardrails}


@pytest.mark.parametrize(
    ("evidence", "state"),
    [
        (0.3, GuardrailState.QUIET),
        (20.0, GuardrailState.QUIET),
        (20.1, GuardrailState.SUSPECTED),
        (666.0, GuardrailState.SUSPECTED),
        (667.0, GuardrailState.HARM),
        (inf, GuardrailState.BLIND),
        (nan, GuardrailState.BLIND),
    ],
)
def test_a_state_is_what_the_guard_s_table_reads(evidence: float, state: GuardrailState) -> None:
    given = QUIET | {Guardrail.ERRORS: log(evidence)}
    look = looked(given)
    assert states(look)[Guardrail.ERRORS] is state
    readings = tuple(Reading(guardrail, value) for guardrail, value in given.items())
    seen = signals(as_seen(readings), RAMP)
    is_in = {
        GuardrailState.HARM: seen.harmful,
        GuardrailState.SUSPECTED: seen.suspected,
        GuardrailState.BLIND: seen.blind,
    }.get(state)
    assert is_in is None or Guardrail.ERRORS in is_in
    assert from_json(LastLook, to_json(look)) == look, "it can be stored"


def test_one_without_a_reading_is_blind() -> None:
    look = looked({Guardrail.METRIC: 0.0})
    assert states(look) == {
        Guardrail.ERRORS: GuardrailState.BLIND,
        Guardrail.LATENCY: GuardrailState.BLIND,
        Guardrail.METRIC: GuardrailState.QUIET,
        Guardrail.CALIBRATION: GuardrailState.BLIND,
    }
    assert look.guardrails[0].evidence is None
    assert look.guardrails[0].chance is None
    assert look.why == "a guardrail sees nothing: errors, latency, calibration"


def test_a_state_is_known_since_the_first_look_that_saw_it_without_a_break() -> None:
    first = looked(QUIET)
    second = looked(QUIET | {Guardrail.ERRORS: log(50)}, first, LATER)
    assert [each.since for each in second.guardrails] == [LATER, NOW, NOW, NOW]
    third = looked(QUIET | {Guardrail.ERRORS: log(90)}, second, LATER + timedelta(hours=1))
    assert third.guardrails[0].since == LATER
    assert third.guardrails[0].evidence == pytest.approx(90)
    assert third.guardrails[0].chance == pytest.approx(1 / 90)


def test_the_look_at_another_rollout_tells_nothing() -> None:
    again = replace(ROLLOUT, steps_since=(LATER, LATER))
    first = looked(QUIET)
    assert not first.is_of(again)
    assert not first.is_of(replace(ROLLOUT, version=3))
    assert looked(QUIET, first, LATER, again).guardrails[0].since == LATER
    assert step_seen(again, first, LATER).answers == 0


def test_the_figures_of_both_sides_are_kept_where_they_are_numbers() -> None:
    look = looked({Guardrail.METRIC: 0.0})
    assert [each.observed for each in look.guardrails] == [Observed(0.012, 0.01), None, None, None]
    assert from_json(LastLook, to_json(look)) == look


def test_evidence_beyond_what_a_number_holds_is_shown_all_the_same() -> None:
    look = looked({Guardrail.ERRORS: 5_000.0, Guardrail.LATENCY: -5_000.0})
    errors, latency, *_ = look.guardrails
    assert (errors.evidence, errors.chance) == (exp(700), 0.0)
    assert (latency.evidence, latency.chance) == (0.0, 1.0)


def test_a_step_says_what_it_has_seen_of_what_it_must_have_seen() -> None:
    look = looked(QUIET)
    assert step_seen(ROLLOUT, look, NOW).words == "212 of 400 answers and 6.0 of 24 hours"
    led_on = replace(
        ROLLOUT,
        life=replace(ROLLOUT.life, step=2),
        steps_since=(*ROLLOUT.steps_since, LATER),
    )
    assert look.is_of(led_on)
    assert step_seen(led_on, look, LATER).words == "0 of 400 answers and 0.0 of 24 hours"
    assert step_seen(ROLLOUT, None, NOW).answers == 0
