"""How a version reaches its users, as data: the steps of the ramp, what guards them, and who must agree."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from ml_platform.errors import UsageError


class Guardrail(StrEnum):
    """What is compared with the version in production as long as a rollout lasts."""

    ERRORS = "errors"
    """Share of answers that failed."""
    LATENCY = "latency"
    """Share of answers slower than nine of ten were before the rollout."""
    METRIC = "metric"
    """The model's primary metric over answers whose outcome is known."""
    CALIBRATION = "calibration"
    """Confidence less outcome, over the same answers."""


class Newer(StrEnum):
    """What becomes of a candidate that earns its promotion while another one is being rolled out."""

    WAITS = "waits"
    """It stays staged until the rollout has ended."""
    SUPERSEDES = "supersedes"
    """The rollout is given up, and that of the newer one begins."""


@dataclass(frozen=True)
class GuardrailRule:
    """How much worse is harm, and how often a harmless version may be taken for harmful."""

    guardrail: Guardrail
    tolerated: float
    """A difference that nobody would roll back for, in points of the share or in units of the metric."""
    farthest: float
    """The largest harm that is looked at."""
    false_rollbacks: float
    """The probability, over the whole rollout, that a harmless version is rolled back by this guardrail."""


@dataclass(frozen=True)
class RampStep:
    """One step: the share of users that get the new version, and what it must have seen before the next one."""

    share: float
    """From 0 to 1; 0 is shadow: it answers beside the version in production, and nobody sees it."""
    least_answers: int
    least_hours: float
    """A day at least shows it at every hour of the daily cycle."""


@dataclass(frozen=True)
class RampPolicy:
    """The rollout of a model's versions."""

    name: str
    steps: tuple[RampStep, ...]
    """In order, the shares growing from 0 (shadow) to 1; none: the version gets all traffic at once (`direct`)."""
    guardrails: tuple[GuardrailRule, ...]
    left_behind: float = 0.05
    """Share of users that stay with the version before, as control, until the last step is over."""
    least_units: int = 10
    """Assigned users without which a step shows nothing; one that would have fewer is left out."""
    suspicion: float = 20.0
    """Evidence of harm, as a ratio of likelihoods, from which no step is left until it has gone down again."""
    newer: Newer = Newer.WAITS
    needs_approval: bool = False
    """Whether a person must approve a version before its rollout begins."""
    lease_seconds: int = 300
    """How long a share is given for; the guard renews it, and unrenewed it is 0."""

    def __post_init__(self) -> None:
        shares = [step.share for step in self.steps]
        if shares != sorted(set(shares)) or (shares and not shares[0] == 0 < shares[-1] == 1):
            raise UsageError(
                f"The steps {', '.join(f'{share:g}' for share in shares)} of the rollout policy {self.name} "
                "are no ramp.",
                remedy="let the shares grow from 0 (shadow) to 1",
            )

    @property
    def is_direct(self) -> bool:
        """Whether there are no steps, since there is no traffic that could be shared out."""
        return not self.steps

    @property
    def lease(self) -> timedelta:
        """How long a share is given for."""
        return timedelta(seconds=self.lease_seconds)

    def applicable(self, users: int) -> tuple[RampStep, ...]:
        """The steps that make sense with so many users: those in which enough of them get the new version."""
        return tuple(
            step
            for step in self.steps
            if step.share in (0, 1) or step.share * users >= self.least_units
        )


GUARDRAILS = (
    GuardrailRule(Guardrail.ERRORS, tolerated=0.03, farthest=0.5, false_rollbacks=0.0015),
    GuardrailRule(Guardrail.LATENCY, tolerated=0.05, farthest=0.5, false_rollbacks=0.0004),
    GuardrailRule(Guardrail.METRIC, tolerated=0.02, farthest=0.1, false_rollbacks=0.0017),
    GuardrailRule(Guardrail.CALIBRATION, tolerated=0.03, farthest=0.2, false_rollbacks=0.0004),
)
"""Together they take at most 4 of 1,000 harmless versions for harmful."""

DIRECT = RampPolicy("direct", steps=(), guardrails=())
"""All traffic at once: where nobody asks a service, there is none to share out."""

RAMP = RampPolicy(
    "ramp",
    steps=(
        RampStep(0.0, least_answers=400, least_hours=24),
        RampStep(0.01, least_answers=400, least_hours=24),
        RampStep(0.10, least_answers=400, least_hours=24),
        RampStep(0.50, least_answers=1_000, least_hours=24),
        RampStep(1.0, least_answers=2_000, least_hours=48),
    ),
    guardrails=GUARDRAILS,
)
"""Shadow, then 1, 10, 50 and 100 %, of which 5 % stay behind for two days."""

POLICIES = {policy.name: policy for policy in (DIRECT, RAMP)}
