"""Which adapter belongs to which task: the one place where the platform's tasks are listed.

A task from outside is added by `register_task`; nothing else has to know of it.
"""

from importlib import import_module
from typing import Any

from ml_platform.errors import IntegrityError, UsageError
from ml_platform.evaluation.tasks.adapter import TaskAdapter
from ml_platform.evaluation.tasks.evaluator import Evaluator
from ml_platform.evaluation.tasks.row_clusters import RowClusters, row_clusters
from ml_platform.spec.task import (
    Classification,
    Detection,
    OffPolicyChoice,
    ProportionRegression,
    Ranking,
    SequencePrediction,
    Task,
)
from ml_platform.spec.training_set import TrainingSet

Adapter = type[TaskAdapter[Any]]

_TASKS = "ml_platform.evaluation.tasks"
_ADAPTERS: dict[str, Adapter | str] = {
    Classification.name: f"{_TASKS}.classification:ClassificationAdapter",
    Detection.name: f"{_TASKS}.detection:DetectionAdapter",
    OffPolicyChoice.name: f"{_TASKS}.off_policy_choice:OffPolicyChoiceAdapter",
    ProportionRegression.name: f"{_TASKS}.proportion_regression:ProportionRegressionAdapter",
    Ranking.name: f"{_TASKS}.ranking:RankingAdapter",
    SequencePrediction.name: f"{_TASKS}.sequence_prediction:SequencePredictionAdapter",
}
"""By name of the task; those of the platform are imported when they are wanted."""


def task_names() -> tuple[str, ...]:
    """The names of all tasks that have an adapter, those of plug-ins last."""
    return tuple(_ADAPTERS)


def register_task(task: type[Task], adapter: Adapter) -> None:
    """Make ``adapter`` the one of ``task``; a plug-in calls this once, when it is loaded.

    Raises:
        UsageError: another adapter is registered under the task's name.
    """
    known = _ADAPTERS.get(task.name, adapter)
    if known is not adapter:
        raise UsageError(
            f"Task {task.name!r} has an adapter already: {known}.",
            remedy="give the task another name",
        )
    _ADAPTERS[task.name] = adapter


def adapter_of(task: Task) -> TaskAdapter[Any]:
    """The adapter of ``task``.

    Raises:
        IntegrityError: none is registered under the task's name.
    """
    known = _ADAPTERS.get(task.name)
    if known is None:
        raise IntegrityError(
            f"Task {task.name!r} ({type(task).__name__}) has no adapter; known are {', '.join(_ADAPTERS)}.",
            remedy="call register_task with its adapter before the platform runs",
        )
    if isinstance(known, str):
        module, _, name = known.partition(":")
        adapter: Adapter = getattr(import_module(module), name)
        return adapter(task)
    return known(task)


def evaluator_of(
    task: Task, training_set: TrainingSet, rows: RowClusters | None = None
) -> Evaluator:
    """The evaluator of ``task`` over the test rows of ``training_set``.

    ``rows`` are given where sums are taken over others than the clusters of the test rows.
    """
    return adapter_of(task).evaluator(training_set, rows or row_clusters(training_set))
