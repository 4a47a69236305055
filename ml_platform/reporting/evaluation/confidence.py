"""The confidence in GO or NO-GO: the chance that an evaluation on fresh test rows would decide the same.

A gate holds a 95 % interval against its limit; the bound that is nearer to the limit decides. On as many fresh
clusters that bound would come out elsewhere: its spread is that of the value, 1/3.92 of the interval's width. The
value that it spreads about is itself only an estimate with the same spread, so the two bounds differ with a
standard deviation of sqrt(2)/3.92 widths, and a bound that lies ``m`` widths beyond its limit stays there with the
probability Phi(3.92 m / sqrt(2)). Source: Goodman (1992), "A comment on replication, p-values and evidence".

A GO needs every gate, so the closest one decides; a NO-GO needs one, so the clearest one does.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from math import inf, sqrt
from statistics import NormalDist

from ml_platform.gates.outcome import Decision, GateKind, GateResult, Outcome
from ml_platform.reporting.evaluation.decision import is_go, stopping_gates
from ml_platform.reporting.words import heading
from ml_platform.spec.gates import Bound

HIGH_MARGIN = 0.5
"""Half a width beyond the limit: 92 repetitions in 100 agree."""
MEDIUM_MARGIN = 0.2
"""A fifth of a width: 71 repetitions in 100 agree."""
_WIDTH_IN_DEVIATIONS = 2 * NormalDist().inv_cdf(0.975)


class Level(StrEnum):
    """The level of confidence shown beside the verdict."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True)
class Confidence:
    """A level, the gate that it rests on, and why."""

    level: Level
    gate: str
    margin: float
    """Widths of its interval between the bound that decided and the limit; infinite where it is exact."""
    why: str


def margin(gate: GateResult) -> float | None:
    """Widths of the interval between its nearer bound and the limit: negative where the gate fails.

    ``None`` without an interval and a limit; infinite in size where the interval is a point, which is exact.
    """
    if gate.low is None or gate.high is None or gate.limit is None:
        return None
    upper = gate.bound is Bound.AT_MOST
    near = gate.high if upper != (gate.outcome is Outcome.FAIL) else gate.low
    beyond = gate.limit - near if upper else near - gate.limit
    width = gate.high - gate.low
    if width <= 0:
        return inf if gate.outcome is Outcome.PASS else -inf
    return beyond / width


def agreement(margin: float) -> float:
    """Chance in [0.5, 1] that a repetition on fresh clusters puts the bound on the same side."""
    return NormalDist().cdf(_WIDTH_IN_DEVIATIONS * abs(margin) / sqrt(2))


def confidence(decision: Decision) -> Confidence:
    """HIGH from half a width between bound and limit, MEDIUM from a fifth, else LOW.

    Integrity checks and counts are exact: a NO-GO of theirs is HIGH. A NO-GO that only rests on too little
    evidence is LOW: nothing was shown either way.
    """
    return _confidence_in_go(decision) if is_go(decision) else _confidence_in_no_go(decision)


def closest_gate(gates: Iterable[GateResult]) -> tuple[GateResult, float] | None:
    """The gate that passed with the least to spare, with its margin; ``None`` if none has an interval."""
    holding = (gate for gate in gates if gate.decides and gate.outcome is Outcome.PASS)
    passed = ((gate, margin(gate)) for gate in holding)
    on_samples = [(gate, widths) for gate, widths in passed if widths is not None and widths < inf]
    return min(on_samples, key=lambda pair: pair[1], default=None)


def _confidence_in_go(decision: Decision) -> Confidence:
    closest = closest_gate(decision.gates)
    if closest is None:
        why = "every gate is an exact comparison: none rests on a sample"
        return Confidence(Level.HIGH, "", inf, why)
    gate, widths = closest
    why = (
        f"the closest gate is “{heading(gate.name)}”: its bound clears the limit by "
        f"{_in_widths(widths)}, {_chance(widths)}"
    )
    return Confidence(_level(widths), gate.name, widths, why)


def _confidence_in_no_go(decision: Decision) -> Confidence:
    stopping = stopping_gates(decision)
    exact = next((gate for gate in stopping if gate.kind is GateKind.INTEGRITY), None)
    if exact is not None:
        why = f"the integrity check “{heading(exact.name)}” is exact: it does not rest on a sample"
        return Confidence(Level.HIGH, exact.name, inf, why)
    failed = [
        (gate, -widths)
        for gate in stopping
        if gate.outcome is Outcome.FAIL and (widths := margin(gate)) is not None
    ]
    if not failed:
        name = stopping[0].name if stopping else ""
        why = "no gate failed: nothing is shown either way, and more evidence may decide it"
        return Confidence(Level.LOW, name, 0.0, why)
    gate, widths = max(failed, key=lambda pair: pair[1])
    if widths == inf:
        why = f"“{heading(gate.name)}” is missed by an exact figure"
        return Confidence(Level.HIGH, gate.name, widths, why)
    why = (
        f"the clearest miss is “{heading(gate.name)}”: its bound misses the limit by "
        f"{_in_widths(widths)}, {_chance(widths)}"
    )
    return Confidence(_level(widths), gate.name, widths, why)


def _level(widths: float) -> Level:
    if widths >= HIGH_MARGIN:
        return Level.HIGH
    return Level.MEDIUM if widths >= MEDIUM_MARGIN else Level.LOW


def _in_widths(widths: float) -> str:
    if widths < 10:
        return f"{widths:.2f} of its interval's width"
    return f"{widths:.0f} widths of its interval"


def _chance(widths: float) -> str:
    chance = agreement(widths)
    percent = f"about {100 * chance:.0f} %" if chance < 0.995 else "more than 99 %"
    return f"so {percent} of repetitions on fresh test rows would agree"
