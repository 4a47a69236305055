"""The evaluator that every task has to provide: it turns predictions into statistics that add up over clusters.

From these statistics follow, for every task alike, the 95 % intervals
(`ml_platform.evaluation.intervals.bootstrap`), the paired differences to baseline, champion and challenged
model, and the gates.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from ml_platform.arrays import Array
from ml_platform.evaluation.metrics.sufficient_statistics import SufficientStatistics
from ml_platform.evaluation.report_parts import ClassRow, ReliabilityBin, ReportTable
from ml_platform.spec.model import Scorer

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
    alarms: npt.NDArray[np.bool_] | None = None
    """Shape (rows,): whether an alarm is raised, where that does not follow from ``threshold``."""


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


class Evaluator(Protocol):
    """The test rows of one training set, on which any scorer can be evaluated."""

    @property
    def cluster_count(self) -> int:
        """The number of units that are resampled: clusters, or `row_clusters.MOST_UNITS` groups of them."""
        ...

    @property
    def change_set_count(self) -> int:
        """The number of change sets among the test rows."""
        ...

    @property
    def dummy(self) -> Scorer:
        """The dummy scorer, which is fitted to the training labels and ignores the features."""
        ...

    def sufficient_statistics(self, predictions: Predictions) -> SufficientStatistics:
        """Compute the sufficient statistics of ``predictions`` by cluster."""
        ...

    def ceiling(self, bayes_rule: "pd.DataFrame") -> Predictions:
        """Return the Bayes rule's predictions for the test rows.

        ``bayes_rule`` has the columns row_id, model, target, prediction and probability.

        Raises:
            IntegrityError: a test row without a prediction.
        """
        ...

    def details(self, predictions: Predictions) -> TaskDetails:
        """Return the details that the report of a candidate with these ``predictions`` shows beside its metrics."""
        ...
