"""Expected metrics against the published formulas, scikit-learn, simulation and finite differences."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score

from ml_platform.evaluation.tasks.adapter import WhatIf
from ml_platform.evaluation.tasks.classification import came_true
from ml_platform.evaluation.tasks.detection import one_minus_squared_error
from ml_platform.monitoring.performance.expected import (
    expected_f1,
    expected_mean,
    expected_metrics,
    expected_roc_auc,
)

DRAW = np.random.default_rng(5)
SCORES = DRAW.beta(1.2, 1.5, 400).round(2)
PROBABILITIES = np.clip(SCORES**1.3, 0.01, 0.99)
ALARMS = SCORES >= 0.5


def published_confusion() -> tuple[float, float, float, float]:
    """Expected true and false positives and negatives as NannyML's description of CBPE has them."""
    tp = PROBABILITIES[ALARMS].sum()
    fp = (1 - PROBABILITIES[ALARMS]).sum()
    fn = PROBABILITIES[~ALARMS].sum()
    tn = (1 - PROBABILITIES[~ALARMS]).sum()
    return float(tp), float(fp), float(fn), float(tn)


def test_accuracy_and_f1_are_those_of_the_published_confusion_matrix() -> None:
    tp, fp, fn, tn = published_confusion()
    accuracy = expected_mean(PROBABILITIES, ALARMS * 1.0, ~ALARMS * 1.0)
    assert accuracy.value == pytest.approx((tp + tn) / (tp + fp + fn + tn), abs=1e-12)
    f1 = expected_f1(PROBABILITIES, ALARMS)
    assert f1 is not None
    assert f1.value == pytest.approx(2 * tp / (2 * tp + fp + fn), abs=1e-12)


def test_roc_auc_is_the_area_under_the_published_curve() -> None:
    """Each threshold has its expected true and false positive rates; the area is by trapezoids."""
    points = [(0.0, 0.0)]
    for threshold in np.unique(SCORES)[::-1]:
        above = threshold <= SCORES
        points.append(((1 - PROBABILITIES[above]).sum(), PROBABILITIES[above].sum()))
    false, true = (np.array(side) for side in zip(*points, strict=True))
    area = np.trapezoid(true / true[-1], false / false[-1])
    estimated = expected_roc_auc(PROBABILITIES, SCORES)
    assert estimated is not None
    assert estimated.value == pytest.approx(float(area), abs=1e-12)


def test_sure_outcomes_give_the_metrics_of_scikit_learn() -> None:
    outcomes = (DRAW.random(400) < PROBABILITIES) * 1.0
    accuracy = expected_mean(outcomes, ALARMS * 1.0, ~ALARMS * 1.0)
    assert accuracy.value == pytest.approx(accuracy_score(outcomes, ALARMS), abs=1e-12)
    f1, area = expected_f1(outcomes, ALARMS), expected_roc_auc(outcomes, SCORES)
    assert f1 is not None
    assert area is not None
    assert f1.value == pytest.approx(f1_score(outcomes, ALARMS), abs=1e-12)
    assert area.value == pytest.approx(roc_auc_score(outcomes, SCORES), abs=1e-12)


@pytest.mark.parametrize("name", ["mean", "f1", "roc_auc"])
def test_the_influence_is_the_derivative(name: str) -> None:
    def value_of(probabilities: np.ndarray) -> float:
        found = {
            "mean": expected_mean(probabilities, ALARMS * 0.9, SCORES),
            "f1": expected_f1(probabilities, ALARMS),
            "roc_auc": expected_roc_auc(probabilities, SCORES),
        }[name]
        assert found is not None
        values.append(found)
        return found.value

    values: list = []
    value_of(PROBABILITIES)
    for row in (0, 17, 399):
        moved = PROBABILITIES.copy()
        moved[row] += 1e-6
        slope = (value_of(moved) - value_of(PROBABILITIES)) / 1e-6
        assert values[0].influence[row] == pytest.approx(slope, rel=1e-3)


def test_metrics_that_are_not_defined_are_left_out() -> None:
    assert expected_f1(np.zeros(3), np.zeros(3, dtype=bool)) is None
    assert expected_roc_auc(np.ones(3), np.arange(3.0)) is None


def test_the_metrics_of_a_task_are_those_of_its_gains() -> None:
    """By hand: a yes at .8 and a no at .3 that come true with .7 and .2; the Brier score is linear in the truth."""
    predicted = np.array(["yes", "no"], dtype=object)
    scores, chances = np.array([0.8, 0.3]), np.array([0.7, 0.2])
    found = expected_metrics(
        predicted,
        scores,
        chances,
        {"one_minus_brier": one_minus_squared_error, "accuracy": came_true},
        WhatIf("yes", "no", decides=True),
    )
    brier = (0.7 * 0.04 + 0.3 * 0.64 + 0.2 * 0.49 + 0.8 * 0.09) / 2
    assert found["one_minus_brier"].value == pytest.approx(1 - brier)
    assert found["accuracy"].value == pytest.approx((0.7 + 0.8) / 2)
    assert found["f1"].value == pytest.approx(2 * 0.7 / (1 + 0.9))
    assert set(found) == {"one_minus_brier", "accuracy", "f1", "roc_auc"}
    classes = expected_metrics(predicted, scores, chances, {"accuracy": came_true}, WhatIf())
    assert {name: each.value for name, each in classes.items()} == {"accuracy": pytest.approx(0.45)}
