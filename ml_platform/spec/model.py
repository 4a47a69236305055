"""The declaration of a model, from which training, evaluation, gates, monitoring and Dagster assets are built."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from ml_platform.spec.data_need import ANY_EVENTS, DataNeed
from ml_platform.spec.fairness import STANDARD_FAIRNESS, FairnessPolicy
from ml_platform.spec.feature_table import FeatureTable
from ml_platform.spec.gates import GatePolicy
from ml_platform.spec.label_place import LabelPlace
from ml_platform.spec.search_space import Space
from ml_platform.spec.task import Task

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from ml_platform.spec.artifact import Artifact
    from ml_platform.spec.training_set import TrainingSet

Parameter = str | int | float | bool
PlainRow = Mapping[str, float | str | Sequence[str] | None]
"""One row as plain values, by feature: a finite number, a text or a list of texts; ``None`` where it is missing."""


class Scorer(Protocol):
    """Returns predictions for rows: a loaded artifact, the rule baseline, or an estimator in training."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes, in the order of the columns of `predict_proba`."""
        ...

    def predict_proba(self, rows: "pd.DataFrame") -> "np.ndarray":
        """One number per class, shape (rows, classes): see `ml_platform.spec.task`; rows hold the features."""
        ...


class RowScorer(Scorer, Protocol):
    """A scorer that also answers one row of plain values, without a data frame."""

    def score_row(self, row: PlainRow) -> "np.ndarray":
        """One number per class, shape (classes,), float64: to the bit the row that `predict_proba` returns.

        Args:
            row: every feature of the artifact, as `ml_platform.models.one_row.RowFields` has read it.
        """
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
class ReferenceModel:
    """A simple method that the report shows beside the candidate to tell what that is worth; never a gate."""

    title: str
    """What it is, in a few words: 'naive Bayes of the event alone'."""
    fit: Callable[["TrainingSet"], Scorer]
    """Fits it; it may read ``training_set.train`` alone, and may raise `InsufficientData`."""


@dataclass(frozen=True)
class ModelSpec:
    """The declaration of one model: the ``SPEC`` of a module of the platform, or of a plug-in.

    The platform's are ``ml_platform/models/<name>.py``.
    """

    name: str
    """The model's name in the registry, in Dagster and in commands."""
    title: str
    """What the model predicts, in a few words for people."""
    table: FeatureTable
    """The feature table that its rows come from."""
    task: Task
    """What it predicts; it decides how the model is evaluated, logged and monitored."""
    label: str
    """The column of the table that holds the truth."""
    label_delay: timedelta
    """How long after a row its label is known; also the length of the gap between training and test part."""
    test_share: float
    """The share of the labelled change sets, the newest ones, that are kept for the test; in (0, 1)."""
    features: tuple[str, ...]
    """The columns of the table that the model reads."""
    policy: GatePolicy
    """The gates that a candidate must pass."""
    seed: int
    """The seed of everything that is drawn in fit and evaluation."""
    fit: Callable[["TrainingSet", FitRequest], FitOutcome]
    """Fits the model; it may read ``training_set.train`` alone."""
    fit_rules: Callable[["TrainingSet"], "Artifact"]
    """Learns the rule baseline from the training part: the one to beat, and the fallback."""
    defaults: Mapping[str, Parameter] = field(default_factory=dict)
    """The default of each of its parameters; a request to fit may replace any of them."""
    label_place: LabelPlace | None = None
    """Where a reported outcome of a row goes in the lake, so that the next training set has it.

    ``None``: the truth comes by itself (what followed, or a run's end) or is reported as rows of its own
    (anomalies); an outcome that somebody reports is kept for monitoring alone.
    """
    search_space: Space = ()
    """The parameters that a search may move, and how far; empty if there is nothing worth searching."""
    references: tuple[ReferenceModel, ...] = ()
    """Simple methods that the report shows beside the candidate."""
    extra_columns: tuple[str, ...] = ()
    """Columns beside the label that the fit or the evaluation needs; they are never features."""
    required_column: str = ""
    """The column that rows of the training set must have a value in; by default the label.

    Another column lets rows in whose label is not known: a detector learns from them, too.
    """
    largest_class_share: float = 1.0
    """The largest share of the training rows that one value of the label may have; above it nothing is fitted."""
    classes: tuple[str, ...] = ()
    """The classes of the scorer, where they differ from the values of the label."""
    needs: tuple[DataNeed, ...] = (ANY_EVENTS,)
    """Rows of the lake without which there is nothing to learn from, the most telling first."""
    challenges: str = ""
    """Another model of the same table, whose latest candidate is evaluated on the same rows: this model is its
    challenger."""
    monitored_metric: str = "accuracy"
    """The metric whose loss monitoring watches for; the evaluation report has it."""
    ceiling_target: str = ""
    """The target to compare with, among the ceilings of a source that knows the truth; empty if there is none."""
    technologies: tuple[str, ...] = ("python",)
    """The libraries and formats that the model is made with and served as, shown as tags: 'onnx', 'pytorch'."""
    effort: int = 0
    """How long its chain takes beside those of other models, in any unit: of several, the longest start first."""
    fairness: FairnessPolicy = STANDARD_FAIRNESS
    """Which groups of users are compared, and in what."""

    @property
    def needed_tables(self) -> tuple[str, ...]:
        """The tables of its needs, each once."""
        return tuple(dict.fromkeys(need.table for need in self.needs))
