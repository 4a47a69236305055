"""Every dimension of a candidate, one after the other, in a fixed order."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING

from ml_platform.evaluation.cost.sample import CostMeter
from ml_platform.evaluation.dimension import Dimension
from ml_platform.evaluation.intervals import RESAMPLES
from ml_platform.evaluation.judge import Answers, Judge
from ml_platform.models.artifact import Artifact
from ml_platform.models.spec import ModelSpec, Scorer
from ml_platform.training_sets.training_set import TrainingSet

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.features.leakage import LeakageReport
    from ml_platform.features.quality.report import QualityReport


@dataclass(frozen=True)
class Examined:
    """What an examination may look at; it answers for test rows alone, and changes nothing."""

    spec: ModelSpec
    training_set: TrainingSet
    judge: Judge
    candidate: Scorer
    """The artifact that would be served, loaded from its bytes."""
    answers: Answers
    """Of ``candidate`` for ``training_set.test``, row by row."""
    seed: int
    folds: tuple[Mapping[str, float], ...] = ()
    """Metrics on each held-out block of the training part, or of each epoch, as the fit told them."""
    artifact: Artifact | None = None
    users: "pd.DataFrame | None" = None
    """user_id, team, region, tenure_days as the source tells them; ``None`` or empty where it tells nothing."""
    cost_meter: CostMeter | None = None
    """Measures times and memory of ``artifact``; without it nothing is told of cost."""
    resamples: int = RESAMPLES
    progress: Callable[[str], None] = field(default=lambda _: None, repr=False)
    leakage: "LeakageReport | None" = None
    """Of ``training_set``, where it is known already."""
    quality: "QualityReport | None" = None
    """Of ``training_set``, where it is known already."""


Examination = Callable[[Examined], Dimension]


DIMENSIONS = {
    "leakage": "ml_platform.evaluation.data_dimensions:leakage",
    "quality": "ml_platform.evaluation.data_dimensions:quality",
    "selection": "ml_platform.evaluation.selection_dimension:selection",
    "fairness": "ml_platform.evaluation.fairness.examination:examine_fairness",
    "robustness": "ml_platform.evaluation.robustness.examination:robustness",
    "cost": "ml_platform.evaluation.cost.examination:cost",
    "explanations": "ml_platform.evaluation.explanations.examination:explanations",
    "stability": "ml_platform.evaluation.stability:examine_stability",
}
"""In the order of the report; imported when they are wanted, for some need much."""


def examinations(names: Iterable[str] = DIMENSIONS) -> tuple[Examination, ...]:
    """Those of `DIMENSIONS` called ``names``."""
    found = []
    for name in names:
        module, _, function = DIMENSIONS[name].partition(":")
        found.append(getattr(import_module(module), function))
    return tuple(found)


def examine(
    subject: Examined, dimensions: Sequence[Examination] | None = None
) -> tuple[Dimension, ...]:
    """What each examination finds, in their order; by default all of `DIMENSIONS`."""
    found = []
    for examination in examinations() if dimensions is None else dimensions:
        dimension = examination(subject)
        subject.progress(f"{dimension.name}: {dimension.summary}")
        found.append(dimension)
    return tuple(found)
