"""What only a model knows, declared as data and functions; factories make the rest from it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from ml_platform.features.table import FeatureTable
from ml_platform.models.search import Space
from ml_platform.models.task import SOON, Sequence, Task

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from ml_platform.models.artifact import Artifact
    from ml_platform.training_sets.training_set import TrainingSet

Parameter = str | int | float | bool


class Scorer(Protocol):
    """Anything that answers: an artifact that was loaded, the rules, an estimator in training."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes, in the order of the columns of `predict_proba`."""
        ...

    def predict_proba(self, rows: "pd.DataFrame") -> "np.ndarray":
        """One number a class, shape (rows, classes): see `ml_platform.models.task`; rows hold the features."""
        ...


class Bound(StrEnum):
    """What a quality gate holds the interval against."""

    LIMIT = "limit"
    """The lower bound of the metric itself must exceed the limit."""
    BASELINE = "baseline"
    """The lower bound of the paired difference to the rule baseline must exceed the limit."""
    CHAMPION = "champion"
    """The lower bound of the paired difference to the champion must exceed the limit (usually negative)."""
    RIVAL = "rival"
    """The lower bound of the paired difference to the rival model's candidate must exceed the limit."""
    AT_MOST = "at_most"
    """The upper bound of the metric must not exceed the limit (an error, a calibration gap)."""


@dataclass(frozen=True)
class QualityGate:
    """One quality gate as data, on the bound of a 95 % interval.

    ``metric`` is one of the evaluation report's, or ``<dimension>.<measure>``.
    """

    name: str
    metric: str
    bound: Bound
    limit: float
    why: str
    must_be_shown: bool = False
    """An interval across the limit is INSUFFICIENT, and FAIL is said only of what is shown to miss it."""


@dataclass(frozen=True)
class GatePolicy:
    """The gates of a model. Its fingerprint is the policy version that a permit names."""

    quality: tuple[QualityGate, ...]
    minimum_test_rows: int = 1_000
    minimum_test_clusters: int = 100
    parity_tolerance: float = 1e-5
    maximum_data_age: timedelta = timedelta(days=2)
    """Age of the newest row at the clock of the run, for live sources; archives have no limit."""


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
    """Share of labelled acts, the newest ones, kept for the test."""
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
    carried: tuple[str, ...] = ()
    """Columns beside the label that fitting or judging needs, never features."""
    known: str = ""
    """Column that is not null in rows of the training set; by default the label."""
    classes: tuple[str, ...] = ()
    """Of the scorer, where they are not those of the label."""
    needs: tuple[str, ...] = ("events",)
    """Tables of the lake without which there is nothing to learn from."""
    rival: str = ""
    """Another model of the same table, whose latest candidate is judged on the same rows."""
    monitored: str = "accuracy"
    """The metric whose loss monitoring watches for; the evaluation report has it."""
    ceiling: str = ""
    """Its name among the ceilings of the source; by default the model's."""
    kinds: tuple[str, ...] = ("python",)
    """What it is made with and served as, as Dagster's pages show it."""
    fairness_groups: tuple[str, ...] = ()

    @property
    def extra_classes(self) -> tuple[str, ...]:
        """Classes of the scorer after those of the label."""
        return (SOON,) if isinstance(self.task, Sequence) else ()
