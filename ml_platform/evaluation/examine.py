"""Every dimension of a candidate, one after the other, in a fixed order."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ml_platform.evaluation.dimension import Dimension
from ml_platform.evaluation.intervals import RESAMPLES
from ml_platform.evaluation.judge import Answers, Judge
from ml_platform.evaluation.robustness.examination import robustness
from ml_platform.models.artifact import Artifact
from ml_platform.models.spec import ModelSpec, Scorer
from ml_platform.training_sets.training_set import TrainingSet

if TYPE_CHECKING:
    import pandas as pd


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
    resamples: int = RESAMPLES
    progress: Callable[[str], None] = field(default=lambda _: None, repr=False)


Examination = Callable[[Examined], Dimension]


def fairness(subject: Examined) -> Dimension:
    """Is it as good to one team, region or tenure as to another?"""
    from ml_platform.evaluation.fairness.examination import examine_fairness

    return examine_fairness(subject)


def stability(subject: Examined) -> Dimension:
    """Is it as good at all times?"""
    from ml_platform.evaluation.stability import examine_stability

    return examine_stability(subject)


DIMENSIONS: tuple[Examination, ...] = (fairness, robustness, stability)
"""In the order of the report."""


def examine(
    subject: Examined, dimensions: Sequence[Examination] = DIMENSIONS
) -> tuple[Dimension, ...]:
    """What each examination finds, in their order."""
    found = []
    for examination in dimensions:
        dimension = examination(subject)
        subject.progress(f"{dimension.name}: {dimension.summary}")
        found.append(dimension)
    return tuple(found)
