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
        """Whether a candidate with this outcome, of a gate that decides, is not promoted."""
        return self in (Outcome.FAIL, Outcome.INSUFFICIENT)

    @property
    def words(self) -> str:
        """The outcome in capitals, as people read it."""
        return self.value.upper().replace("_", " ")


class Insufficiency(StrEnum):
    """The reason why a gate is INSUFFICIENT, in words for people."""

    NOT_SHOWN = "not shown"
    """The interval lies across the limit: the value is known, and neither side of the limit is shown."""
    TOO_FEW_ROWS = "too few rows"
    """The test part has fewer rows or clusters than the policy asks for."""
    NOT_DEFINED = "not defined"
    """The test rows do not tell the metric."""
    NOT_COMPARABLE = "not comparable"
    """The other model of a comparison cannot be evaluated on these rows, or has no candidate."""


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
    insufficiency: Insufficiency | None = None
    """Why the outcome is INSUFFICIENT; ``None`` for any other outcome."""
    decides: bool = True
    """Whether the outcome counts; else it is reported alone."""

    @property
    def stops(self) -> bool:
        """Whether a candidate with this result is not promoted."""
        return self.decides and self.outcome.stops

    @property
    def words(self) -> str:
        """The outcome as people read it: 'PASS', 'INSUFFICIENT (not shown)', 'FAIL (reported only)'."""
        remarks = [self.insufficiency.value] if self.insufficiency else []
        if not self.decides:
            remarks.append("reported only")
        return f"{self.outcome.words} ({', '.join(remarks)})" if remarks else self.outcome.words


@dataclass(frozen=True)
class Decision:
    """A verdict with the row of the table that fired and every gate behind it."""

    verdict: Verdict
    row: str
    policy_version: str
    gates: tuple[GateResult, ...]
