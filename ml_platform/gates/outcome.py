"""The outcome of a gate and the verdict over all of them: frozen values."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """PASS, FAIL and INSUFFICIENT are three outcomes, and only PASS passes."""

    PASS = "pass"
    FAIL = "fail"
    INSUFFICIENT = "insufficient"


class GateKind(StrEnum):
    """Integrity blocks what is downstream; a quality gate's outcome is data."""

    INTEGRITY = "integrity"
    QUALITY = "quality"


class Verdict(StrEnum):
    """What the gates say of a candidate; until there is a service, CANARY counts as HOLD."""

    PROMOTE = "promote"
    CANARY = "canary"
    HOLD = "hold"
    REJECT = "reject"


@dataclass(frozen=True)
class GateResult:
    """One gate: its outcome, on what value, against what limit, and what would change it."""

    name: str
    kind: GateKind
    outcome: Outcome
    value: float | None
    low: float | None
    high: float | None
    limit: float | None
    explanation: str
    remedy: str


@dataclass(frozen=True)
class Decision:
    """A verdict with the row of the table that fired and every gate behind it."""

    verdict: Verdict
    row: str
    policy_version: str
    gates: tuple[GateResult, ...]
