"""The adapter of a detection: an alarm where the score reaches the scorer's threshold."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ml_platform.arrays import Array, Codes
from ml_platform.evaluation.metrics.binary import BinaryStatistics
from ml_platform.evaluation.metrics.sufficient_statistics import SufficientStatistics
from ml_platform.evaluation.tasks.adapter import (
    Gain,
    LoggedPredictions,
    MaturedPredictions,
    TaskAdapter,
    WhatIf,
)
from ml_platform.evaluation.tasks.decisions import (
    Decisions,
    NoDecisions,
    threshold_or_even,
    yes_or_no,
)
from ml_platform.evaluation.tasks.evaluator import Evaluator, Predictions
from ml_platform.evaluation.tasks.evaluators.detection import (
    DetectionEvaluator,
    DetectionStatistics,
)
from ml_platform.evaluation.tasks.group_metrics import (
    ERROR,
    GroupMetrics,
    PersonQuestion,
    Rate,
    decision_rates,
    no_classes,
    no_lists,
    undecided,
)
from ml_platform.evaluation.tasks.row_clusters import RowClusters
from ml_platform.spec.fairness import FairnessPolicy
from ml_platform.spec.task import NO, YES, Detection
from ml_platform.spec.training_set import TrainingSet


@dataclass(frozen=True)
class DetectionAdapter(TaskAdapter[Detection]):
    """Detection: the evaluator is `DetectionEvaluator`, the decision an alarm at the scorer's threshold."""

    @property
    def primary_metrics(self) -> tuple[str, ...]:
        """F1 of the alarms."""
        return ("f1",)

    @property
    def gains(self) -> Mapping[str, Gain]:
        """One minus the Brier score."""
        return {"one_minus_brier": one_minus_squared_error}

    def evaluator(self, training_set: TrainingSet, rows: RowClusters) -> Evaluator:
        """Return the evaluator of alarms and scores, over the labelled rows."""
        return DetectionEvaluator(training_set, rows)

    @classmethod
    def statistics_types(cls) -> tuple[type[SufficientStatistics], ...]:
        """Return the classes of the sufficient statistics of this task."""
        return (DetectionStatistics, BinaryStatistics)

    def decisions(
        self, training_set: TrainingSet, threshold: float | None
    ) -> Decisions | NoDecisions:
        """Decide on an alarm where the score in column 1 reaches the threshold; scores claim no probability."""
        truth = yes_or_no(training_set, training_set.record.label)
        limit = threshold_or_even(threshold)
        return Decisions((NO, YES), truth, 1, 2, limit, probabilities=False)

    def person_question(self, label: str) -> PersonQuestion:
        """Whether an alarm is raised about what a person did."""
        return PersonQuestion(label, 1)

    def group_metrics(
        self, policy: FairnessPolicy, training_set: TrainingSet, predictions: Predictions
    ) -> GroupMetrics:
        """Compare groups in the error rate of the alarms, and in how often the alarms select their people."""
        test, record = training_set.test, training_set.record
        positive = (test[record.label] == YES).to_numpy(dtype=bool)
        known = test[record.label].notna().to_numpy(dtype=bool)
        threshold = threshold_or_even(predictions.threshold)
        wrong = ((predictions.values[:, 1] >= threshold) != positive) * 1.0
        decision = self.person_decision(policy, test, record, predictions)
        rates = (
            Rate(ERROR, wrong * known, known * 1.0),
            *decision_rates(decision),
        )
        not_applicable = no_lists() | no_classes() | undecided(policy, decision)
        not_applicable["calibration_gap"] = "the score of a detector claims no probability"
        return GroupMetrics(
            wrong, known, "share of wrong alarms and passes", rates, decision, not_applicable
        )

    def logged_predictions(
        self, classes: tuple[str, ...], threshold: float | None, values: Array
    ) -> LoggedPredictions:
        """Log 'yes' or 'no' at the threshold, and the score."""
        return yes_at_threshold(threshold, values)

    @property
    def what_if(self) -> WhatIf:
        """The label is yes or no."""
        return WhatIf(YES, NO, decides=True)

    def confidence_outcomes(self, matured: MaturedPredictions) -> Array | None:
        """Return 1 where the label is yes: the score is its probability."""
        outcomes: Array = (matured.outcome == YES).astype(np.float64)
        return outcomes

    def dummy_predictions(self, values: Array) -> Predictions:
        """Raise an alarm for every row: of all constant decisions it has the best F1."""
        return alarms_everywhere(values)

    def explained_columns(self, values: Array, classes: tuple[str, ...]) -> Codes:
        """Explain the score of yes in every row."""
        return np.full(len(values), classes.index(YES), dtype=np.int64)


def alarms_everywhere(values: Array) -> Predictions:
    """Return ``values`` with an alarm for every row.

    Without it a scorer that broke down and always predicts yes would seem to have kept some skill.
    """
    return Predictions(values, alarms=np.ones(len(values), dtype=bool))


def yes_at_threshold(threshold: float | None, values: Array) -> LoggedPredictions:
    """Return 'yes' where column 1 of ``values`` (rows, 2) reaches ``threshold`` (default one half), else 'no'."""
    scores = values[:, 1]
    limit = threshold_or_even(threshold)
    return LoggedPredictions(np.where(scores >= limit, YES, NO).astype(object), scores)


def one_minus_squared_error(matured: MaturedPredictions) -> Array:
    """Return 1 - (probability of yes - truth)^2, shape (rows,): the mean is one minus the Brier score."""
    gains: Array = 1.0 - (matured.confidence - (matured.outcome == YES)) ** 2
    return gains
