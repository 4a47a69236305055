"""The evaluator of a detection: alarms at the scorer's own threshold, and the ranking by its scores.

Rows without a label are left out. Where no test row has a label (a source in which nobody reports anomalies), or
none is an anomaly, every metric is undefined, with that reason, and its gates are INSUFFICIENT.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.arrays import Array, Flags
from ml_platform.evaluation.metrics.alarm_budgets import BUDGETS, budget_name, budget_precision
from ml_platform.evaluation.metrics.binary import (
    COUNTED,
    BinaryRows,
    BinaryStatistics,
    binary_statistics,
)
from ml_platform.evaluation.metrics.classification import ratio
from ml_platform.evaluation.metrics.sufficient_statistics import sums_by_cluster
from ml_platform.evaluation.report_parts import ReportTable
from ml_platform.evaluation.tasks.ceilings import ceiling_chances, ceiling_texts
from ml_platform.evaluation.tasks.evaluator import Evaluator, Predictions, TaskDetails
from ml_platform.evaluation.tasks.scorers import ConstantScorer
from ml_platform.spec.task import YES

if TYPE_CHECKING:
    import pandas as pd

METRICS = (
    *COUNTED,
    *(budget_name(share) for share in BUDGETS),
    "roc_auc",
    "average_precision",
    "brier",
    "one_minus_brier",
    "log_loss",
)
_RANKS = (0.002, 0.005, 0.01, 0.02, 0.05)


@dataclass(frozen=True)
class DetectionStatistics:
    """Sufficient statistics over the labelled rows: those of a binary label, and precision at budgets.

    ``binary`` is ``None``, and no metric is defined, where no row is a known anomaly.
    """

    sums: Array
    binary: BinaryStatistics | None
    budgets: tuple[float, ...] = ()
    """Precision at each of `BUDGETS` of all rows; the last columns of ``sums`` are its influences."""

    def metrics(self, totals: Array) -> dict[str, Array]:
        """Compute the metrics by name, each of shape (r,), from ``totals`` (r, columns)."""
        if self.binary is None:
            return {}
        width = self.binary.sums.shape[1]
        metrics = self.binary.metrics(totals[:, :width])
        metrics["one_minus_brier"] = 1.0 - metrics["brier"]
        rows, *influences = totals[:, width:].T
        for share, value, sums in zip(BUDGETS, self.budgets, influences, strict=True):
            metrics[budget_name(share)] = np.clip(value + ratio(sums, rows), 0.0, 1.0)
        return metrics

    def row_counts(self) -> dict[str, float]:
        """Return the number of rows of which each metric of alarms and budgets is a share."""
        if self.binary is None:
            return {}
        rows = self.sums[:, self.binary.sums.shape[1]].sum()
        budgets = {budget_name(share): max(1.0, round(share * rows)) for share in BUDGETS}
        return self.binary.row_counts() | budgets


@dataclass(frozen=True)
class DetectionEvaluator(Evaluator):
    """The evaluator of the score in column 1 against the label 'yes' or 'no'."""

    @property
    def dummy(self) -> ConstantScorer:
        """The dummy scorer, which returns the rate of yes among the labelled training rows; 0 without labels."""
        known = self.training_set.train[self.training_set.record.label].dropna()
        rate = float((known == YES).mean()) if len(known) else 0.0
        return ConstantScorer(self.training_set.record.classes, (1.0 - rate, rate))

    def sufficient_statistics(self, predictions: Predictions) -> DetectionStatistics:
        """Compute alarms, ranks and losses by cluster."""
        known = self._known
        if not self._positive.any():
            return DetectionStatistics(np.zeros((self.cluster_count, 1)), None)
        scores, alarms = predictions.values[known, 1], predictions.alarms_of(1)[known]
        rows = BinaryRows(self._positive[known], alarms, scores, self.rows.clusters[known])
        binary = binary_statistics(rows, self.cluster_count)
        budgets = [budget_precision(rows.positive, scores, share) for share in BUDGETS]
        columns = [np.ones(len(scores)), *(budget.influence for budget in budgets)]
        sums = sums_by_cluster(columns, rows.clusters, self.cluster_count)
        return DetectionStatistics(
            np.hstack([binary.sums, sums]), binary, tuple(budget.value for budget in budgets)
        )

    def ceiling(self, bayes_rule: "pd.DataFrame") -> Predictions:
        """Return the posterior probability, with an alarm where the Bayes rule raises one.

        Raises:
            IntegrityError: a test row without a posterior probability.
        """
        chances = ceiling_chances(bayes_rule, self.rows.ids)
        alarms = (ceiling_texts(bayes_rule, self.rows.ids) == YES).to_numpy(dtype=bool)
        return Predictions(np.column_stack([1.0 - chances, chances]), alarms=alarms)

    def details(self, predictions: Predictions) -> TaskDetails:
        """Return how many anomalies are among the highest scores, or why no metric is defined."""
        if not self._known.any():
            label = self.training_set.record.label
            why = f"{label} is not known of any test row: this source has no reports of anomalies"
            return TaskDetails(undefined=dict.fromkeys(METRICS, why))
        if not self._positive.any():
            why = "no test row has been reported as anomalous"
            return TaskDetails(undefined=dict.fromkeys(METRICS, why))
        return TaskDetails(tables=(self._highest(predictions.values[:, 1]),))

    @cached_property
    def _known(self) -> Flags:
        known: Flags = self.training_set.test[self.training_set.record.label].notna().to_numpy()
        return known

    @cached_property
    def _positive(self) -> Flags:
        label = self.training_set.test[self.training_set.record.label]
        positive: Flags = (label == YES).to_numpy(dtype=bool)
        return positive

    def _highest(self, scores: Array) -> ReportTable:
        order = np.argsort(-scores[self._known], kind="stable")
        truth = self._positive[self._known][order]
        counts = [max(1, round(share * len(truth))) for share in _RANKS]
        return ReportTable(
            "Reported anomalies among the rows with the highest scores",
            ("share of the rows", "rows", "anomalous", "of them", "of all anomalies"),
            tuple(
                (
                    share,
                    count,
                    int(truth[:count].sum()),
                    round(float(truth[:count].mean()), 4),
                    round(float(truth[:count].sum() / truth.sum()), 4),
                )
                for share, count in zip(_RANKS, counts, strict=True)
            ),
        )
