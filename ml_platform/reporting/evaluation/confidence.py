"""How sure GO or NO-GO is: the chance that the same evaluation on fresh test rows would say it again.

A gate holds a bound of a 95 % interval against its limit. On as many fresh clusters that bound would come out
elsewhere: its spread is that of the value, 1/3.92 of the interval's width. The value that it spreads about is
itself only an estimate with the same spread, so the two bounds differ with a standard deviation of
sqrt(2)/3.92 widths, and a bound that lies ``m`` widths beyond its limit stays there with the probability
Phi(3.92 m / sqrt(2)). Source: Goodman (1992), "A comment on replication, p-values and evidence".

A GO needs every gate, so the closest one decides; a NO-GO needs one, so the clearest one does.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from math import inf, sqrt
from statistics import NormalDist

from ml_platform.reporting.evaluation.verdict import (
    AT_MOST,
    FAIL,
    INTEGRITY,
    PASS,
    GateLine,
    Verdicted,
    is_go,
    stopping,
)
from ml_platform.reporting.evaluation.words import heading

HIGH_MARGIN = 0.5
"""Half a width beyond the limit: 92 repetitions in 100 agree."""
MEDIUM_MARGIN = 0.2
"""A fifth of a width: 71 repetitions in 100 agree."""
_WIDTH_IN_DEVIATIONS = 2 * NormalDist().inv_cdf(0.975)


class Level(StrEnum):
    """Of confidence."""

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


def margin(gate: GateLine) -> float | None:
    """Widths of the interval between the deciding bound and the limit: positive where the gate holds.

    ``None`` without an interval and a limit; infinite in size where the interval is a point, which is exact.
    """
    if gate.low is None or gate.high is None or gate.limit is None:
        return None
    beyond = gate.limit - gate.high if gate.bound == AT_MOST else gate.low - gate.limit
    width = gate.high - gate.low
    if width <= 0:
        return inf if gate.outcome == PASS else -inf
    return beyond / width


def agreement(margin: float) -> float:
    """Chance in [0.5, 1] that a repetition on fresh clusters puts the bound on the same side."""
    return NormalDist().cdf(_WIDTH_IN_DEVIATIONS * abs(margin) / sqrt(2))


def confidence(decision: Verdicted) -> Confidence:
    """HIGH from half a width between bound and limit, MEDIUM from a fifth, else LOW.

    Integrity checks and counts are exact: a NO-GO of theirs is HIGH. A NO-GO that only rests on too little
    evidence is LOW: nothing was shown either way.
    """
    return _of_go(decision) if is_go(decision) else _of_no_go(decision)


def closest(gates: Iterable[GateLine]) -> tuple[GateLine, float] | None:
    """The gate that passed with the least to spare, with its margin; ``None`` if none has an interval."""
    passed = [(gate, found) for gate in gates if (found := margin(gate)) is not None]
    held = [(gate, found) for gate, found in passed if gate.outcome == PASS and found < inf]
    return min(held, key=lambda pair: pair[1], default=None)


def _of_go(decision: Verdicted) -> Confidence:
    found = closest(decision.gates)
    if found is None:
        why = "every gate is an exact comparison: none rests on a sample"
        return Confidence(Level.HIGH, "", inf, why)
    gate, by = found
    return Confidence(
        _level(by),
        gate.name,
        by,
        f"the closest gate is “{heading(gate.name)}”: its bound clears the limit by {_widths(by)}, {_chance(by)}",
    )


def _of_no_go(decision: Verdicted) -> Confidence:
    stops = stopping(decision)
    exact = [g for g in stops if g.kind == INTEGRITY]
    if exact:
        why = (
            f"the integrity check “{heading(exact[0].name)}” is exact: it does not rest on a sample"
        )
        return Confidence(Level.HIGH, exact[0].name, inf, why)
    failed = [
        (gate, -found)
        for gate in stops
        if gate.outcome == FAIL and (found := margin(gate)) is not None
    ]
    if not failed:
        name = stops[0].name if stops else ""
        why = "nothing was shown to be wrong: there is too little evidence, and more of it may decide either way"
        return Confidence(Level.LOW, name, 0.0, why)
    gate, by = max(failed, key=lambda pair: pair[1])
    if by == inf:
        return Confidence(
            Level.HIGH, gate.name, by, f"“{heading(gate.name)}” is missed by an exact figure"
        )
    return Confidence(
        _level(by),
        gate.name,
        by,
        f"the clearest miss is “{heading(gate.name)}”: its bound misses the limit by {_widths(by)}, {_chance(by)}",
    )


def _level(by: float) -> Level:
    if by >= HIGH_MARGIN:
        return Level.HIGH
    return Level.MEDIUM if by >= MEDIUM_MARGIN else Level.LOW


def _widths(by: float) -> str:
    return f"{by:.2f} of its interval's width" if by < 10 else f"{by:.0f} widths of its interval"


def _chance(by: float) -> str:
    chance = agreement(by)
    told = f"about {100 * chance:.0f} %" if chance < 0.995 else "more than 99 %"
    return f"so {told} of repetitions on fresh test rows would agree"
