"""The registry of task adapters: the one place where the platform's tasks are listed.

A plug-in adds its task by `register_task`; no other module has to be changed for it.
"""

import json
from importlib import import_module
from typing import Any

from ml_platform import values
from ml_platform.errors import IntegrityError, UsageError
from ml_platform.evaluation.metrics.sufficient_statistics import SufficientStatistics
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

_ADAPTERS: dict[str, Adapter | str] = {
    Classification.name: "ml_platform.evaluation.tasks.classification:ClassificationAdapter",
    Detection.name: "ml_platform.evaluation.tasks.detection:DetectionAdapter",
    OffPolicyChoice.name: "ml_platform.evaluation.tasks.off_policy_choice:OffPolicyChoiceAdapter",
    ProportionRegression.name: "ml_platform.evaluation.tasks.proportion_regression:ProportionRegressionAdapter",
    Ranking.name: "ml_platform.evaluation.tasks.ranking:RankingAdapter",
    SequencePrediction.name: "ml_platform.evaluation.tasks.sequence_prediction:SequencePredictionAdapter",
}
"""Adapters by name of the task; the platform's own are import paths, resolved when they are first needed."""
_TASKS: dict[str, type[Task]] = {
    task.name: task
    for task in (
        Classification,
        Detection,
        OffPolicyChoice,
        ProportionRegression,
        Ranking,
        SequencePrediction,
    )
}


def task_names() -> tuple[str, ...]:
    """Return the names of all tasks that have an adapter, those of plug-ins last."""
    return tuple(_ADAPTERS)


def register_task(task: type[Task], adapter: Adapter) -> None:
    """Register ``adapter`` for ``task``; a plug-in calls this once, when it is loaded.

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
    _TASKS[task.name] = task


def task_text(task: Task) -> str:
    """Return ``task`` as JSON text that `task_of_text` reads: its name and its fields."""
    return json.dumps({"name": task.name, "fields": json.loads(values.to_json(task))})


def task_of_text(text: str) -> Task:
    """Return the task that `task_text` has written.

    Raises:
        IntegrityError: no task of that name is registered.
    """
    stored = json.loads(text)
    if stored["name"] not in _TASKS:
        raise IntegrityError(
            f"Task {stored['name']!r} is unknown; known are {', '.join(task_names())}.",
            remedy="install the package that brings it",
        )
    return values.from_json(_TASKS[stored["name"]], json.dumps(stored["fields"]))


def adapter_of(task: Task) -> TaskAdapter[Any]:
    """Return the adapter of ``task``.

    Raises:
        IntegrityError: no adapter is registered under the task's name.
    """
    if task.name not in _ADAPTERS:
        raise IntegrityError(
            f"Task {task.name!r} ({type(task).__name__}) has no adapter; known are {', '.join(task_names())}.",
            remedy="call register_task with its adapter before the platform runs",
        )
    return _adapter_class(task.name)(task)


def statistics_types() -> dict[str, type[SufficientStatistics]]:
    """Return the classes of sufficient statistics of all tasks, by the name under which they are stored.

    Raises:
        IntegrityError: two classes have the same name, so that stored statistics could be of either.
    """
    types: dict[str, type[SufficientStatistics]] = {}
    for task_name in task_names():
        for statistics_type in _adapter_class(task_name).statistics_types():
            name = statistics_type.__name__
            if types.setdefault(name, statistics_type) is not statistics_type:
                raise IntegrityError(
                    f"Task {task_name!r} has statistics of the class {name}, a name that another task's "
                    f"statistics ({types[name].__module__}) have.",
                    remedy="give the class another name",
                )
    return types


def _adapter_class(task_name: str) -> Adapter:
    known = _ADAPTERS[task_name]
    if not isinstance(known, str):
        return known
    module, _, name = known.partition(":")
    adapter: Adapter = getattr(import_module(module), name)
    return adapter


def evaluator_of(
    task: Task, training_set: TrainingSet, rows: RowClusters | None = None
) -> Evaluator:
    """Return the evaluator of ``task`` over the test rows of ``training_set``.

    ``rows`` replaces the clusters of the test rows where sums are to be taken over other clusters.
    """
    return adapter_of(task).evaluator(training_set, rows or row_clusters(training_set))
