"""What the guard of a rollout does at each look: a table, whose first row that applies decides."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from ml_platform.decision_table import DecisionTable, Row, always
from ml_platform.registry.rollout.policy import Guardrail, GuardrailRule, RampPolicy

DEADLY = 3
"""So many processes of the service must end while they ask a version: one may for another reason."""


class Step(StrEnum):
    """What happens to a rollout."""

    ROLL_BACK = "roll back"
    PAUSE = "pause"
    """Its lease is not renewed: within minutes everybody gets the version in production."""
    WAIT = "wait"
    LEAD_ON = "lead on"
    """One step further, or after the last one into production."""


@dataclass(frozen=True)
class Reading:
    """What a guardrail has seen since the rollout began."""

    guardrail: Guardrail
    log_evidence: float
    """Logarithm of the evidence for harm (`sequential`)."""


@dataclass(frozen=True)
class Look:
    """Everything that the guard sees of a rollout at one moment."""

    bytes_hold: bool
    """Whether the artifact's files have the hash of the permit."""
    production_holds: bool
    """Whether production is what the rollout is compared with."""
    readings: tuple[Reading, ...]
    answers: int
    """Of the version in this step."""
    hours: float
    """Since this step began."""
    least_answers: int
    least_hours: float
    deaths: int = 0
    """Processes of the service that have ended while they asked the version."""


@dataclass(frozen=True)
class Signals:
    """The look as the table reads it."""

    bytes_hold: bool
    production_holds: bool
    deadly: bool
    """Whether processes end while they ask the version."""
    harmful: tuple[Guardrail, ...]
    blind: tuple[Guardrail, ...]
    """Guardrails without a reading."""
    suspected: tuple[Guardrail, ...]
    exposed: bool


@dataclass(frozen=True)
class GuardDecision:
    """What happens, the row of the table that says so, and the guardrails that it rests on."""

    step: Step
    row: str
    guardrails: tuple[Guardrail, ...]

    @property
    def text(self) -> str:
        """The row, with the guardrails."""
        named = ", ".join(self.guardrails)
        return f"{self.row}: {named}" if named else self.row


GUARD_TABLE = DecisionTable[Signals, Step](
    (
        Row(
            "the artifact is not the one that was permitted",
            lambda s: not s.bytes_hold,
            Step.ROLL_BACK,
        ),
        Row(
            "processes of the service end while they ask it",
            lambda s: s.deadly,
            Step.ROLL_BACK,
        ),
        Row("a guardrail shows harm", lambda s: bool(s.harmful), Step.ROLL_BACK),
        Row(
            "production has changed since the rollout began",
            lambda s: not s.production_holds,
            Step.ROLL_BACK,
        ),
        Row("a guardrail sees nothing", lambda s: bool(s.blind), Step.PAUSE),
        Row("harm is suspected", lambda s: bool(s.suspected), Step.WAIT),
        Row("the step has not seen enough", lambda s: not s.exposed, Step.WAIT),
        Row("the step has seen enough, and no harm", always, Step.LEAD_ON),
    )
)


def signals(look: Look, policy: RampPolicy) -> Signals:
    """The look, held against the policy."""
    seen = {reading.guardrail: reading.log_evidence for reading in look.readings}
    known = [rule for rule in policy.guardrails if np.isfinite(seen.get(rule.guardrail, np.nan))]
    return Signals(
        bytes_hold=look.bytes_hold,
        production_holds=look.production_holds,
        deadly=look.deaths >= DEADLY,
        harmful=tuple(rule.guardrail for rule in known if shows_harm(rule, seen[rule.guardrail])),
        blind=tuple(rule.guardrail for rule in policy.guardrails if rule not in known),
        suspected=tuple(
            rule.guardrail for rule in known if seen[rule.guardrail] > np.log(policy.suspicion)
        ),
        exposed=look.answers >= look.least_answers and look.hours >= look.least_hours,
    )


def shows_harm(rule: GuardrailRule, log_evidence: float) -> bool:
    """Whether the evidence is such as a harmless version has with the probability that the rule allows."""
    return bool(log_evidence >= np.log(1 / rule.false_rollbacks))


def decide_rollout(look: Look, policy: RampPolicy) -> GuardDecision:
    """The first row of `GUARD_TABLE` that applies."""
    seen = signals(look, policy)
    row = GUARD_TABLE.first_match(seen)
    named = {
        "a guardrail shows harm": seen.harmful,
        "a guardrail sees nothing": seen.blind,
        "harm is suspected": seen.suspected,
    }
    return GuardDecision(row.outcome, row.name, named.get(row.name, ()))
