"""The adapter of a sequence prediction: the next step, and whether a workflow is needed soon."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ml_platform.arrays import Array
from ml_platform.evaluation.metrics.binary import BinaryStatistics
from ml_platform.evaluation.metrics.sequence_statistics import StepStatistics
from ml_platform.evaluation.metrics.sufficient_statistics import SufficientStatistics
from ml_platform.evaluation.tasks.adapter import Gain, LoggedPredictions, TaskAdapter
from ml_platform.evaluation.tasks.classification import came_true, most_probable
from ml_platform.evaluation.tasks.decisions import (
    Decisions,
    NoDecisions,
    threshold_or_even,
    yes_or_no,
)
from ml_platform.evaluation.tasks.detection import alarms_everywhere
from ml_platform.evaluation.tasks.evaluator import Evaluator, Predictions
from ml_platform.evaluation.tasks.evaluators.sequence_prediction import (
    SequenceEvaluator,
    SequenceStatistics,
)
from ml_platform.evaluation.tasks.group_metrics import (
    ERROR,
    GroupMetrics,
    PersonQuestion,
    Rate,
    claim_rate,
    decision_rates,
    no_classes,
    no_lists,
    undecided,
)
from ml_platform.evaluation.tasks.row_clusters import RowClusters
from ml_platform.evaluation.tasks.scorers import class_codes
from ml_platform.spec.fairness import FairnessPolicy
from ml_platform.spec.task import NO, YES, SequencePrediction
from ml_platform.spec.training_set import TrainingSet, TrainingSetRecord


@dataclass(frozen=True)
class SequencePredictionAdapter(TaskAdapter[SequencePrediction]):
    """Sequence prediction: the evaluator is `SequenceEvaluator`; the decision is whether a need is near."""

    @property
    def primary_metrics(self) -> tuple[str, ...]:
        """F1 of the needs; the accuracy of the next step where no need is known."""
        return ("soon_f1", "accuracy")

    @property
    def gains(self) -> Mapping[str, Gain]:
        """The accuracy of the next step."""
        return {"accuracy": came_true}

    def evaluator(self, training_set: TrainingSet, rows: RowClusters) -> Evaluator:
        """Return the evaluator of both labels."""
        return SequenceEvaluator(training_set, rows, self.task)

    @classmethod
    def statistics_types(cls) -> tuple[type[SufficientStatistics], ...]:
        """Return the classes of the sufficient statistics of this task."""
        return (BinaryStatistics, SequenceStatistics, StepStatistics)

    def decisions(
        self, training_set: TrainingSet, threshold: float | None
    ) -> Decisions | NoDecisions:
        """Decide whether a workflow is needed soon; where that is never known, on the most probable next step."""
        record, steps = training_set.record, self._steps(training_set.record)
        limit = threshold_or_even(threshold)
        if training_set.test[self.task.soon].notna().any():
            truth = yes_or_no(training_set, self.task.soon)
            return Decisions((NO, YES), truth, len(steps), 2, limit, probabilities=True)
        truth = class_codes(training_set.test[record.label], steps)
        return Decisions(steps, truth, None, len(steps), limit, probabilities=True)

    @property
    def second_label(self) -> str:
        """The column that tells whether a workflow is needed soon."""
        return self.task.soon

    def person_question(self, label: str) -> PersonQuestion:
        """Whether a person is offered a workflow as needed soon."""
        return PersonQuestion(self.task.soon, -1)

    def group_metrics(
        self, policy: FairnessPolicy, training_set: TrainingSet, predictions: Predictions
    ) -> GroupMetrics:
        """Compare groups in the error rate of the next step, and in how often a workflow is offered."""
        test, record = training_set.test, training_set.record
        truth = class_codes(test[record.label], self._steps(record))
        wrong = (predictions.values[:, :-1].argmax(axis=1) != truth).astype(np.float64)
        everywhere = np.ones(len(test))
        decision = self.person_decision(policy, test, record, predictions)
        rates = [Rate(ERROR, wrong, everywhere)]
        not_applicable = no_lists() | no_classes() | undecided(policy, decision)
        if decision is None:
            not_applicable["calibration_gap"] = not_applicable["selection_ratio"]
        else:
            rates += [claim_rate(decision.scores, decision.positive * 1.0, decision.known)]
        rates += decision_rates(decision)
        return GroupMetrics(
            loss=wrong,
            labelled=everywhere > 0,
            loss_name="share of wrong next steps",
            rates=tuple(rates),
            decision=decision,
            not_applicable=not_applicable,
        )

    def logged_predictions(
        self, classes: tuple[str, ...], threshold: float | None, values: Array
    ) -> LoggedPredictions:
        """Log the most probable next step and its probability."""
        return most_probable(classes, values[:, :-1])

    def dummy_predictions(self, values: Array) -> Predictions:
        """Predict a need in every row: of all constant decisions it has the best F1."""
        return alarms_everywhere(values)

    def _steps(self, record: TrainingSetRecord) -> tuple[str, ...]:
        return tuple(name for name in record.classes if name not in self.task.extra_classes)
