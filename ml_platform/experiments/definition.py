"""An experiment as it is written down before it runs; its fingerprint is taken then, and nothing moves it later."""

from dataclasses import dataclass, fields
from enum import StrEnum

from ml_platform import values
from ml_platform.spec.metric import Direction
from ml_platform.spec.model import Parameter

COSTS = ("fit_seconds", "size_mb", "latency_ms")
"""What a fitted arm costs, as a guardrail may name it: seconds to fit, megabytes of its artifact (1 MB = 1e6
bytes), milliseconds (median) to answer one row. Less is better."""
RESAMPLES = 2_000


class Place(StrEnum):
    """Which rows both arms are judged on."""

    HOLDOUT = "holdout"
    """The newest quarter of the training part: the test part stays fresh however many experiments there are."""
    TEST = "test"
    """The test part; whoever looks at it often enough finds something there by chance."""


class Kind(StrEnum):
    """What a guardrail holds against its limit."""

    VALUE = "value"
    """The variant's own value."""
    WORSE_BY = "worse_by"
    """By how much the variant is worse than the baseline, paired."""


@dataclass(frozen=True)
class Guardrail:
    """What must not suffer; ``measure`` is a metric of the model or one of `COSTS`."""

    measure: str
    kind: Kind
    limit: float
    direction: Direction

    @property
    def text(self) -> str:
        """As a person reads it: 'mae at most 0.2', 'r2 worse by at most 0.01'."""
        if self.kind is Kind.WORSE_BY:
            return f"{self.measure} worse by at most {self.limit:g}"
        words = "at least" if self.direction is Direction.HIGHER else "at most"
        return f"{self.measure} {words} {self.limit:g}"


@dataclass(frozen=True)
class Arm:
    """One of the two things that are fitted."""

    parameters: dict[str, Parameter]
    """All of the model's, those that stay as they are included."""
    without: tuple[str, ...]
    """Features that are held constant, so that nothing can be learned from them; sorted."""
    seed: int


@dataclass(frozen=True)
class Definition:
    """All that is decided before the run."""

    name: str
    model: str
    hypothesis: str
    baseline_is: str
    """Where the baseline comes from: 'default', 'champion version 3', 'chosen'."""
    baseline: Arm
    variant: Arm
    """The baseline with what is changed."""
    changed: dict[str, str]
    """What is changed, as it was typed."""
    metric: str
    direction: Direction
    minimum_effect: float
    """By how much the variant must be better, in units of the metric: the interval's lower bound; at least 0."""
    alpha: float
    """The interval's level is 1 - alpha, and p must lie below alpha."""
    guardrails: tuple[Guardrail, ...]
    training_set_fingerprint: str
    source: str
    simulated: bool
    place: Place
    seed: int
    """Of the resamples."""
    resamples: int = RESAMPLES

    @property
    def criterion(self) -> str:
        """The success criterion in one line."""
        bound = "above 0" if self.minimum_effect == 0 else f"at least {self.minimum_effect:g}"
        return (
            f"{self.metric} ({self.direction} is better): improvement {bound} by the lower bound of its paired "
            f"{1 - self.alpha:.0%} interval, p < {self.alpha:g}"
        )


def digest(definition: Definition) -> str:
    """SHA-256, 64 hexadecimal digits, of the canonical JSON."""
    return values.fingerprint(definition)


def differing(left: Definition, right: Definition) -> tuple[str, ...]:
    """Names of the fields in which two definitions differ, in their order."""
    return tuple(
        field.name
        for field in fields(Definition)
        if getattr(left, field.name) != getattr(right, field.name)
    )
