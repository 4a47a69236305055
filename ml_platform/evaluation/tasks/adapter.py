"""What the platform has to know of a task beside its declaration: one adapter for each task.

A declaration (`ml_platform.spec.task`) is data; its adapter says how the task is evaluated, what its scorer
decides, what is logged of a prediction and how to destroy what its labels tell. No other code asks which task
it has before it: it asks the adapter, which `ml_platform.evaluation.tasks.registry.adapter_of` finds.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from ml_platform.arrays import Array, Codes
from ml_platform.evaluation.tasks.decisions import Decisions, NoDecisions
from ml_platform.evaluation.tasks.evaluator import Evaluator, Predictions
from ml_platform.evaluation.tasks.group_metrics import GroupMetrics, PersonDecision
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
    """What the prediction log keeps of each prediction."""

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


Gain = Callable[[MaturedPredictions], Array]
"""What each matured prediction adds to the mean of a metric that monitoring watches: shape (rows,), in [0, 1]."""


@dataclass(frozen=True)
class TaskAdapter(ABC, Generic[TaskT]):
    """The adapter of one task; a new task is a declaration, and a subclass of this one.

    Methods without a body must be defined; the others hold for a task whose scorer decides on one of the
    label's classes, and are overridden where that is not so.
    """

    task: TaskT
    """The declaration of the model at hand."""
    bounded: ClassVar[bool] = True
    """Whether every number of a scorer lies in [0, 1]; else any finite number will do."""

    @property
    @abstractmethod
    def primary_metrics(self) -> tuple[str, ...]:
        """Metrics by which skill is measured; the first one that is defined on the rows counts."""

    @property
    @abstractmethod
    def gains(self) -> Mapping[str, Gain]:
        """By metric that monitoring may watch: what each matured prediction adds to its mean."""

    @abstractmethod
    def evaluator(self, training_set: TrainingSet, rows: RowClusters) -> Evaluator:
        """The evaluator over the test rows of ``training_set``, whose clusters ``rows`` holds."""

    @abstractmethod
    def decisions(
        self, training_set: TrainingSet, threshold: float | None
    ) -> Decisions | NoDecisions:
        """The decisions on the test rows at the scorer's ``threshold``, or why there are none."""

    @abstractmethod
    def group_metrics(
        self, policy: FairnessPolicy, training_set: TrainingSet, predictions: Predictions
    ) -> GroupMetrics:
        """What groups of users are compared in, from ``predictions`` for the test rows."""

    @abstractmethod
    def logged_predictions(
        self, classes: tuple[str, ...], threshold: float | None, values: Array
    ) -> LoggedPredictions:
        """What is logged of ``values`` (rows, classes), which a scorer with this ``threshold`` returned."""

    def logged_outcomes(self, labels: "pd.Series[str]") -> "pd.Series[str]":
        """The text of each label that is known, under the index of its row; rows without one are left out."""
        return labels[labels.notna()].astype(str)

    def label_columns(self, label: str) -> tuple[str, ...]:
        """The columns of a training set that hold the truth of a row; ``label`` is the first of them."""
        return (label,)

    @property
    def second_label(self) -> str:
        """The column of a second label that the same features predict; empty where there is one label."""
        return ""

    def person_decision(
        self,
        policy: FairnessPolicy,
        rows: "pd.DataFrame",
        record: TrainingSetRecord,
        predictions: Predictions,
    ) -> PersonDecision | None:
        """The decision that is taken on the people of ``rows``; ``None`` where the task takes none."""
        return None

    def dummy_predictions(self, values: Array) -> Predictions:
        """The predictions of the dummy scorer, from its ``values`` (rows, classes), that skill is measured from."""
        return Predictions(values)

    def answers_kept(self, before: Array, after: Array) -> Array | None:
        """What share of each row's answer stays when ``before`` becomes ``after``, both (rows, classes).

        ``None`` where the answer is a class, so that it stays or changes as `Decisions.chosen` does.
        """
        return None

    def explained_columns(self, values: Array, classes: tuple[str, ...]) -> Codes:
        """The column of ``values`` (rows, classes) that is explained, row by row: the highest of the label's."""
        labelled = values.shape[1] - len(self.task.extra_classes)
        columns: Codes = values[:, :labelled].argmax(axis=1).astype(np.int64)
        return columns

    def row_errors(self, training_set: TrainingSet, values: Array, columns: Codes) -> Array:
        """How wrong each prediction for the test rows is, shape (rows,); NaN where the label is not known.

        What the number in ``columns`` lacks to 1 where its class is the true one, else the number itself.
        """
        record = training_set.record
        numbers = values[np.arange(len(values)), columns]
        labels = training_set.test[record.label]
        predicted = np.array(record.classes, dtype=object)[columns]
        pairs = zip(predicted, labels.astype(object).to_numpy(), strict=True)
        right = np.array([one == other for one, other in pairs], dtype=bool)
        return np.where(labels.notna(), np.where(right, 1.0 - numbers, numbers), np.nan)

    def without_signal(self, training_set: TrainingSet, *, seed: int) -> TrainingSet:
        """The fault that spoils the task: the labels of each part are dealt out anew among its labelled rows.

        Labels keep their frequencies, features stay as they are, and nothing in the features tells a label.
        The columns of `label_columns` move together. Equal seeds give equal rows.
        """
        columns = [
            name
            for name in self.label_columns(training_set.record.label)
            if name in training_set.test
        ]
        generator = np.random.default_rng(seed)
        return replace(
            training_set,
            train=_dealt_anew(training_set.train, columns, generator),
            test=_dealt_anew(training_set.test, columns, generator),
        )

    def predictions(
        self, name: str, scorer: Scorer, rows: "pd.DataFrame", classes: tuple[str, ...]
    ) -> Predictions:
        """The predictions of the scorer that errors call ``name`` for ``rows``, at its own threshold.

        Raises:
            IntegrityError: an unknown class, a wrong shape, or a number outside what the task allows.
        """
        values = score(name, scorer, rows, classes, bounded=self.bounded)
        return Predictions(values, getattr(scorer, "threshold", None))


def _dealt_anew(
    rows: "pd.DataFrame", columns: list[str], generator: np.random.Generator
) -> "pd.DataFrame":
    """``rows`` with their known labels in another order; the first of ``columns`` says which are known."""
    places = np.arange(len(rows))
    known = np.flatnonzero(rows[columns[0]].notna().to_numpy())
    places[known] = generator.permutation(known)
    return rows.assign(**{name: rows[name].array.take(places) for name in columns})
