"""What a metric is: its name, what it means to people, which way it is better, and which interval it gets."""

from dataclasses import dataclass, replace
from enum import StrEnum


class Direction(StrEnum):
    """Which way a metric is better."""

    HIGHER = "higher"
    LOWER = "lower"
    NEITHER = "neither"
    """It describes the predictions: more of it is neither better nor worse. A bias, for example, is best at 0."""


class IntervalKind(StrEnum):
    """How the 95 % interval of a metric is made (`ml_platform.evaluation.intervals.bootstrap.interval`)."""

    BCA = "bca"
    """Bias-corrected and accelerated, from resamples of clusters."""
    PROPORTION = "proportion"
    """BCA, but no narrower than Clopper's and Pearson's where few rows of the rarer outcome are counted."""
    CALIBRATION = "calibration"
    """BCA, but no narrower than percentiles: noise adds to a calibration error in every resample."""
    COVERAGE = "coverage"
    """BCA, stretched to hold the value: a resample, with some clusters left out, covers less."""


@dataclass(frozen=True)
class Metric:
    """One metric, or a family of metrics whose name has a parameter in braces: ``ndcg_at_{k}``."""

    name: str
    label: str
    """The name for people, as it stands within a sentence: 'macro F1'; a family's has the parameter in braces."""
    meaning: str
    """What it measures, in one sentence."""
    tasks: tuple[str, ...]
    """Names of the tasks whose evaluators return it (`ml_platform.spec.task.Task.name`)."""
    direction: Direction = Direction.HIGHER
    low: float | None = 0.0
    """The least value there can be; ``None``: there is no bound."""
    high: float | None = 1.0
    """The largest value there can be; ``None``: there is no bound."""
    unit: str = ""
    """'bits', 'launches'; empty for a pure number."""
    interval: IntervalKind = IntervalKind.BCA
    steady: bool = False
    """Whether changes of a model are weighed by it: higher is better, and every row has a say.

    Precision rises where fewer alarms are raised, and the value of a policy rests on the few change sets that
    it shares with the logged one: neither says what a feature is worth.
    """

    @property
    def parameter(self) -> str:
        """The name of the parameter of a family; empty for a single metric."""
        _, opened, rest = self.name.partition("{")
        return rest.partition("}")[0] if opened else ""

    def at(self, value: float) -> "Metric":
        """Return the member of the family whose parameter is ``value``: of ``ndcg_at_{k}`` at 5 ``ndcg_at_5``."""
        parameter = {self.parameter: f"{value:g}"}
        return replace(
            self,
            name=self.name.format(**parameter),
            label=self.label.format(**parameter),
            meaning=self.meaning.format(**parameter),
        )

    def prefixed(self, prefix: str, words: str, task: str) -> "Metric":
        """Return the same metric of another label or another unit of rows: ``soon_f1`` from ``f1``.

        ``words`` say in a sentence what it is taken over: 'by change set'.
        """
        return replace(
            self,
            name=prefix + self.name,
            label=f"{prefix.replace('_', ' ')}{self.label}",
            meaning=f"{self.meaning.removesuffix('.')}, {words}.",
            tasks=(task,),
        )
