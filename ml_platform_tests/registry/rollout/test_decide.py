"""The guard of a rollout: every combination has one row, harm comes first, and blindness renews nothing."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from ml_platform.registry.rollout.decide import (
    GUARD_TABLE,
    GuardDecision,
    Look,
    Reading,
    Signals,
    Step,
    decide_rollout,
)
from ml_platform.registry.rollout.policy import RAMP, Guardrail

QUIET = tuple(Reading(guardrail, -1.0) for guardrail in Guardrail)
GOOD = Look(
    bytes_hold=True,
    production_holds=True,
    readings=QUIET,
    answers=400,
    hours=24.0,
    least_answers=400,
    least_hours=24.0,
)


def with_evidence(guardrail: Guardrail, log_evidence: float) -> Look:
    others = tuple(reading for reading in QUIET if reading.guardrail is not guardrail)
    return replace(GOOD, readings=(*others, Reading(guardrail, log_evidence)))


@pytest.mark.parametrize(
    ("look", "step", "text"),
    [
        (GOOD, Step.LEAD_ON, "the step has seen enough, and no harm"),
        (replace(GOOD, answers=399), Step.WAIT, "the step has not seen enough"),
        (replace(GOOD, hours=23.9), Step.WAIT, "the step has not seen enough"),
        (
            with_evidence(Guardrail.ERRORS, np.log(21)),
            Step.WAIT,
            "harm is suspected: errors",
        ),
        (
            replace(GOOD, readings=QUIET[:2]),
            Step.PAUSE,
            "a guardrail sees nothing: metric, calibration",
        ),
        (with_evidence(Guardrail.METRIC, np.nan), Step.PAUSE, "a guardrail sees nothing: metric"),
        (
            with_evidence(Guardrail.ERRORS, np.log(1 / 0.0015)),
            Step.ROLL_BACK,
            "a guardrail shows harm: errors",
        ),
        (replace(GOOD, deaths=2), Step.LEAD_ON, "the step has seen enough, and no harm"),
        (
            replace(GOOD, deaths=3, answers=0),
            Step.ROLL_BACK,
            "processes of the service end while they ask it",
        ),
        (
            replace(GOOD, production_holds=False),
            Step.ROLL_BACK,
            "production has changed since the rollout began",
        ),
        (
            replace(GOOD, bytes_hold=False),
            Step.ROLL_BACK,
            "the artifact is not the one that was permitted",
        ),
    ],
)
def test_each_row(look: Look, step: Step, text: str) -> None:
    decision = decide_rollout(look, RAMP)
    assert isinstance(decision, GuardDecision)
    assert (decision.step, decision.text) == (step, text)


def test_the_table_is_total_and_harm_is_never_waited_out() -> None:
    seen = set()
    for row in product([True, False], repeat=7):
        bytes_hold, production, deadly, harm, blind, suspected, exposed = row
        some = (Guardrail.ERRORS,)
        signals = Signals(
            bytes_hold,
            production,
            deadly,
            some if harm else (),
            some if blind else (),
            some if suspected else (),
            exposed,
        )
        row = GUARD_TABLE.first_match(signals)
        seen.add(row.name)
        bad = harm or deadly or not bytes_hold or not production
        assert (row.outcome is Step.ROLL_BACK) == bad
        if row.outcome is Step.LEAD_ON:
            assert exposed
            assert not blind
            assert not suspected
    assert seen == {row.name for row in GUARD_TABLE}


def test_harm_that_one_guardrail_shows_counts_while_another_is_blind() -> None:
    look = replace(GOOD, readings=(Reading(Guardrail.ERRORS, 10.0),))
    assert decide_rollout(look, RAMP).step is Step.ROLL_BACK
