"""The definition of an experiment, frozen with its hash before the experiment runs."""

from dataclasses import dataclass, fields
from enum import StrEnum

from ml_platform import values
from ml_platform.spec.metric import Direction
from ml_platform.spec.model import Parameter

COSTS = ("fit_seconds", "size_mb", "latency_ms")
"""The costs of a fitted arm that a guardrail may name: seconds to fit, megabytes of its artifact (1 MB = 1e6
bytes), median milliseconds to score one row. Lower is better."""
RESAMPLES = 2_000


class Place(StrEnum):
    """Which rows both arms are evaluated on."""

    HOLDOUT = "holdout"
    """The newest quarter of the training part: the test part stays fresh however many experiments there are."""
    TEST = "test"
    """The test part; whoever looks at it often enough finds something there by chance."""


class Kind(StrEnum):
    """The quantity that a guardrail compares with its limit."""

    VALUE = "value"
    """The value of the variant."""
    WORSE_BY = "worse_by"
    """The paired difference by which the variant is worse than the baseline."""


@dataclass(frozen=True)
class Guardrail:
    """A limit that the variant must keep; ``measure`` is a metric of the model or one of `COSTS`."""

    measure: str
    kind: Kind
    limit: float
    direction: Direction

    @property
    def text(self) -> str:
        """The guardrail in words: 'mae at most 0.2', 'r2 worse by at most 0.01'."""
        if self.kind is Kind.WORSE_BY:
            return f"{self.measure} worse by at most {self.limit:g}"
        words = "at least" if self.direction is Direction.HIGHER else "at most"
        return f"{self.measure} {words} {self.limit:g}"


@dataclass(frozen=True)
class Arm:
    """One of the two models that are fitted: the baseline or the variant."""

    parameters: dict[str, Parameter]
    """Every parameter of the model, the unchanged ones included."""
    without: tuple[str, ...]
    """Features that are held constant, so that nothing can be learned from them; sorted by name."""
    seed: int


@dataclass(frozen=True)
class Definition:
    """Everything that is decided before the run: hypothesis, arms, criterion, guardrails, data and seeds."""

    name: str
    model: str
    hypothesis: str
    baseline_is: str
    """The origin of the baseline: 'default', 'champion version 3' or 'chosen'."""
    baseline: Arm
    variant: Arm
    """The baseline with the changes applied."""
    changed: dict[str, str]
    """The changes as they were typed, by parameter."""
    metric: str
    direction: Direction
    minimum_effect: float
    """The least improvement, in units of the metric, that the lower bound must reach; at least 0."""
    alpha: float
    """The interval's level is 1 - alpha, and p must lie below alpha."""
    guardrails: tuple[Guardrail, ...]
    training_set_fingerprint: str
    source: str
    simulated: bool
    place: Place
    seed: int
    """Seed of the bootstrap resamples."""
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
    """SHA-256 of the canonical JSON of a definition, as 64 hexadecimal digits."""
    return values.fingerprint(definition)


def differing(left: Definition, right: Definition) -> tuple[str, ...]:
    """Names of the fields in which two definitions differ, in their order."""
    return tuple(
        field.name
        for field in fields(Definition)
        if getattr(left, field.name) != getattr(right, field.name)
    )
