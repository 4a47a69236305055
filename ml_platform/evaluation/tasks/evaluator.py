"""The evaluator that every task has to provide: it turns predictions into statistics that add up over clusters.

From these statistics follow, for every task alike, the 95 % intervals
(`ml_platform.evaluation.intervals.bootstrap`), the paired differences to baseline, champion and challenged
model, and the gates.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ml_platform.arrays import Array, Flags
from ml_platform.evaluation.metrics.sufficient_statistics import SufficientStatistics
from ml_platform.evaluation.report_parts import ClassRow, ReliabilityBin, ReportTable
from ml_platform.evaluation.tasks.decisions import threshold_or_even
from ml_platform.evaluation.tasks.row_clusters import RowClusters
from ml_platform.spec.model import Scorer
from ml_platform.spec.training_set import TrainingSet

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Predictions:
    """The predictions of one scorer for the test rows."""

    values: Array
    """Shape (rows, classes); `ml_platform.spec.task` says what the columns mean for each task."""
    threshold: float | None = None
    """A detector raises an alarm where its score is at least this; chosen without the test rows."""
    bare: bool = False
    """Whether ``values`` only mark the predicted class (as of a Bayes rule) and are no probabilities."""
    alarms: Flags | None = None
    """Shape (rows,): whether an alarm is raised, where that does not follow from ``threshold``."""

    def alarms_of(self, column: int) -> Flags:
        """Return whether each row raises an alarm, shape (rows,), by the score in ``column`` of ``values``."""
        if self.alarms is not None:
            return self.alarms
        raised: Flags = self.values[:, column] >= threshold_or_even(self.threshold)
        return raised


@dataclass(frozen=True)
class TaskDetails:
    """The details that a report shows beside the metrics; fields that a task does not have stay empty."""

    per_class: tuple[ClassRow, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    reliability: tuple[ReliabilityBin, ...] = ()
    absent_classes: tuple[str, ...] = ()
    tables: tuple[ReportTable, ...] = ()
    undefined: dict[str, str] = field(default_factory=dict)
    """By metric, why these rows do not define it (no labels, no propensities): its gate is INSUFFICIENT."""
    not_applicable: dict[str, str] = field(default_factory=dict)
    """By metric, why it makes no sense for these labels: its gate is NOT APPLICABLE."""


@dataclass(frozen=True)
class Evaluator(ABC):
    """The test rows of one training set, on which any scorer can be evaluated; each task has a subclass."""

    training_set: TrainingSet
    """Its training part fits the dummy scorer, its test part is evaluated on."""
    rows: RowClusters
    """The clusters and change sets of the test rows."""

    @property
    def cluster_count(self) -> int:
        """The number of units that are resampled: clusters, or `row_clusters.MOST_UNITS` groups of them."""
        return self.rows.cluster_count

    @property
    def change_set_count(self) -> int:
        """The number of change sets among the test rows."""
        return self.rows.change_set_count

    @property
    @abstractmethod
    def dummy(self) -> Scorer:
        """The dummy scorer, which is fitted to the training labels and ignores the features."""

    @abstractmethod
    def sufficient_statistics(self, predictions: Predictions) -> SufficientStatistics:
        """Compute the sufficient statistics of ``predictions`` by cluster."""

    @abstractmethod
    def ceiling(self, bayes_rule: "pd.DataFrame") -> Predictions:
        """Return the Bayes rule's predictions for the test rows.

        ``bayes_rule`` has the columns row_id, model, target, prediction and probability.

        Raises:
            IntegrityError: a test row without a prediction.
        """

    @abstractmethod
    def details(self, predictions: Predictions) -> TaskDetails:
        """Return the details that the report of a candidate with these ``predictions`` shows beside its metrics."""
