"""A scorer that is always right is better than the dummy one, by every metric, in its declared direction."""

import re
from collections.abc import Callable
from functools import cache

import pytest

from ml_platform.evaluation.tasks.evaluator import Predictions
from ml_platform.evaluation.tasks.registry import adapter_of, evaluator_of
from ml_platform.spec.metric import Direction, Metric
from ml_platform.spec.metrics import declared_metrics, metric_named
from ml_platform_tests.evaluation.tasks.labelled import EVERY, Labelled, without_signal

each_task = pytest.mark.parametrize("made", EVERY, ids=[made.__name__ for made in EVERY])


@cache
def both(make: Callable[[], Labelled]) -> tuple[Labelled, dict[str, float], dict[str, float]]:
    """The data, and every metric of the perfect scorer and of the dummy one."""
    labelled = make()
    rows = labelled.training_set
    evaluator = evaluator_of(labelled.task, rows)
    adapter = adapter_of(labelled.task)
    dummy = adapter.predictions("dummy", evaluator.dummy, rows.test, rows.record.classes)

    def values(predictions: Predictions) -> dict[str, float]:
        statistics = evaluator.sufficient_statistics(predictions)
        totals = statistics.metrics(statistics.sums.sum(axis=0)[None, :])
        return {name: float(value[0]) for name, value in totals.items()}

    return labelled, values(labelled.perfect), values(dummy)


@each_task
def test_perfect_is_better_than_dummy(made: Callable[[], Labelled]) -> None:
    _, perfect, dummy = both(made)
    for name, value in perfect.items():
        metric = metric_named(name)
        if metric.direction is Direction.NEITHER:
            continue
        sign = 1.0 if metric.direction is Direction.HIGHER else -1.0
        best = metric.high if metric.direction is Direction.HIGHER else metric.low
        other = dummy.get(name)
        if other is None or other == best:
            assert value == pytest.approx(best), name
        else:
            assert sign * value > sign * other, f"{name}: {value} against {other}"


@each_task
def test_values_lie_in_the_declared_range(made: Callable[[], Labelled]) -> None:
    _, *both_values = both(made)
    for values in both_values:
        for name, value in values.items():
            metric = metric_named(name)
            assert metric.low is None or value >= metric.low - 1e-12, name
            assert metric.high is None or value <= metric.high + 1e-12, name


@each_task
def test_an_evaluator_returns_metrics_of_its_task(made: Callable[[], Labelled]) -> None:
    labelled, perfect, _ = both(made)
    for name in perfect:
        assert labelled.task.name in metric_named(name).tasks, name


def test_every_declaration_is_returned_by_the_evaluators_of_its_tasks() -> None:
    returned: dict[str, set[str]] = {}
    for made in EVERY:
        labelled, perfect, _ = both(made)
        returned.setdefault(labelled.task.name, set()).update(perfect)
    for metric in declared_metrics():
        for task in metric.tasks:
            assert any(_is(name, metric) for name in returned[task]), f"{metric.name} of {task}"


def _is(name: str, metric: Metric) -> bool:
    pattern = re.escape(metric.name).replace(r"\{" + metric.parameter + r"\}", r"[0-9.]+")
    return re.fullmatch(pattern, name) is not None


@each_task
def test_without_signal_nothing_is_left_to_learn(made: Callable[[], Labelled]) -> None:
    """The scorer that was right about the labels is no better than chance about the labels dealt anew."""
    labelled, perfect, _ = both(made)
    adapter, rows = adapter_of(labelled.task), labelled.training_set
    labels = tuple(filter(None, (rows.record.label, adapter.second_label)))
    spoilt = without_signal(rows, labels, seed=1)
    statistics = evaluator_of(labelled.task, spoilt).sufficient_statistics(labelled.perfect)
    values = statistics.metrics(statistics.sums.sum(axis=0)[None, :])
    name = next(name for name in adapter.primary_metrics if name in perfect)
    assert float(values[name][0]) < perfect[name] - 0.2
