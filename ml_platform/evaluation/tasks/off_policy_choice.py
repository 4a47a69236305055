"""The adapter of an off-policy choice: the candidate time of a change set with the highest number is chosen."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ml_platform.arrays import Array, Codes
from ml_platform.evaluation.metrics.off_policy_statistics import OffPolicyStatistics
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
from ml_platform.evaluation.tasks.detection import one_minus_squared_error, yes_at_threshold
from ml_platform.evaluation.tasks.evaluator import Evaluator, Predictions
from ml_platform.evaluation.tasks.evaluators.off_policy_choice import OffPolicyEvaluator
from ml_platform.evaluation.tasks.group_metrics import (
    ERROR,
    GroupMetrics,
    Rate,
    claim_rate,
    no_classes,
    no_decision,
    no_lists,
)
from ml_platform.evaluation.tasks.row_clusters import RowClusters
from ml_platform.spec.fairness import FairnessPolicy
from ml_platform.spec.task import NO, YES, OffPolicyChoice
from ml_platform.spec.training_set import TrainingSet


@dataclass(frozen=True)
class OffPolicyChoiceAdapter(TaskAdapter[OffPolicyChoice]):
    """Off-policy choice: the evaluator is `OffPolicyEvaluator`; numbers are compared within a change set."""

    @property
    def primary_metrics(self) -> tuple[str, ...]:
        """ROC AUC of the probabilities of success."""
        return ("roc_auc",)

    @property
    def gains(self) -> Mapping[str, Gain]:
        """One minus the Brier score of the probability of success."""
        return {"one_minus_brier": one_minus_squared_error}

    def evaluator(self, training_set: TrainingSet, rows: RowClusters) -> Evaluator:
        """Return the evaluator of the policy that picks the highest number, and of the numbers as probabilities."""
        return OffPolicyEvaluator(training_set, rows, self.task)

    @classmethod
    def statistics_types(cls) -> tuple[type[SufficientStatistics], ...]:
        """Return the classes of the sufficient statistics of this task."""
        return (OffPolicyStatistics,)

    def decisions(
        self, training_set: TrainingSet, threshold: float | None
    ) -> Decisions | NoDecisions:
        """Decide on success where it is probable enough; only confidences are used, no row is decided on alone."""
        record = training_set.record
        return Decisions(
            (NO, YES),
            yes_or_no(training_set, record.label),
            record.classes.index(YES),
            2,
            threshold_or_even(threshold),
            probabilities=True,
            compared="its numbers are compared within a launch, none is a decision",
        )

    def group_metrics(
        self, policy: FairnessPolicy, training_set: TrainingSet, predictions: Predictions
    ) -> GroupMetrics:
        """Compare groups in the squared error of the probability of success, and in its calibration."""
        test, record = training_set.test, training_set.record
        known = test[record.label].notna().to_numpy(dtype=bool)
        good = (test[record.label] == YES).to_numpy(dtype=np.float64)
        chance = predictions.values[:, record.classes.index(YES)]
        loss = (chance - good) ** 2
        return GroupMetrics(
            loss,
            known,
            "squared error of the chance of success",
            rates=(
                Rate(ERROR, loss * known, known * 1.0, proportion=False),
                claim_rate(chance, good, known),
            ),
            not_applicable=no_lists() | no_classes() | no_decision("an hour is chosen, nobody is"),
        )

    def logged_predictions(
        self, classes: tuple[str, ...], threshold: float | None, values: Array
    ) -> LoggedPredictions:
        """Log 'yes' or 'no' at the threshold, and the probability of success."""
        return yes_at_threshold(threshold, values)

    @property
    def what_if(self) -> WhatIf:
        """The label is yes or no."""
        return WhatIf(YES, NO, decides=True)

    def confidence_outcomes(self, matured: MaturedPredictions) -> Array | None:
        """Return 1 where the start succeeded: the confidence is the probability of that."""
        outcomes: Array = (matured.outcome == YES).astype(np.float64)
        return outcomes

    def explained_columns(self, values: Array, classes: tuple[str, ...]) -> Codes:
        """Explain the probability of success in every row."""
        return np.full(len(values), classes.index(YES), dtype=np.int64)
