import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, log_loss

from ml_platform.models.macro_f1 import macro_f1
from ml_platform.models.random_forest.calibration import (
    FLOOR,
    Calibration,
    fit_calibration,
    held_out_metrics,
    mean_by_change_set,
)


def test_temperature_and_offset_by_hand():
    calibrated = Calibration(2.0, (0.0, np.log(2.0))).apply(np.array([[0.5, 0.5]]))
    # (p + floor) and twice that, both squared: 1 to 4
    assert calibrated[0] == pytest.approx([0.2, 0.8])
    plain = Calibration(1.0, (0.0, 0.0)).apply(np.array([[0.9, 0.1]]))
    assert plain[0] == pytest.approx(
        [(0.9 + FLOOR) / (1 + 2 * FLOOR), (0.1 + FLOOR) / (1 + 2 * FLOOR)]
    )


def test_timid_probabilities_get_a_temperature_that_makes_them_true():
    random = np.random.default_rng(2)
    true = random.dirichlet([0.3, 0.3, 0.3], 20_000)
    truth = (true.cumsum(axis=1) < random.random((len(true), 1))).sum(axis=1)
    timid = true**0.5 / (true**0.5).sum(axis=1, keepdims=True)
    calibration, alpha = fit_calibration(timid, truth, np.arange(len(truth)), np.full(3, 1 / 3))
    # .5 undone; the floor of 1e-3 costs a little
    assert calibration.temperature == pytest.approx(2.0, abs=0.1)
    assert alpha == 0.0
    top = calibration.apply(timid).max(axis=1)
    right = calibration.apply(timid).argmax(axis=1) == truth
    assert top.mean() == pytest.approx(right.mean(), abs=0.01)


def test_a_rare_class_that_is_never_first_gets_an_offset():
    # class 1: 3 rows of 20, its best chance .4; leaning towards it costs 1 right answer and finds all 3
    raw = np.vstack([np.tile([0.9, 0.1], (16, 1)), np.tile([0.6, 0.4], (4, 1))])
    truth = np.array([0] * 17 + [1] * 3)
    calibration, alpha = fit_calibration(raw, truth, np.arange(20), np.array([0.85, 0.15]))
    assert alpha > 0.0
    assert calibration.apply(raw).argmax(axis=1).tolist() == [0] * 16 + [1] * 4


def test_the_temperature_moves_no_decision():
    random = np.random.default_rng(3)
    raw = random.dirichlet(np.ones(4), 500)
    offset = (0.0, 0.3, 0.1, 0.0)
    decisions = [Calibration(t, offset).apply(raw).argmax(axis=1) for t in (0.3, 1.0, 4.0)]
    assert np.array_equal(decisions[0], decisions[1])
    assert np.array_equal(decisions[0], decisions[2])


def test_metrics_are_those_of_scikit_learn():
    random = np.random.default_rng(4)
    chances = random.dirichlet(np.ones(4), 300)
    truth = random.integers(0, 3, 300)
    change_sets = random.integers(0, 80, 300)
    metrics = held_out_metrics(chances, truth, change_sets)
    predicted = chances.argmax(axis=1)
    assert metrics["accuracy"] == pytest.approx(accuracy_score(truth, predicted))
    assert metrics["macro_f1"] == pytest.approx(f1_score(truth, predicted, average="macro"))
    assert metrics["log_loss"] == pytest.approx(log_loss(truth, chances, labels=range(4)))


def test_one_prediction_an_change_set_by_hand():
    chances = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    means, labels = mean_by_change_set(chances, np.array([1, 0, 0]), np.array([5, 2, 5]))
    assert means == pytest.approx(np.array([[0.2, 0.8], [0.75, 0.25]]))
    assert labels.tolist() == [0, 1]


def test_macro_f1_leaves_out_classes_that_neither_occur_nor_were_predicted():
    assert macro_f1(np.array([0, 0, 3]), np.array([0, 3, 3])) == pytest.approx(2 / 3)
