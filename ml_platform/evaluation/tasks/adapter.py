"""The adapter of a task: everything that the platform has to know of the task beside its declaration.

A declaration (`ml_platform.spec.task`) is data. Its adapter says how the task is evaluated, which decision its
scorer takes, and what is logged of a prediction. No other code depends on the kind of task: it asks the adapter,
which `ml_platform.evaluation.tasks.registry.adapter_of` returns.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from ml_platform.arrays import Array, Codes
from ml_platform.evaluation.metrics.sufficient_statistics import SufficientStatistics
from ml_platform.evaluation.tasks.decisions import Decisions, NoDecisions
from ml_platform.evaluation.tasks.evaluator import Evaluator, Predictions
from ml_platform.evaluation.tasks.group_metrics import (
    GroupMetrics,
    PersonDecision,
    PersonQuestion,
)
from ml_platform.evaluation.tasks.row_clusters import RowClusters
from ml_platform.evaluation.tasks.scorers import score
from ml_platform.spec.fairness import FairnessPolicy
from ml_platform.spec.model import Scorer
from ml_platform.spec.task import Task
from ml_platform.spec.training_set import TrainingSet, TrainingSetRecord

if TYPE_CHECKING:
    import pandas as pd

TaskT = TypeVar("TaskT", bound=Task)

Texts = NDArray[np.object_]
"""Texts, shape (rows,)."""


@dataclass(frozen=True)
class LoggedPredictions:
    """The text and the confidence of each prediction, as the prediction log keeps them.

    `ml_platform.prediction_log.record` has the other columns of the log.
    """

    texts: Texts
    """Shape (rows,): the predicted class, item or, of a number, its rounded text."""
    confidence: Array
    """Shape (rows,), in [0, 1] up to rounding."""


@dataclass(frozen=True)
class MaturedPredictions:
    """Logged predictions whose outcome is known by now."""

    predicted: Texts
    """Shape (rows,): `LoggedPredictions.texts`."""
    confidence: Array
    """Shape (rows,): `LoggedPredictions.confidence`."""
    outcome: Texts
    """Shape (rows,): the texts of `TaskAdapter.logged_outcomes`."""


@dataclass(frozen=True)
class WhatIf:
    """The texts of an outcome, if what the logged confidence is about came true, and if it did not."""

    came_true: str = ""
    """Empty: the prediction itself."""
    did_not: str = ""
    decides: bool = False
    """Whether a prediction of ``came_true`` is an alarm: F1 and ROC AUC are defined."""

    @property
    def positive(self) -> str:
        """The prediction that is an alarm; empty where none is."""
        return self.came_true if self.decides else ""

    def outcomes(self, predicted: Texts) -> tuple[Texts, Texts]:
        """The outcomes of ``predicted`` if what the confidence is about came true, and if not; shapes (rows,)."""
        came = np.full(len(predicted), self.came_true, dtype=object)
        return (
            came if self.came_true else predicted,
            np.full(len(predicted), self.did_not, dtype=object),
        )


Gain = Callable[[MaturedPredictions], Array]
"""A function from matured predictions to the values, shape (rows,), in [0, 1], whose mean is a monitored metric."""


@dataclass(frozen=True)
class TaskAdapter(ABC, Generic[TaskT]):
    """The adapter of one task; a new task consists of a declaration and a subclass of this class.

    Abstract methods must be defined. The others are right for a task whose scorer decides on one of the
    classes of the label; a task of another kind overrides them.
    """

    task: TaskT
    """The declaration of the model at hand."""
    bounded: ClassVar[bool] = True
    """Whether every number that a scorer returns must lie in [0, 1]; otherwise it must only be finite."""

    @property
    @abstractmethod
    def primary_metrics(self) -> tuple[str, ...]:
        """The metrics by which skill is measured; the first one that is defined on the rows is used."""

    @property
    @abstractmethod
    def gains(self) -> Mapping[str, Gain]:
        """The metrics that monitoring may watch, each with the gain whose mean it is."""

    @abstractmethod
    def evaluator(self, training_set: TrainingSet, rows: RowClusters) -> Evaluator:
        """Return the evaluator over the test rows of ``training_set``, whose clusters ``rows`` holds."""

    @classmethod
    @abstractmethod
    def statistics_types(cls) -> tuple[type[SufficientStatistics], ...]:
        """Return every class of sufficient statistics that the evaluator returns or nests in what it returns.

        They are frozen dataclasses of arrays, numbers, texts, slices, tuples and dictionaries: an experiment
        stores them field by field, under the names of the classes.
        """

    @abstractmethod
    def decisions(
        self, training_set: TrainingSet, threshold: float | None
    ) -> Decisions | NoDecisions:
        """Return the decisions on the test rows at the scorer's ``threshold``, or why none are taken."""

    @abstractmethod
    def group_metrics(
        self, policy: FairnessPolicy, training_set: TrainingSet, predictions: Predictions
    ) -> GroupMetrics:
        """Compute the metrics in which groups of users are compared from ``predictions`` for the test rows."""

    @abstractmethod
    def logged_predictions(
        self, classes: tuple[str, ...], threshold: float | None, values: Array
    ) -> LoggedPredictions:
        """Return what is logged of ``values`` (rows, classes), which a scorer with this ``threshold`` returned."""

    def logged_outcomes(self, labels: "pd.Series[str]") -> "pd.Series[str]":
        """Return the text of each known label under the index of its row; rows without a label are left out."""
        return labels[labels.notna()].astype(str)

    def confidence_outcomes(self, matured: MaturedPredictions) -> Array | None:
        """Return what each confidence is the probability of, as it turned out, shape (rows,), in [0, 1].

        The default is for tasks that predict a class. ``None``: the task's confidence is no probability.
        """
        came_true: Array = (matured.predicted == matured.outcome).astype(np.float64)
        return came_true

    def estimated_outcomes(self, matured: MaturedPredictions) -> Array | None:
        """Return what came true of what the confidence can be calibrated to, shape (rows,).

        By default that is what the confidence claims to be the probability of. ``None``: nothing.
        """
        return self.confidence_outcomes(matured)

    @property
    def what_if(self) -> WhatIf:
        """The outcomes with which a metric is estimated; the default is for tasks that predict a class."""
        return WhatIf()

    @property
    def second_label(self) -> str:
        """The column of a second label that the same features predict; empty for a task with one label."""
        return ""

    def person_question(self, label: str) -> PersonQuestion | None:
        """Return the yes or no about a person that the task predicts, given the ``label`` of the training set.

        ``None`` is for tasks that decide nothing on a person.
        """
        return None

    def person_decision(
        self,
        policy: FairnessPolicy,
        rows: "pd.DataFrame",
        record: TrainingSetRecord,
        predictions: Predictions,
    ) -> PersonDecision | None:
        """Return the decision that is taken on the people of ``rows``; ``None`` where the task takes none."""
        question = self.person_question(record.label)
        return None if question is None else question.decision(policy, rows, predictions)

    def dummy_predictions(self, values: Array) -> Predictions:
        """Return the dummy scorer's predictions from its ``values`` (rows, classes): the zero point of skill."""
        return Predictions(values)

    def predictions_kept(self, before: Array, after: Array) -> Array | None:
        """Return the share of each row's list that stays when ``before`` becomes ``after``, shape (rows,).

        Both arguments have the shape (rows, classes). The default ``None`` is for tasks that predict a class,
        which either stays or changes: `Decisions.chosen` tells.
        """
        return None

    def explained_columns(self, values: Array, classes: tuple[str, ...]) -> Codes:
        """Return the column of ``values`` (rows, classes) to explain in each row: the highest of the label's."""
        labelled = values.shape[1] - len(self.task.extra_classes)
        columns: Codes = values[:, :labelled].argmax(axis=1).astype(np.int64)
        return columns

    def row_errors(self, training_set: TrainingSet, values: Array, columns: Codes) -> Array:
        """Return the error of each prediction for the test rows, shape (rows,); NaN where the label is not known.

        The error is 1 minus the number in ``columns`` where its class is the true one, else the number itself.
        """
        record = training_set.record
        numbers = values[np.arange(len(values)), columns]
        labels = training_set.test[record.label]
        predicted = np.array(record.classes, dtype=object)[columns]
        pairs = zip(predicted, labels.astype(object).to_numpy(), strict=True)
        right = np.array([one == other for one, other in pairs], dtype=bool)
        return np.where(labels.notna(), np.where(right, 1.0 - numbers, numbers), np.nan)

    def predictions(
        self, name: str, scorer: Scorer, rows: "pd.DataFrame", classes: tuple[str, ...]
    ) -> Predictions:
        """Return the predictions of ``scorer`` for ``rows``, at its own threshold; errors call it ``name``.

        Raises:
            IntegrityError: an unknown class, a wrong shape, or a number outside what the task allows.
        """
        values = score(name, scorer, rows, classes, bounded=self.bounded)
        return Predictions(values, getattr(scorer, "threshold", None))
