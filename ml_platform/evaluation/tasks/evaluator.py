"""What a task has to bring so that its candidates can be judged: statistics that add up over clusters.

From them follow, for every task alike, the 95 % intervals (`ml_platform.evaluation.intervals.bootstrap`), the
paired
differences to baseline, champion and challenged, and the gates.
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
    """What one scorer says of the test rows."""

    values: Array
    """Shape (rows, classes): see `ml_platform.spec.task`."""
    threshold: float | None = None
    """From which a detection says yes; chosen without the test rows."""
    bare: bool = False
    """Only what is predicted means anything (a Bayes rule's class), no probability."""
    alarms: npt.NDArray[np.bool_] | None = None
    """Shape (rows,): whether yes is said, where that does not follow from ``threshold``."""


@dataclass(frozen=True)
class TaskDetails:
    """What a report shows beside the metrics; what a task does not have stays empty."""

    per_class: tuple[ClassRow, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    reliability: tuple[ReliabilityBin, ...] = ()
    absent_classes: tuple[str, ...] = ()
    tables: tuple[ReportTable, ...] = ()
    undefined: dict[str, str] = field(default_factory=dict)
    """Why a metric cannot be told from these rows (no labels, no propensities): its gate is INSUFFICIENT."""
    not_applicable: dict[str, str] = field(default_factory=dict)
    """Why a metric makes no sense for these labels: its gate is NOT APPLICABLE."""


class Evaluator(Protocol):
    """The test rows of one training set, ready to judge any scorer on."""

    @property
    def cluster_count(self) -> int:
        """What is resampled: the clusters among the test rows, or `rows.MOST_UNITS` random groups of them."""
        ...

    @property
    def change_set_count(self) -> int:
        """Change sets among the test rows."""
        ...

    @property
    def dummy(self) -> Scorer:
        """The scorer that knows the training labels and nothing of a row."""
        ...

    def sufficient_statistics(self, predictions: Predictions) -> SufficientStatistics:
        """Sufficient statistics of ``answers`` by cluster."""
        ...

    def ceiling(self, found: "pd.DataFrame") -> Predictions:
        """The Bayes rule's answers from its rows: row_id, model, prediction, probability.

        Raises:
            IntegrityError: a test row without one.
        """
        ...

    def details(self, predictions: Predictions) -> TaskDetails:
        """What the report of the candidate shows beside its metrics."""
        ...
