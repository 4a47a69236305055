"""The declaration of a model, from which training, evaluation, gates, monitoring and Dagster assets are built."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from ml_platform.spec.fairness import STANDARD_FAIRNESS, FairnessPolicy
from ml_platform.spec.feature_table import FeatureTable
from ml_platform.spec.gates import GatePolicy
from ml_platform.spec.search_space import Space
from ml_platform.spec.task import Task

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from ml_platform.spec.artifact import Artifact
    from ml_platform.spec.training_set import TrainingSet

Parameter = str | int | float | bool


class Scorer(Protocol):
    """Returns predictions for rows: a loaded artifact, the rule baseline, or an estimator in training."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes, in the order of the columns of `predict_proba`."""
        ...

    def predict_proba(self, rows: "pd.DataFrame") -> "np.ndarray":
        """One number per class, shape (rows, classes): see `ml_platform.spec.task`; rows hold the features."""
        ...


@dataclass(frozen=True)
class FitRequest:
    """How to fit: the seed, every parameter that can be tuned, and a function that gets lines of progress."""

    seed: int
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    progress: Callable[[str], None] = lambda _: None


@dataclass(frozen=True)
class FitOutcome:
    """A fitted model and what is worth telling about the fit."""

    estimator: Scorer
    """The scikit-learn or torch side; parity holds the artifact to it."""
    artifact: "Artifact"
    parameters: dict[str, Parameter]
    fold_metrics: tuple[dict[str, float], ...]
    """Metrics on each held-out block of time of the training part (or of each epoch), in order."""
    seconds: float


@dataclass(frozen=True)
class ModelSpec:
    """Declares one model: the ``SPEC`` of a module, of the platform (``ml_platform/models/<name>.py``) or of a
    plug-in.
    """

    name: str
    title: str
    table: FeatureTable
    """Where its rows come from."""
    task: Task
    """What it predicts; it decides how the model is evaluated, logged and monitored."""
    label: str
    label_delay: timedelta
    """How long after a row its label is known; also the length of the gap between training and test part."""
    test_share: float
    """Share of labelled change sets, the newest ones, kept for the test."""
    features: tuple[str, ...]
    policy: GatePolicy
    seed: int
    fit: Callable[["TrainingSet", FitRequest], FitOutcome]
    """Fits the model; it may read ``training_set.train`` alone."""
    fit_rules: Callable[["TrainingSet"], "Artifact"]
    """The rule baseline, learned from the training part: the one to beat, and the fallback."""
    defaults: Mapping[str, Parameter] = field(default_factory=dict)
    """All its parameters; a request to fit may replace any of them."""
    search: Space = ()
    """Which of them a search moves, and how far; empty: there is nothing worth searching."""
    extra_columns: tuple[str, ...] = ()
    """Columns beside the label that the fit or the evaluation needs; they are never features."""
    known: str = ""
    """Column that is not null in rows of the training set; by default the label."""
    classes: tuple[str, ...] = ()
    """Classes of the scorer, where they differ from those of the label."""
    needs: tuple[str, ...] = ("events",)
    """Tables of the lake without which there is nothing to learn from."""
    challenges: str = ""
    """Another model of the same table, whose latest candidate is evaluated on the same rows: this model is its
    challenger."""
    monitored: str = "accuracy"
    """The metric whose loss monitoring watches for; the evaluation report has it."""
    ceiling: str = ""
    """The target, among the ceilings of a source that knows the truth, to compare with; empty: none."""
    kinds: tuple[str, ...] = ("python",)
    """What it is made with and served as, as Dagster's pages show it."""
    fairness: FairnessPolicy = STANDARD_FAIRNESS

    @property
    def extra_classes(self) -> tuple[str, ...]:
        """Classes of the scorer after those of the label."""
        return self.task.extra_classes
