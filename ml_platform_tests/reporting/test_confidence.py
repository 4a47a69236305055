"""Confidence of GO and NO-GO: figures worked by hand, and the chance against a simulation."""

from math import inf

import numpy as np
import pytest

from ml_platform.gates.outcome import Decision, GateKind, GateResult, Outcome, Verdict
from ml_platform.reporting.evaluation.confidence import (
    HIGH_MARGIN,
    MEDIUM_MARGIN,
    Level,
    agreement,
    confidence,
    margin,
)
from ml_platform.spec.gates import Bound


def gate(low, high, limit, outcome=Outcome.PASS, bound=Bound.LIMIT, kind=GateKind.QUALITY):
    value = None if low is None else (low + high) / 2
    return GateResult("g", kind, outcome, value, low, high, limit, "why", "", "m", bound)


def decided(*gates, verdict=Verdict.PROMOTE):
    return Decision(verdict, "row", "p", gates)


def test_margins_by_hand():
    assert margin(gate(0.86, 0.90, 0.85)) == pytest.approx(0.25)  # .01 of a width of .04
    assert margin(gate(0.01, 0.03, 0.05, bound=Bound.AT_MOST)) == pytest.approx(1.0)
    assert margin(gate(0.80, 0.84, 0.85, Outcome.FAIL)) == pytest.approx(-0.25)
    assert margin(gate(0.06, 0.08, 0.05, Outcome.FAIL, Bound.AT_MOST)) == pytest.approx(-0.5)
    assert margin(gate(0.9, 0.9, 0.85)) == inf
    assert margin(gate(None, None, 0.85)) is None


def test_the_closest_gate_decides_a_go():
    verdict_confidence = confidence(decided(gate(0.9, 0.91, 0.85), gate(0.86, 0.9, 0.85)))
    assert (verdict_confidence.level, verdict_confidence.margin) == (
        Level.MEDIUM,
        pytest.approx(0.25),
    )
    assert confidence(decided(gate(0.88, 0.9, 0.85))).level is Level.HIGH
    assert confidence(decided(gate(0.851, 0.9, 0.85))).level is Level.LOW
    assert confidence(decided(gate(None, None, None))).level is Level.HIGH


def test_the_clearest_miss_decides_a_no_go():
    near, far = gate(0.7, 0.849, 0.85, Outcome.FAIL), gate(0.6, 0.7, 0.85, Outcome.FAIL)
    verdict_confidence = confidence(decided(near, far, verdict=Verdict.REJECT))
    assert (verdict_confidence.level, verdict_confidence.margin) == (Level.HIGH, pytest.approx(1.5))
    assert confidence(decided(near, verdict=Verdict.REJECT)).level is Level.LOW


def test_integrity_is_exact_and_too_little_evidence_shows_nothing():
    broken = gate(None, None, None, Outcome.FAIL, None, GateKind.INTEGRITY)
    assert confidence(decided(broken, verdict=Verdict.REJECT)).level is Level.HIGH
    unknown = gate(None, None, 0.85, Outcome.INSUFFICIENT)
    verdict_confidence = confidence(decided(unknown, verdict=Verdict.HOLD))
    assert (verdict_confidence.level, verdict_confidence.gate) == (Level.LOW, "g")


@pytest.mark.parametrize("by", [0.0, MEDIUM_MARGIN, HIGH_MARGIN, 0.7])
def test_the_chance_is_that_of_repetitions(by):
    """Value and repetition both spread about the truth, of which nothing else is known (a flat prior)."""
    generator = np.random.default_rng(0)
    deviation = 1 / (2 * 1.959964)  # of a value whose interval is 1 wide
    truth = by + generator.normal(
        0, deviation, 400_000
    )  # the bound that a repetition spreads about
    again = truth + generator.normal(0, deviation, 400_000)
    assert agreement(by) == pytest.approx((again > 0).mean(), abs=0.003)
