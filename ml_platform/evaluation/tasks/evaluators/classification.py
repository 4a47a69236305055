"""The evaluator of a classification: one class for each row."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.arrays import Array, Codes
from ml_platform.evaluation.intervals.delong import area_interval
from ml_platform.evaluation.intervals.ratio import ratio_interval
from ml_platform.evaluation.metrics.calibration import reliability_bins
from ml_platform.evaluation.metrics.classification import class_metrics, confusion_cells
from ml_platform.evaluation.metrics.classification_statistics import (
    ClassPredictions,
    ClassStatistics,
    class_statistics,
)
from ml_platform.evaluation.metrics.ranking_curves import rank_class
from ml_platform.evaluation.report_parts import ClassRow, Estimate, ReportTable
from ml_platform.evaluation.tasks.ceilings import ceiling_classes
from ml_platform.evaluation.tasks.evaluator import Evaluator, Predictions, TaskDetails
from ml_platform.evaluation.tasks.scorers import by_change_set, class_codes, dummy_scorer
from ml_platform.spec.model import Scorer

if TYPE_CHECKING:
    import pandas as pd

_FIGURES = ("precision", "recall", "F1", "ROC AUC")


@dataclass(frozen=True)
class ClassificationEvaluator(Evaluator):
    """The evaluator of class probabilities, by row and, where change sets have several rows, by change set."""

    @cached_property
    def truth(self) -> Codes:
        """The class code of each test row, shape (rows,)."""
        record = self.training_set.record
        return class_codes(self.training_set.test[record.label], record.classes)

    @property
    def dummy(self) -> Scorer:
        """The dummy scorer, which returns the class shares of the training rows, so predicts the majority."""
        record = self.training_set.record
        return dummy_scorer(self.training_set.train[record.label], record.classes)

    def sufficient_statistics(self, predictions: Predictions) -> ClassStatistics:
        """Compute confusion cells, losses and ranks by cluster."""
        rows = ClassPredictions(
            self.truth, predictions.values, self.rows.clusters, predictions.bare
        )
        single = self.change_set_count == len(self.truth)
        return class_statistics(
            rows, self.cluster_count, None if single else by_change_set(rows, self.rows.change_sets)
        )

    def ceiling(self, bayes_rule: "pd.DataFrame") -> Predictions:
        """Return unit vectors of the classes that the Bayes rule predicts."""
        classes = self.training_set.record.classes
        return Predictions(ceiling_classes(bayes_rule, self.rows.ids, classes), bare=True)

    def details(self, predictions: Predictions) -> TaskDetails:
        """Return the metrics of each class, the confusion matrix and the calibration."""
        values, classes = predictions.values, self.training_set.record.classes
        best = values.argmax(axis=1)
        cells = confusion_cells(self.truth, best, len(classes))
        return TaskDetails(
            per_class=class_table(self.truth, values, classes),
            confusion=tuple(tuple(int(count) for count in row) for row in cells),
            reliability=reliability_bins(values.max(axis=1), best == self.truth),
            absent_classes=_absent(self.truth, classes),
            tables=(self._class_intervals(values),),
        )

    def _class_intervals(self, values: Array) -> ReportTable:
        """Tabulate closed-form intervals of each class, since resampling every class would cost too much."""
        truth, clusters, count = self.truth, self.rows.clusters, self.cluster_count
        best = values.argmax(axis=1)
        rows: list[tuple[str | float | None, ...]] = []
        for code, name in enumerate(self.training_set.record.classes):
            true, predicted_here = truth == code, best == code
            support, predicted, hits = (
                np.bincount(clusters, flags, count).astype(np.float64)
                for flags in (true, predicted_here, true & predicted_here)
            )
            ranking = rank_class(true, values[:, code])
            area = None if ranking is None else area_interval(ranking, true, clusters, count)
            figures = (
                ratio_interval(hits, predicted),
                ratio_interval(hits, support),
                ratio_interval(2 * hits, support + predicted),
                area,
            )
            rows.append((name, *(bound for estimate in figures for bound in _bounds(estimate))))
        heads = [f"{name}, {side}" for name in _FIGURES for side in ("low", "high")]
        return ReportTable("Classes, 95 % intervals", ("class", *heads), tuple(rows))


def _bounds(estimate: Estimate | None) -> tuple[float | None, float | None]:
    return (None, None) if estimate is None else (estimate.low, estimate.high)


def class_table(
    truth: Codes, probabilities: Array, classes: tuple[str, ...]
) -> tuple[ClassRow, ...]:
    """Compute support, precision, recall, F1, average precision and ROC AUC of each class, in order."""
    cells = confusion_cells(truth, probabilities.argmax(axis=1), len(classes))
    precision, recall, f1 = class_metrics(cells)
    rows = []
    for code, name in enumerate(classes):
        ranking = rank_class(truth == code, probabilities[:, code])
        rows.append(
            ClassRow(
                name=name,
                support=int(cells[code].sum()),
                precision=float(precision[code]),
                recall=float(recall[code]),
                f1=float(f1[code]),
                average_precision=ranking.average_precision if ranking else None,
                roc_auc=ranking.roc_auc if ranking else None,
            )
        )
    return tuple(rows)


def _absent(truth: Codes, classes: tuple[str, ...]) -> tuple[str, ...]:
    counts = np.bincount(truth, minlength=len(classes))
    return tuple(name for name, count in zip(classes, counts, strict=True) if count == 0)
