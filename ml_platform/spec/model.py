"""What only a model knows, declared as data and functions; factories make the rest from it."""

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
    """Anything that answers: an artifact that was loaded, the rules, an estimator in training."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes, in the order of the columns of `predict_proba`."""
        ...

    def predict_proba(self, rows: "pd.DataFrame") -> "np.ndarray":
        """One number a class, shape (rows, classes): see `ml_platform.spec.task`; rows hold the features."""
        ...


@dataclass(frozen=True)
class FitRequest:
    """How to fit: the seed, every parameter that can be tuned, and where to tell of progress."""

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
    """One model of the platform; ``ml_platform/models/<name>.py`` holds one of these as ``SPEC``."""

    name: str
    title: str
    table: FeatureTable
    """Where its rows come from."""
    task: Task
    """What it answers, and so how it is judged."""
    label: str
    label_delay: timedelta
    """How long after a row its label is known; the gap of the split."""
    test_share: float
    """Share of labelled change sets, the newest ones, kept for the test."""
    features: tuple[str, ...]
    policy: GatePolicy
    seed: int
    fit: Callable[["TrainingSet", FitRequest], FitOutcome]
    """Touches ``training_set.train`` alone."""
    fit_rules: Callable[["TrainingSet"], "Artifact"]
    """The rule baseline, learned from the training part: the one to beat, and the fallback."""
    defaults: Mapping[str, Parameter] = field(default_factory=dict)
    """All its parameters; a request to fit may replace any of them."""
    search: Space = ()
    """Which of them a search moves, and how far; empty: there is nothing worth searching."""
    extra_columns: tuple[str, ...] = ()
    """Columns beside the label that fitting or judging needs, never features."""
    known: str = ""
    """Column that is not null in rows of the training set; by default the label."""
    classes: tuple[str, ...] = ()
    """Of the scorer, where they are not those of the label."""
    needs: tuple[str, ...] = ("events",)
    """Tables of the lake without which there is nothing to learn from."""
    challenges: str = ""
    """Another model of the same table, whose latest candidate is judged on the same rows."""
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
