"""What only a model knows, declared as data and functions; factories make the rest from it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from ml_platform.models.artifact import Artifact
    from ml_platform.training_sets.training_set import TrainingSet


class Scorer(Protocol):
    """Anything that answers: an artifact that was loaded, the rules, an estimator in training."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes, in the order of the columns of `predict_proba`."""
        ...

    def predict_proba(self, rows: "pd.DataFrame") -> "np.ndarray":
        """Probabilities, shape (rows, classes), each row summing to one; rows hold the model's features."""
        ...


class Bound(StrEnum):
    """What a quality gate holds the interval against."""

    LIMIT = "limit"
    """The lower bound of the metric itself must exceed the limit."""
    BASELINE = "baseline"
    """The lower bound of the paired difference to the rule baseline must exceed the limit."""
    CHAMPION = "champion"
    """The lower bound of the paired difference to the champion must exceed the limit (usually negative)."""
    AT_MOST = "at_most"
    """The upper bound of the metric must not exceed the limit (an error, a calibration gap)."""


@dataclass(frozen=True)
class QualityGate:
    """One quality gate as data: ``metric`` of the evaluation report, on the bound of its 95 % interval."""

    name: str
    metric: str
    bound: Bound
    limit: float
    why: str


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
class FitOutcome:
    """A fitted model and what is worth telling about the fit."""

    estimator: Scorer
    """The scikit-learn or torch side; parity holds the artifact to it."""
    artifact: "Artifact"
    parameters: dict[str, str | int | float | bool]
    fold_metrics: tuple[dict[str, float], ...]
    """Metrics on each held-out block of time of the training part, in order."""
    seconds: float


@dataclass(frozen=True)
class ModelSpec:
    """One model of the platform; ``ml_platform/models/<name>.py`` holds one of these as ``SPEC``."""

    name: str
    title: str
    label: str
    label_delay: timedelta
    """How long after an event its label is known; the gap of the split."""
    test_share: float
    """Share of labelled acts, the newest ones, kept for the test."""
    features: tuple[str, ...]
    policy: GatePolicy
    seed: int
    fit: Callable[["TrainingSet", int, Callable[[str], None]], FitOutcome]
    """(training set, seed, progress) -> fitted model; touches ``training_set.train`` alone."""
    fit_rules: Callable[["TrainingSet"], "Artifact"]
    """The rule baseline, learned from the training part: the one to beat, and the fallback."""
    fairness_groups: tuple[str, ...] = ()
