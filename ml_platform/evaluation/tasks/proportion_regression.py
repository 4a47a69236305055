"""The adapter of a proportion regression, such as of the share of occasions on which a suggestion is adopted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
from ml_platform.evaluation.tasks.decisions import Decisions, NoDecisions
from ml_platform.evaluation.tasks.evaluator import Evaluator, Predictions
from ml_platform.evaluation.tasks.evaluators.proportion_regression import (
    ProportionEvaluator,
    ProportionStatistics,
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
from ml_platform.spec.fairness import FairnessPolicy
from ml_platform.spec.task import ProportionRegression
from ml_platform.spec.training_set import TrainingSet

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class ProportionRegressionAdapter(TaskAdapter[ProportionRegression]):
    """Proportion regression: the evaluator is `ProportionEvaluator`; a number is predicted, not a class."""

    @property
    def primary_metrics(self) -> tuple[str, ...]:
        """R2; the Brier skill where every label is 0 or 1."""
        return ("r2", "brier_skill")

    @property
    def gains(self) -> Mapping[str, Gain]:
        """One minus the mean absolute error."""
        return {"one_minus_mae": one_minus_absolute_error}

    def evaluator(self, training_set: TrainingSet, rows: RowClusters) -> Evaluator:
        """Return the evaluator of errors and rank correlation."""
        return ProportionEvaluator(training_set, rows)

    @classmethod
    def statistics_types(cls) -> tuple[type[SufficientStatistics], ...]:
        """Return the classes of the sufficient statistics of this task."""
        return (BinaryStatistics, ProportionStatistics)

    def decisions(
        self, training_set: TrainingSet, threshold: float | None
    ) -> Decisions | NoDecisions:
        """Decide on nothing: a proportion is predicted, not a class."""
        return NoDecisions("it predicts an expected share, not a class")

    def person_question(self, label: str) -> PersonQuestion:
        """Whether the suggestion is shown to a person."""
        return PersonQuestion(self.task.outcome, 0)

    def group_metrics(
        self, policy: FairnessPolicy, training_set: TrainingSet, predictions: Predictions
    ) -> GroupMetrics:
        """Compare groups in absolute error, in calibration, and in how often suggestions are shown."""
        test, record = training_set.test, training_set.record
        truth = test[record.label].to_numpy(dtype=np.float64)
        scores, everywhere = predictions.values[:, 0], np.ones(len(test), dtype=bool)
        decision = self.person_decision(policy, test, record, predictions)
        loss = np.abs(truth - scores)
        rates = (
            Rate(ERROR, loss, everywhere * 1.0, proportion=False),
            claim_rate(scores, truth, everywhere),
            *decision_rates(decision),
        )
        not_applicable = no_lists() | no_classes() | undecided(policy, decision)
        return GroupMetrics(
            loss, everywhere, "absolute error of the share", rates, decision, not_applicable
        )

    def logged_predictions(
        self, classes: tuple[str, ...], threshold: float | None, values: Array
    ) -> LoggedPredictions:
        """Log the proportion rounded to a tenth, as a text, and the proportion itself."""
        proportions = values[:, 0]
        tenths = [f"{tenth:.1f}" for tenth in proportions.round(1).tolist()]
        return LoggedPredictions(np.array(tenths, dtype=object), proportions)

    def logged_outcomes(self, labels: "pd.Series[str]") -> "pd.Series[str]":
        """Return each known proportion as a text with six significant digits."""
        return labels[labels.notna()].map("{:.6g}".format)

    @property
    def what_if(self) -> WhatIf:
        """Where every label is 0 or 1: the proportion is the probability of 1."""
        return WhatIf("1", "0")

    def confidence_outcomes(self, matured: MaturedPredictions) -> Array | None:
        """Return the proportion that came true: the confidence is the one that was predicted."""
        outcomes: Array = matured.outcome.astype(np.float64)
        return outcomes

    def row_errors(self, training_set: TrainingSet, values: Array, columns: Codes) -> Array:
        """Return the absolute error of each proportion, shape (rows,); NaN where the label is not known."""
        labels = training_set.test[training_set.record.label]
        truth = labels.to_numpy(dtype=np.float64, na_value=np.nan)
        errors: Array = np.abs(values[np.arange(len(values)), columns] - truth)
        return errors


def one_minus_absolute_error(matured: MaturedPredictions) -> Array:
    """Return 1 - |predicted - true proportion|, shape (rows,): the mean is one minus the mean absolute error."""
    truth = matured.outcome.astype(np.float64)
    gains: Array = 1.0 - np.abs(matured.confidence - truth)
    return gains
