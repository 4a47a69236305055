"""The adapter of a classification: the most probable class is predicted for each row."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ml_platform.arrays import Array
from ml_platform.evaluation.metrics.classification_statistics import ClassStatistics
from ml_platform.evaluation.metrics.sufficient_statistics import SufficientStatistics
from ml_platform.evaluation.tasks.adapter import (
    Gain,
    LoggedPredictions,
    MaturedPredictions,
    TaskAdapter,
)
from ml_platform.evaluation.tasks.decisions import Decisions, NoDecisions, threshold_or_even
from ml_platform.evaluation.tasks.evaluator import Evaluator, Predictions
from ml_platform.evaluation.tasks.evaluators.classification import ClassificationEvaluator
from ml_platform.evaluation.tasks.group_metrics import (
    CALIBRATION,
    CLASS_RECALL,
    ERROR,
    GroupMetrics,
    Rate,
    no_decision,
    no_lists,
)
from ml_platform.evaluation.tasks.row_clusters import RowClusters
from ml_platform.evaluation.tasks.scorers import class_codes
from ml_platform.spec.fairness import FairnessPolicy
from ml_platform.spec.metric_declarations.labels import CHANGE_SET_PREFIX
from ml_platform.spec.task import Classification
from ml_platform.spec.training_set import TrainingSet


@dataclass(frozen=True)
class ClassificationAdapter(TaskAdapter[Classification]):
    """Classification: the evaluator is `ClassificationEvaluator`, the decision the most probable class."""

    @property
    def primary_metrics(self) -> tuple[str, ...]:
        """Accuracy, where change sets have several rows over these."""
        return (f"{CHANGE_SET_PREFIX}accuracy", "accuracy")

    @property
    def gains(self) -> Mapping[str, Gain]:
        """Accuracy: 1 where the predicted class came true."""
        return {"accuracy": came_true}

    def evaluator(self, training_set: TrainingSet, rows: RowClusters) -> Evaluator:
        """Return the evaluator of class probabilities, by row and by change set."""
        return ClassificationEvaluator(training_set, rows)

    @classmethod
    def statistics_types(cls) -> tuple[type[SufficientStatistics], ...]:
        """Return the classes of the sufficient statistics of this task."""
        return (ClassStatistics,)

    def decisions(
        self, training_set: TrainingSet, threshold: float | None
    ) -> Decisions | NoDecisions:
        """Decide on the most probable class; no decision is possible where the training set has a single class."""
        record = training_set.record
        truth = class_codes(training_set.test[record.label], record.classes)
        count = len(record.classes)
        if count < 2:
            return NoDecisions("the training set has a single class")
        limit = threshold_or_even(threshold)
        return Decisions(record.classes, truth, None, count, limit, probabilities=True)

    def group_metrics(
        self, policy: FairnessPolicy, training_set: TrainingSet, predictions: Predictions
    ) -> GroupMetrics:
        """Compare groups in their error rate, in confidence minus accuracy, and in the recall of each class."""
        test, record, values = training_set.test, training_set.record, predictions.values
        truth = class_codes(test[record.label], record.classes)
        wrong = (values.argmax(axis=1) != truth).astype(np.float64)
        everywhere = np.ones(len(test))
        recalls = (
            Rate(f"{CLASS_RECALL}{name}", (1.0 - wrong) * (truth == code), (truth == code) * 1.0)
            for code, name in enumerate(record.classes)
        )
        claim = Rate(CALIBRATION, values.max(axis=1) - (1.0 - wrong), everywhere, proportion=False)
        return GroupMetrics(
            loss=wrong,
            labelled=everywhere > 0,
            loss_name="share of wrong classes",
            rates=(Rate(ERROR, wrong, everywhere), claim, *recalls),
            not_applicable=no_lists() | no_decision("a category is no decision on a person"),
        )

    def logged_predictions(
        self, classes: tuple[str, ...], threshold: float | None, values: Array
    ) -> LoggedPredictions:
        """Log the most probable class and its probability."""
        return most_probable(classes, values)


def most_probable(classes: tuple[str, ...], values: Array) -> LoggedPredictions:
    """Return the class with the highest of ``values`` (rows, classes), the first of equals, and that value."""
    best = values.argmax(axis=1)
    return LoggedPredictions(
        np.asarray(classes, dtype=object)[best], values[np.arange(len(values)), best]
    )


def came_true(matured: MaturedPredictions) -> Array:
    """Return 1 where the predicted class is the true one, else 0, shape (rows,)."""
    right: Array = (matured.predicted == matured.outcome).astype(np.float64)
    return right
