"""The outcome of a gate and the verdict over all of them: frozen values."""

from dataclasses import dataclass
from enum import StrEnum

from ml_platform.spec.gates import Bound


class Outcome(StrEnum):
    """What a gate says of a candidate.

    FAIL and INSUFFICIENT stop it; NOT_APPLICABLE, of a gate whose metric makes no sense for these labels, does not.
    """

    PASS = "pass"
    FAIL = "fail"
    INSUFFICIENT = "insufficient"
    NOT_APPLICABLE = "not_applicable"

    @property
    def stops(self) -> bool:
        """Whether a candidate with this outcome is not promoted."""
        return self in (Outcome.FAIL, Outcome.INSUFFICIENT)

    @property
    def words(self) -> str:
        """The outcome in capitals, as people read it."""
        return self.value.upper().replace("_", " ")


class GateKind(StrEnum):
    """A failed integrity gate blocks what is downstream; what a quality gate says is data, and fails no run."""

    INTEGRITY = "integrity"
    QUALITY = "quality"


class Verdict(StrEnum):
    """The verdict of all gates together on a candidate."""

    PROMOTE = "promote"
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
    metric: str = ""
    """The metric of a quality gate, as its policy names it; empty for other gates."""
    bound: Bound | None = None
    """The side of the interval that decides; ``None`` for a gate without one."""


@dataclass(frozen=True)
class Decision:
    """A verdict with the row of the table that fired and every gate behind it."""

    verdict: Verdict
    row: str
    policy_version: str
    gates: tuple[GateResult, ...]
