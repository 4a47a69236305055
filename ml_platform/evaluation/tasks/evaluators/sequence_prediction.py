"""The judge of the next step and of "a workflow is needed soon": two labels, one matrix of answers.

The metrics of the next step have their usual names (`ml_platform.evaluation.metrics.sequence_statistics`),
those of the other head
begin with ``soon_`` (`ml_platform.evaluation.metrics.binary`). Rows whose need is not known count for the next
step alone.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.arrays import Array, Codes, Flags
from ml_platform.errors import IntegrityError
from ml_platform.evaluation.metrics.binary import (
    COUNTED,
    BinaryRows,
    BinaryStatistics,
    binary_statistics,
)
from ml_platform.evaluation.metrics.calibration import reliability_bins
from ml_platform.evaluation.metrics.classification import class_metrics, confusion_cells
from ml_platform.evaluation.metrics.sequence_statistics import StepStatistics, step_statistics
from ml_platform.evaluation.report_parts import ReportTable
from ml_platform.evaluation.tasks.evaluator import Predictions, TaskDetails
from ml_platform.evaluation.tasks.row_clusters import RowClusters
from ml_platform.evaluation.tasks.scorers import Shares, ceiling_probabilities, class_codes
from ml_platform.spec.task import SOON, YES, SequencePrediction
from ml_platform.spec.training_set import TrainingSet

if TYPE_CHECKING:
    import pandas as pd

PREFIX = "soon_"
SHOWN = 20
"""Steps in the report's table, the most frequent ones."""
EVEN = 0.5
"""From where a probability says soon, for a scorer without a threshold of its own."""
_SOON_METRICS = (*COUNTED, "roc_auc", "average_precision", "brier", "log_loss")


@dataclass(frozen=True)
class SequenceStatistics:
    """Columns of the next step, then those of soon, where any need is known."""

    steps: StepStatistics
    soon: BinaryStatistics | None

    @property
    def sums(self) -> Array:
        """Shape (clusters, columns)."""
        if self.soon is None:
            return self.steps.sums
        return np.concatenate([self.steps.sums, self.soon.sums], axis=1)

    def metrics(self, totals: Array) -> dict[str, Array]:
        """Metrics by name, each of shape (r,), from ``totals`` (r, columns)."""
        width = self.steps.sums.shape[1]
        found = self.steps.metrics(totals[:, :width])
        return found if self.soon is None else found | self.soon.metrics(totals[:, width:])

    def row_counts(self) -> dict[str, float]:
        """Rows that the metrics of soon are shares of."""
        return {} if self.soon is None else self.soon.row_counts()


@dataclass(frozen=True)
class SequenceEvaluator:
    """Judges probabilities of the next steps and, in the last column, of a need; see the module."""

    training_set: TrainingSet
    rows: RowClusters
    task: SequencePrediction

    @cached_property
    def truth(self) -> Codes:
        """Next step of each test row."""
        return class_codes(self.training_set.test[self.training_set.record.label], self._steps)

    @property
    def cluster_count(self) -> int:
        """Clusters among the test rows."""
        return self.rows.cluster_count

    @property
    def change_set_count(self) -> int:
        """Change sets among the test rows."""
        return self.rows.change_set_count

    @property
    def dummy(self) -> Shares:
        """The shares of the next steps among the training rows, and the rate of soon."""
        record, train = self.training_set.record, self.training_set.train
        codes = class_codes(train[record.label], self._steps)
        counts = np.bincount(codes, minlength=len(self._steps))
        known = train[self.task.soon].dropna()
        rate = float((known == YES).mean()) if len(known) else 0.0
        shares = tuple(float(share) for share in counts / counts.sum())
        return Shares((*self._steps, SOON), (*shares, rate))

    def sufficient_statistics(self, predictions: Predictions) -> SequenceStatistics:
        """Statistics of both heads by cluster."""
        clusters, count = self.rows.clusters, self.cluster_count
        steps = step_statistics(
            self.truth, predictions.values[:, :-1], clusters, count, bare=predictions.bare
        )
        known = self._known
        if not known.any():
            return SequenceStatistics(steps, None)
        scores = predictions.values[known, -1]
        threshold = EVEN if predictions.threshold is None else predictions.threshold
        alarms = scores >= threshold if predictions.alarms is None else predictions.alarms[known]
        rows = BinaryRows(self._needed[known], alarms, scores, clusters[known])
        return SequenceStatistics(steps, binary_statistics(rows, count, PREFIX))

    def ceiling(self, found: "pd.DataFrame") -> Predictions:
        """Unit vectors of the predicted steps, and the probability of soon with the Bayes rule's alarms.

        Rows of the target ``<name>/soon`` are for the second head, all others for the first one.
        """
        ids = self.rows.ids
        of_soon = found["target"].str.endswith(f"/{SOON}")
        steps = found[~of_soon].set_index("row_id")["prediction"]
        soon = found[of_soon].set_index("row_id")
        chances = ids.map(soon["probability"]).to_numpy(dtype=np.float64)
        if np.isnan(chances).any():
            raise IntegrityError(
                f"{int(np.isnan(chances).sum())} of {len(ids)} test rows have no ceiling of soon.",
                remedy="ingest the source's ceilings for the same days, or judge without a ceiling",
            )
        alarms = (ids.map(soon["prediction"]) == YES).to_numpy(dtype=bool)
        values = np.concatenate(
            [ceiling_probabilities(steps, ids, self._steps), chances[:, None]], axis=1
        )
        return Predictions(values, bare=True, alarms=alarms)

    def details(self, predictions: Predictions) -> TaskDetails:
        """The most frequent steps, calibration, and why soon is missing where it is."""
        chances = predictions.values[:, :-1]
        best = chances.argmax(axis=1)
        unknown = (
            f"{self.task.soon} is not known of any test row: this source has no unscheduled runs"
        )
        return TaskDetails(
            reliability=reliability_bins(chances.max(axis=1), best == self.truth),
            tables=(self._table(best),),
            undefined={}
            if self._known.any()
            else {f"{PREFIX}{name}": unknown for name in _SOON_METRICS},
        )

    @property
    def _steps(self) -> tuple[str, ...]:
        return tuple(name for name in self.training_set.record.classes if name != SOON)

    @cached_property
    def _known(self) -> Flags:
        known: Flags = self.training_set.test[self.task.soon].notna().to_numpy()
        return known

    @cached_property
    def _needed(self) -> Flags:
        needed: Flags = (self.training_set.test[self.task.soon] == YES).to_numpy(dtype=bool)
        return needed

    def _table(self, best: Codes) -> ReportTable:
        cells = confusion_cells(self.truth, best, len(self._steps))
        precision, recall, f1 = class_metrics(cells)
        support = cells.sum(axis=1)
        order = np.argsort(-support, kind="stable")[:SHOWN]
        return ReportTable(
            title=f"The {len(order)} most frequent next steps of {len(self._steps)}",
            columns=("next step", "rows", "precision", "recall", "F1"),
            rows=tuple(
                (self._steps[code], int(support[code]), *_rounded(code, precision, recall, f1))
                for code in order.tolist()
            ),
        )


def _rounded(code: int, *values: Array) -> tuple[float, ...]:
    return tuple(round(float(value[code]), 4) for value in values)
