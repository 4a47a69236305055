"""The evaluator of a sequence prediction: the next step, and whether a workflow is needed soon.

One matrix of predictions serves both labels. The metrics of the next step have their usual names
(`ml_platform.evaluation.metrics.sequence_statistics`), those of the need begin with ``soon_``
(`ml_platform.evaluation.metrics.binary`). Rows whose need is not known count for the next step alone.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.arrays import Array, Codes, Flags
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
from ml_platform.evaluation.tasks.ceilings import (
    ceiling_chances,
    ceiling_classes,
    ceiling_texts,
)
from ml_platform.evaluation.tasks.evaluator import Evaluator, Predictions, TaskDetails
from ml_platform.evaluation.tasks.scorers import ConstantScorer, class_codes, class_shares
from ml_platform.spec.task import SOON, YES, SequencePrediction

if TYPE_CHECKING:
    import pandas as pd

PREFIX = "soon_"
SHOWN = 20
"""The number of steps in the report's table, the most frequent ones."""
_SOON_METRICS = (*COUNTED, "roc_auc", "average_precision", "brier", "log_loss")


@dataclass(frozen=True)
class SequenceStatistics:
    """The sufficient statistics of the next step, then those of soon, where any need is known."""

    steps: StepStatistics
    soon: BinaryStatistics | None

    @property
    def sums(self) -> Array:
        """Shape (clusters, columns)."""
        if self.soon is None:
            return self.steps.sums
        return np.concatenate([self.steps.sums, self.soon.sums], axis=1)

    def metrics(self, totals: Array) -> dict[str, Array]:
        """Compute the metrics by name, each of shape (r,), from ``totals`` (r, columns)."""
        width = self.steps.sums.shape[1]
        metrics = self.steps.metrics(totals[:, :width])
        return metrics if self.soon is None else metrics | self.soon.metrics(totals[:, width:])

    def row_counts(self) -> dict[str, float]:
        """Return the number of rows of which each metric of soon is a share."""
        return {} if self.soon is None else self.soon.row_counts()


@dataclass(frozen=True)
class SequenceEvaluator(Evaluator):
    """The evaluator of probabilities of the next steps and, in the last column, of a need."""

    task: SequencePrediction

    @cached_property
    def truth(self) -> Codes:
        """The code of the next step of each test row, shape (rows,)."""
        return class_codes(self.training_set.test[self.training_set.record.label], self._steps)

    @property
    def dummy(self) -> ConstantScorer:
        """The dummy scorer, which returns the shares of next steps in the training rows, and the rate of soon."""
        record, train = self.training_set.record, self.training_set.train
        shares = class_shares(train[record.label], self._steps)
        known = train[self.task.soon].dropna()
        rate = float((known == YES).mean()) if len(known) else 0.0
        return ConstantScorer((*self._steps, SOON), (*shares, rate))

    def sufficient_statistics(self, predictions: Predictions) -> SequenceStatistics:
        """Compute the statistics of both labels by cluster."""
        clusters, count = self.rows.clusters, self.cluster_count
        steps = step_statistics(
            self.truth, predictions.values[:, :-1], clusters, count, bare=predictions.bare
        )
        known = self._known
        if not known.any():
            return SequenceStatistics(steps, None)
        scores, alarms = predictions.values[known, -1], predictions.alarms_of(-1)[known]
        rows = BinaryRows(self._needed[known], alarms, scores, clusters[known])
        return SequenceStatistics(steps, binary_statistics(rows, count, PREFIX))

    def ceiling(self, bayes_rule: "pd.DataFrame") -> Predictions:
        """Return unit vectors of the predicted steps, and the probability of soon with the Bayes rule's alarms.

        Rows of the target ``<name>/soon`` are for the second label, all others for the first one.
        """
        ids = self.rows.ids
        of_soon = bayes_rule["target"].str.endswith(f"/{SOON}")
        steps, soon = bayes_rule[~of_soon], bayes_rule[of_soon]
        chances = ceiling_chances(soon, ids, "needs of test rows")
        alarms = (ceiling_texts(soon, ids) == YES).to_numpy(dtype=bool)
        values = np.column_stack([ceiling_classes(steps, ids, self._steps), chances])
        return Predictions(values, bare=True, alarms=alarms)

    def details(self, predictions: Predictions) -> TaskDetails:
        """Return the most frequent steps, the calibration, and why soon is undefined where it is."""
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
