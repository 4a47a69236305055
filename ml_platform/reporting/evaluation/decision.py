"""The parts of a decision that the page shows: GO or NO-GO, the gates that stop, those of each dimension."""

from collections.abc import Iterable

from ml_platform.gates.outcome import Decision, GateKind, GateResult, Outcome, Verdict

NO_GATE = "no_gate"
"""Stands for the outcome of what no gate looks at."""
_WORST_FIRST = (Outcome.FAIL, Outcome.INSUFFICIENT, Outcome.PASS, Outcome.NOT_APPLICABLE)


def is_go(decision: Decision) -> bool:
    """Whether the page says GO: only PROMOTE does; HOLD and REJECT are NO-GO."""
    return decision.verdict == Verdict.PROMOTE


def stopping_gates(decision: Decision) -> tuple[GateResult, ...]:
    """The gates that stand in the way of a promotion, failures first."""
    stopping = (gate for gate in decision.gates if gate.stops)
    return tuple(sorted(stopping, key=lambda gate: _WORST_FIRST.index(gate.outcome)))


def dimension_of(gate: GateResult) -> str:
    """The dimension that a gate's measure belongs to; '' for one on a plain metric.

    The integrity gates that have a dimension of their own carry its name.
    """
    if gate.kind is GateKind.INTEGRITY:
        return gate.name
    dimension, point, _ = gate.metric.partition(".")
    return dimension if point else ""


def gates_of(decision: Decision, dimension: str) -> tuple[GateResult, ...]:
    """The gates on a dimension; those on plain metrics for ''."""
    return tuple(gate for gate in decision.gates if dimension_of(gate) == dimension)


def worst_outcome(gates: Iterable[GateResult]) -> str:
    """FAIL before INSUFFICIENT before PASS before NOT APPLICABLE; `NO_GATE` where no gate decides."""
    outcomes = {gate.outcome for gate in gates if gate.decides}
    return next((outcome for outcome in _WORST_FIRST if outcome in outcomes), NO_GATE)
