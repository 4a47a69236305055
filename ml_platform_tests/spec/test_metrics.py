"""The declarations of metrics: families, prefixes, and that everything that names a metric names a declared one."""

import pytest

from ml_platform.errors import IntegrityError, UsageError
from ml_platform.experiments.proposal import better
from ml_platform.models.catalogue import MODELS
from ml_platform.spec.gates import Bound
from ml_platform.spec.metric import Direction, IntervalKind, Metric
from ml_platform.spec.metrics import (
    declare_metric,
    declared_metrics,
    find_metric,
    metric_named,
)
from ml_platform.spec.model import ModelSpec

each_model = pytest.mark.parametrize("spec", MODELS, ids=[spec.name for spec in MODELS])
HIGHER_IS_BETTER = (Bound.LIMIT, Bound.BASELINE, Bound.CHAMPION, Bound.CHALLENGED)


def test_an_unknown_name_is_an_error_that_names_it() -> None:
    with pytest.raises(IntegrityError, match="'acuracy' is not declared"):
        metric_named("acuracy")
    assert find_metric("acuracy") is None


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("ndcg_at_5", "NDCG at 5"),
        ("ndcg_at_10", "NDCG at 10"),
        ("precision_at_5", "precision at 5"),
        ("precision_at_2_percent", "precision at 2 percent"),
        ("soon_roc_auc", "soon ROC AUC"),
        ("change_set_macro_f1", "change set macro F1"),
        ("r2", "R²"),
    ],
)
def test_members_of_families_have_their_own_names_and_labels(name: str, label: str) -> None:
    metric = metric_named(name)
    assert (metric.name, metric.label) == (name, label)
    assert "{" not in metric.meaning


def test_a_family_is_no_metric_itself() -> None:
    assert find_metric("ndcg_at_{k}") is None
    assert find_metric("ndcg_at_") is None
    assert find_metric("ndcg_at_five") is None


def test_what_is_derived_keeps_direction_and_interval() -> None:
    assert metric_named("soon_false_alarm_rate").direction is Direction.LOWER
    assert metric_named("soon_precision").interval is IntervalKind.PROPORTION
    assert metric_named("precision_at_1_percent").interval is IntervalKind.PROPORTION
    assert metric_named("precision_at_5").interval is IntervalKind.BCA


def test_errors_are_better_lower() -> None:
    for name in ("mape", "mae", "mse", "rmse", "log_loss", "soon_brier", "false_alarm_rate"):
        assert better(name) is Direction.LOWER, name


def test_what_describes_has_no_better_side() -> None:
    with pytest.raises(UsageError, match="bias is neither better higher nor lower"):
        better("bias")


def test_a_name_is_declared_once() -> None:
    accuracy = metric_named("accuracy")
    declare_metric(accuracy)
    with pytest.raises(UsageError, match="'accuracy' is declared already"):
        declare_metric(Metric("accuracy", "another", "Another one.", ("classification",)))


def test_every_declaration_is_whole() -> None:
    labels = [metric.label for metric in declared_metrics()]
    assert len(set(labels)) == len(labels)
    for metric in declared_metrics():
        assert metric.meaning.endswith("."), metric.name
        assert metric.tasks, metric.name
        if metric.low is not None and metric.high is not None:
            assert metric.low < metric.high, metric.name


@each_model
def test_a_model_names_metrics_of_its_task(spec: ModelSpec) -> None:
    for name in (*spec.task.headline, spec.monitored_metric):
        assert spec.task.name in metric_named(name).tasks, name
        assert metric_named(name).name == name
    assert metric_named(spec.monitored_metric).direction is Direction.HIGHER


@each_model
def test_a_gate_holds_the_better_side_against_its_limit(spec: ModelSpec) -> None:
    for gate in spec.policy.quality:
        if "." in gate.metric:
            continue
        direction = metric_named(gate.metric).direction
        wanted = Direction.HIGHER if gate.bound in HIGHER_IS_BETTER else Direction.LOWER
        assert direction is wanted, gate.name
