"""What every evaluator promises, of every task: its statistics add up over clusters, in any order of rows."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from ml_platform.arrays import Array, Codes
from ml_platform.evaluation.tasks.evaluator import Predictions, SufficientStatistics
from ml_platform.evaluation.tasks.registry import evaluator_of, task_names
from ml_platform.evaluation.tasks.row_clusters import row_clusters
from ml_platform.experiments.statistics import statistics_bytes
from ml_platform.experiments.statistics import statistics_of as read_statistics
from ml_platform.spec.training_set import CHANGE_SET, CLUSTER, ROW_ID
from ml_platform_tests.evaluation.tasks.labelled import EVERY, Labelled

pytestmark = pytest.mark.parametrize("make", EVERY, ids=[make.__name__ for make in EVERY])
OF_RANKS = ("average_precision", "roc_auc", "spearman")
"""Metrics of the order of all rows: their statistics are linear in the weights, exact to first order."""
KEYS = (ROW_ID, CLUSTER, CHANGE_SET)
Make = Callable[[], Labelled]


@cache
def imperfect(make: Make) -> tuple[Labelled, SufficientStatistics]:
    """Labelled rows, and the statistics of a scorer that is right about two rows in three."""
    labelled = make()
    values = labelled.perfect.values
    other = np.random.default_rng(0).permutation(len(values))
    wrong = (np.arange(len(values)) % 3 == 0)[:, None]
    predictions = replace(labelled.perfect, values=np.where(wrong, values[other], values))
    labelled = replace(labelled, perfect=predictions)
    return labelled, statistics_of(labelled, predictions)


def statistics_of(labelled: Labelled, predictions: Predictions) -> SufficientStatistics:
    return evaluator_of(labelled.task, labelled.training_set).sufficient_statistics(predictions)


def metrics_of(statistics: SufficientStatistics, weights: Array | None = None) -> dict[str, float]:
    """The metrics of all clusters, each counted by its weight (1 by default)."""
    counted = np.ones(len(statistics.sums)) if weights is None else weights
    metrics = statistics.metrics(counted[None, :] @ statistics.sums)
    return {name: float(value[0]) for name, value in metrics.items()}


def with_rows(labelled: Labelled, rows: pd.DataFrame, places: Codes) -> Labelled:
    """The same with ``rows`` to be tested on, which are those at ``places`` of the old ones."""
    training_set = replace(labelled.training_set, test=rows.reset_index(drop=True))
    predictions = replace(labelled.perfect, values=labelled.perfect.values[places])
    return replace(labelled, training_set=training_set, perfect=predictions)


def test_every_metric_is_a_number_or_left_out(make: Make) -> None:
    labelled, statistics = imperfect(make)
    dummy = evaluator_of(labelled.task, labelled.training_set).dummy
    values = dummy.predict_proba(labelled.training_set.test)
    for scored in (statistics, statistics_of(labelled, Predictions(values))):
        metrics = metrics_of(scored)
        assert metrics
        assert [name for name, value in metrics.items() if not np.isfinite(value)] == []


def test_there_is_a_row_of_sums_for_every_cluster(make: Make) -> None:
    labelled, statistics = imperfect(make)
    rows = row_clusters(labelled.training_set)
    assert statistics.sums.shape[0] == rows.cluster_count
    assert evaluator_of(labelled.task, labelled.training_set).cluster_count == rows.cluster_count
    assert np.isfinite(statistics.sums).all()


def test_resamples_are_told_together_as_they_are_told_alone(make: Make) -> None:
    _, statistics = imperfect(make)
    clusters = len(statistics.sums)
    weights = np.random.default_rng(1).multinomial(clusters, np.full(clusters, 1 / clusters), 5)
    together = statistics.metrics(weights @ statistics.sums)
    for place, alone in enumerate(weights):
        for name, value in metrics_of(statistics, alone).items():
            assert together[name][place] == pytest.approx(value, rel=1e-12, abs=1e-12), name


def test_the_same_rows_in_another_order_give_the_same_metrics(make: Make) -> None:
    labelled, statistics = imperfect(make)
    order = np.random.default_rng(2).permutation(len(labelled.training_set.test))
    mixed = with_rows(labelled, labelled.training_set.test.iloc[order], order)
    assert metrics_of(statistics_of(mixed, mixed.perfect)) == pytest.approx(metrics_of(statistics))


def test_a_cluster_of_weight_two_is_the_cluster_twice(make: Make) -> None:
    labelled, statistics = imperfect(make)
    test = labelled.training_set.test
    codes = row_clusters(labelled.training_set).clusters
    doubled = int(np.bincount(codes).argmax())
    places = np.flatnonzero(codes == doubled)
    twin = test.iloc[places]
    twin = twin.assign(**{name: "twin of " + twin[name].astype(str) for name in KEYS})
    both = with_rows(
        labelled,
        pd.concat([test, twin], ignore_index=True),
        np.concatenate([np.arange(len(test)), places]),
    )
    weights = np.ones(len(statistics.sums))
    weights[doubled] = 2.0
    twice, weighted = (
        metrics_of(statistics_of(both, both.perfect)),
        metrics_of(statistics, weights),
    )
    assert weighted != metrics_of(statistics)
    assert weighted.keys() == twice.keys()
    for name, value in weighted.items():
        ranked = any(word in name for word in OF_RANKS)
        assert value == pytest.approx(twice[name], rel=1e-4 if ranked else 1e-9), name


def test_stored_and_read_again_the_statistics_are_the_same(make: Make) -> None:
    _, statistics = imperfect(make)
    stored = read_statistics(statistics_bytes({"variant": statistics}))["variant"]
    assert type(stored) is type(statistics)
    assert np.array_equal(stored.sums, statistics.sums)
    assert metrics_of(stored) == metrics_of(statistics)


def test_every_task_of_the_platform_is_tried(make: Make) -> None:
    assert make().task.name in task_names()
    assert {each().task.name for each in EVERY} == set(task_names())
