"""What the page needs of a decision, which the next stage makes; and GO or NO-GO of it."""

from collections.abc import Sequence
from typing import Protocol


class GateLine(Protocol):
    """What the page shows of a gate (a ``GateResult`` is one)."""

    @property
    def name(self) -> str:
        """Which gate."""
        ...

    @property
    def kind(self) -> str:
        """'integrity' or 'quality'."""
        ...

    @property
    def outcome(self) -> str:
        """'pass', 'fail', 'insufficient' or 'not_applicable'."""
        ...

    @property
    def value(self) -> float | None:
        """What it decided on; ``None`` where it is no figure."""
        ...

    @property
    def low(self) -> float | None:
        """Lower end of the 95 % interval, if the gate has one."""
        ...

    @property
    def high(self) -> float | None:
        """Upper end of it."""
        ...

    @property
    def limit(self) -> float | None:
        """What the figure is held against."""
        ...

    @property
    def explanation(self) -> str:
        """On what value it decided."""
        ...

    @property
    def remedy(self) -> str:
        """What would change it; empty if it passed."""
        ...

    @property
    def metric(self) -> str:
        """The metric, or ``<dimension>.<measure>``, of a quality gate; else empty."""
        ...

    @property
    def bound(self) -> str | None:
        """'limit', 'baseline', 'champion', 'challenged' or 'at_most'; ``None`` of a gate without an interval."""
        ...


class Verdicted(Protocol):
    """What the page shows of a decision (a ``Decision`` of the gates is one)."""

    @property
    def verdict(self) -> str:
        """'promote', 'canary', 'hold' or 'reject'."""
        ...

    @property
    def row(self) -> str:
        """The row of the decision table that fired."""
        ...

    @property
    def policy_version(self) -> str:
        """Of the policy it was made under."""
        ...

    @property
    def gates(self) -> Sequence[GateLine]:
        """Every gate behind it, in order."""
        ...


PASS, FAIL, INSUFFICIENT = "pass", "fail", "insufficient"
NOT_APPLICABLE = "not_applicable"
NO_GATE = "no_gate"
STOPPING = (FAIL, INSUFFICIENT)
INTEGRITY = "integrity"
AT_MOST = "at_most"


def is_go(decision: Verdicted) -> bool:
    """GO is PROMOTE alone; what is held, rejected or to be tried on a few first is NO-GO."""
    return decision.verdict == "promote"


def stopping(decision: Verdicted) -> tuple[GateLine, ...]:
    """The gates that stand in the way, failures first."""
    found = [gate for gate in decision.gates if gate.outcome in STOPPING]
    return tuple(sorted(found, key=lambda gate: STOPPING.index(gate.outcome)))


def gates_of(decision: Verdicted, dimension: str) -> tuple[GateLine, ...]:
    """The gates on a dimension, by its measures or its name; those on plain metrics for ''."""
    return tuple(
        gate
        for gate in decision.gates
        if (gate.kind == INTEGRITY and gate.name == dimension)
        or (
            gate.kind != INTEGRITY
            and (gate.metric.partition(".")[0] if "." in gate.metric else "") == dimension
        )
    )


def outcome_of(gates: Sequence[GateLine]) -> str:
    """The worst outcome: FAIL, then INSUFFICIENT, PASS, NOT APPLICABLE; 'no_gate' of none."""
    outcomes = {str(gate.outcome) for gate in gates}
    order = (FAIL, INSUFFICIENT, PASS, NOT_APPLICABLE)
    return next((outcome for outcome in order if outcome in outcomes), NO_GATE)
