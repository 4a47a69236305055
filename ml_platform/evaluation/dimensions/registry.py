"""Every dimension of a candidate, one after the other, in a fixed order."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING

from ml_platform.evaluation.dimensions.cost_sample import CostMeter
from ml_platform.evaluation.dimensions.dimension import Dimension
from ml_platform.evaluation.intervals.bootstrap import RESAMPLES
from ml_platform.evaluation.tasks.evaluator import Evaluator, Predictions
from ml_platform.spec.artifact import Artifact
from ml_platform.spec.model import ModelSpec, Scorer
from ml_platform.spec.training_set import TrainingSet

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.features.leakage_report import LeakageReport
    from ml_platform.features.quality.report import QualityReport


@dataclass(frozen=True)
class EvaluationContext:
    """The evaluation context: all that an examination may read; it changes nothing."""

    spec: ModelSpec
    training_set: TrainingSet
    evaluator: Evaluator
    candidate: Scorer
    """The artifact that would be served, loaded from its bytes."""
    predictions: Predictions
    """The predictions of ``candidate`` for ``training_set.test``, row by row."""
    seed: int
    folds: tuple[Mapping[str, float], ...] = ()
    """Metrics on each held-out block of the training part, or of each epoch, as the fit reported them."""
    artifact: Artifact | None = None
    users: "pd.DataFrame | None" = None
    """The columns user_id, team, region and tenure_days, if the source has them; else ``None`` or empty."""
    cost_meter: CostMeter | None = None
    """The meter of times and memory of ``artifact``; without it cost is not measured."""
    resamples: int = RESAMPLES
    progress: Callable[[str], None] = field(default=lambda _: None, repr=False)
    leakage: "LeakageReport | None" = None
    """The report about ``training_set``, where it is known already."""
    quality: "QualityReport | None" = None
    """The report about ``training_set``, where it is known already."""


Examination = Callable[[EvaluationContext], Dimension]


DIMENSIONS = {
    "leakage": "ml_platform.evaluation.dimensions.data:leakage",
    "quality": "ml_platform.evaluation.dimensions.data:quality",
    "selection": "ml_platform.evaluation.dimensions.selection:selection",
    "fairness": "ml_platform.evaluation.dimensions.fairness.dimension:examine_fairness",
    "robustness": "ml_platform.evaluation.dimensions.robustness.dimension:robustness",
    "cost": "ml_platform.evaluation.dimensions.cost.dimension:cost",
    "explanations": "ml_platform.evaluation.dimensions.explanations.dimension:explanations",
    "stability": "ml_platform.evaluation.dimensions.stability:examine_stability",
}
"""The dimensions in the order of the report; each is imported when it is first needed."""


def examinations(names: Iterable[str] = DIMENSIONS) -> tuple[Examination, ...]:
    """Return the members of `DIMENSIONS` called ``names``."""
    functions = []
    for name in names:
        module, _, function = DIMENSIONS[name].partition(":")
        functions.append(getattr(import_module(module), function))
    return tuple(functions)


def examine(
    subject: EvaluationContext, dimensions: Sequence[Examination] | None = None
) -> tuple[Dimension, ...]:
    """Run the examinations, by default all of `DIMENSIONS`, and return their results in order."""
    dimensions_so_far = []
    for examination in examinations() if dimensions is None else dimensions:
        dimension = examination(subject)
        subject.progress(f"{dimension.name}: {dimension.summary}")
        dimensions_so_far.append(dimension)
    return tuple(dimensions_so_far)
