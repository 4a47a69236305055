"""What the guard of a rollout saw when it last looked, and since when each guardrail stands as it does."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import exp, isfinite, log

from ml_platform.registry.rollout.decide import GuardDecision, Reading, Step, shows_harm
from ml_platform.registry.rollout.policy import Guardrail, GuardrailRule
from ml_platform.registry.rollout.progress import Rollout

_MOST_LOG = 700.0
"""Beyond it a number of 64 bits cannot hold the evidence."""


class GuardrailState(StrEnum):
    """Where the evidence of a guardrail stands between its limits."""

    QUIET = "quiet"
    """Below suspicion."""
    SUSPECTED = "suspected"
    """The rollout waits until it has gone down again."""
    HARM = "harm"
    """The rollout is given up."""
    BLIND = "blind"
    """Nothing can be compared: the share lapses."""


@dataclass(frozen=True)
class Observed:
    """What a guardrail compares, as it was seen in the step's part (shadow, or shares), without any correction.

    Shares of answers of `Guardrail.ERRORS` and `Guardrail.LATENCY`, the mean of the metric (higher is better), or
    the mean of confidence less outcome. The evidence takes out what is known of each user from before, so that it
    need not follow these figures.
    """

    version: float
    """Of the version that is being rolled out."""
    others: float
    """Of what answers those with whom it is compared."""


@dataclass(frozen=True)
class GuardrailNow:
    """One guardrail at a look."""

    guardrail: Guardrail
    state: GuardrailState
    since: datetime
    """The first of the looks without a break that saw it in this state."""
    log_evidence: float | None
    """Logarithm of the evidence for harm; ``None`` of one that is blind."""
    observed: Observed | None = None
    """``None`` where either side has no answer, or none whose outcome is known."""

    @property
    def evidence(self) -> float | None:
        """How many times as well harm explains what was seen as no harm does; ``None`` of one that is blind."""
        return None if self.log_evidence is None else exp(min(self.log_evidence, _MOST_LOG))

    @property
    def chance(self) -> float | None:
        """The most that the probability can be with which a harmless version ever has such evidence, in [0, 1]."""
        return None if self.log_evidence is None else exp(min(0.0, -self.log_evidence))


@dataclass(frozen=True)
class LastLook:
    """The last look of the guard at one rollout."""

    version: int
    begun: datetime
    """When the rollout began: another one of the same version begins later."""
    step: int
    """In which the rollout was when it was looked at; the decision may have led it on."""
    at: datetime
    """The clock on the wall."""
    answers: int
    """Of the version in that step."""
    decision: Step
    why: str
    """The row of the guard's table, with the guardrails that it rests on."""
    guardrails: tuple[GuardrailNow, ...]
    """Every one of the policy, in its order."""

    def is_of(self, rollout: Rollout) -> bool:
        """Whether it was this rollout that was looked at."""
        return (self.version, self.begun) == (rollout.version, rollout.steps_since[0])


@dataclass(frozen=True)
class StepSeen:
    """What a step has seen, and what it must have seen before the next one."""

    answers: int
    least_answers: int
    hours: float
    least_hours: float

    @property
    def words(self) -> str:
        """As in '412 of 1,000 answers and 18.0 of 24 hours'."""
        return (
            f"{self.answers:,} of {self.least_answers:,} answers and "
            f"{self.hours:.1f} of {self.least_hours:g} hours"
        )


def look_at(
    rollout: Rollout,
    readings: tuple[Reading, ...],
    observed: Mapping[Guardrail, Observed],
    answers: int,
    decision: GuardDecision,
    before: LastLook | None,
    now: datetime,
) -> LastLook:
    """The look to be kept.

    Args:
        rollout: As it was looked at.
        readings: Of the guardrails that were not blind.
        observed: Figures of both sides, of the guardrails that have them.
        answers: Of the version in the step that the rollout was in.
        decision: What the guard's table said.
        before: The look before this one; of another rollout it tells nothing.
        now: The clock on the wall.
    """
    known = before.guardrails if before is not None and before.is_of(rollout) else ()
    earlier = {each.guardrail: each for each in known}
    seen = {each.guardrail: each.log_evidence for each in readings}
    guardrails = []
    for rule in rollout.policy.guardrails:
        found = seen.get(rule.guardrail)
        evidence = found if found is not None and isfinite(found) else None
        state = _state(rule, evidence, rollout.policy.suspicion)
        last, figures = earlier.get(rule.guardrail), observed.get(rule.guardrail)
        since = last.since if last is not None and last.state is state else now
        if figures is not None and not (isfinite(figures.version) and isfinite(figures.others)):
            figures = None
        guardrails.append(GuardrailNow(rule.guardrail, state, since, evidence, figures))
    return LastLook(
        version=rollout.version,
        begun=rollout.steps_since[0],
        step=rollout.life.step,
        at=now,
        answers=answers,
        decision=decision.step,
        why=decision.text,
        guardrails=tuple(guardrails),
    )


def step_seen(rollout: Rollout, look: LastLook | None, now: datetime) -> StepSeen:
    """What the present step has seen: the answers that the last look has counted, 0 before the first one in it."""
    is_known = look is not None and look.is_of(rollout) and look.step == rollout.life.step
    return StepSeen(
        answers=look.answers if look is not None and is_known else 0,
        least_answers=rollout.step.least_answers,
        hours=max(0.0, (now - rollout.step_since).total_seconds() / 3600),
        least_hours=rollout.step.least_hours,
    )


def _state(rule: GuardrailRule, log_evidence: float | None, suspicion: float) -> GuardrailState:
    """The state as the guard's table reads it (`decide.signals`)."""
    if log_evidence is None:
        return GuardrailState.BLIND
    if shows_harm(rule, log_evidence):
        return GuardrailState.HARM
    return GuardrailState.SUSPECTED if log_evidence > log(suspicion) else GuardrailState.QUIET
