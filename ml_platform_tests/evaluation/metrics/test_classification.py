"""Metrics: by hand, then equal to scikit-learn to 1e-12, ties and absent classes included."""

import numpy as np
import pytest
import sklearn.metrics as reference

from ml_platform.evaluation.metrics.classification import (
    among_first,
    confusion_cells,
    metrics_of_cells,
)
from ml_platform.evaluation.metrics.classification_statistics import (
    ClassPredictions,
    class_statistics,
)
from ml_platform.evaluation.metrics.ranking_curves import rank_class
from ml_platform.evaluation.metrics.sequence_statistics import step_statistics
from ml_platform.evaluation.tasks.evaluators.classification import class_table

BY_HAND = np.array([[3, 1], [2, 4]])


def random_predictions(seed, rows=500, classes=5, *, ties=False, absent=False):
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, classes - absent, rows)
    logits = generator.normal(size=(rows, classes)) + 1.5 * np.eye(classes)[truth]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    if ties:
        coarse = np.round(probabilities * 8) + 1
        probabilities = coarse / coarse.sum(axis=1, keepdims=True)
    return truth, probabilities


def metrics_of(truth, probabilities):
    sums = class_statistics(ClassPredictions(truth, probabilities, np.zeros_like(truth)), 1)
    return {name: float(value[0]) for name, value in sums.metrics(sums.sums).items()}


def test_cells_by_hand():
    metrics = metrics_of_cells(BY_HAND)
    assert metrics["accuracy"] == 7 / 10
    assert metrics["balanced_accuracy"] == pytest.approx((3 / 4 + 4 / 6) / 2)
    assert metrics["macro_precision"] == pytest.approx((3 / 5 + 4 / 5) / 2)
    assert metrics["macro_f1"] == pytest.approx((6 / 9 + 8 / 11) / 2)
    assert metrics["weighted_f1"] == pytest.approx((4 * 6 / 9 + 6 * 8 / 11) / 10)


def test_ranks_by_hand():
    positive = np.array([True, False, True, False])
    ranking = rank_class(positive, np.array([0.9, 0.8, 0.8, 0.1]))
    assert ranking.roc_auc == pytest.approx((1 + 0.75) / 2)
    assert ranking.average_precision == pytest.approx(1 / 2 * 1 + 1 / 2 * 2 / 3)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("absent", [False, True])
@pytest.mark.parametrize("seed", [1, 2])
def test_equal_to_scikit_learn(seed, ties, absent):
    truth, probabilities = random_predictions(seed, ties=ties, absent=absent)
    ours = metrics_of(truth, probabilities)
    predicted, labels = probabilities.argmax(axis=1), np.arange(5)
    present = np.unique(truth)
    one_hot = np.eye(5)[truth]
    expected = {
        "accuracy": reference.accuracy_score(truth, predicted),
        "balanced_accuracy": np.mean(
            reference.recall_score(truth, predicted, labels=present, average=None)
        ),
        "log_loss": reference.log_loss(truth, probabilities, labels=labels),
        "brier": reference.brier_score_loss(truth, probabilities, labels=labels),
        "roc_auc_ovr": reference.roc_auc_score(
            one_hot[:, present], probabilities[:, present], average="macro"
        ),
        "average_precision_macro": reference.average_precision_score(
            one_hot[:, present], probabilities[:, present], average="macro"
        ),
        "roc_auc_ovr_weighted": reference.roc_auc_score(
            one_hot[:, present], probabilities[:, present], average="weighted"
        ),
        "average_precision_weighted": reference.average_precision_score(
            one_hot[:, present], probabilities[:, present], average="weighted"
        ),
        "matthews": reference.matthews_corrcoef(truth, predicted),
        "cohen_kappa": reference.cohen_kappa_score(truth, predicted),
    }
    for average in ("macro", "micro", "weighted"):
        for name in ("precision", "recall", "f1"):
            score = getattr(reference, f"{name}_score")
            expected[f"{average}_{name}"] = score(
                truth, predicted, average=average, zero_division=0
            )
    assert set(expected) | {"expected_calibration_error"} == set(ours)
    assert ours == pytest.approx(
        expected | {"expected_calibration_error": ours["expected_calibration_error"]}, abs=1e-12
    )


def test_per_class_table_equals_scikit_learn_and_leaves_out_what_is_absent():
    truth, probabilities = random_predictions(3, absent=True)
    table = class_table(truth, probabilities, tuple("abcde"))
    expected = reference.precision_recall_fscore_support(
        truth, probabilities.argmax(axis=1), labels=np.arange(5), zero_division=0
    )
    for code, row in enumerate(table):
        assert (row.precision, row.recall, row.f1) == pytest.approx(
            [part[code] for part in expected[:3]], abs=1e-12
        )
        assert row.support == expected[3][code]
    assert table[4].roc_auc is None
    assert table[4].average_precision is None
    assert table[0].roc_auc == pytest.approx(
        reference.roc_auc_score(truth == 0, probabilities[:, 0]), abs=1e-12
    )


def test_confusion_equals_scikit_learn():
    truth, probabilities = random_predictions(4)
    predicted = probabilities.argmax(axis=1)
    assert (
        confusion_cells(truth, predicted, 5) == reference.confusion_matrix(truth, predicted)
    ).all()


def test_one_class_alone_has_no_ranking_metrics():
    truth = np.zeros(10, dtype=np.int64)
    values = metrics_of(truth, np.tile([0.7, 0.3], (10, 1)))
    assert values["accuracy"] == 1.0
    assert "roc_auc_ovr" not in values
    assert rank_class(truth == 0, np.full(10, 0.7)) is None


def test_correlations_by_hand():
    """phi = (3 4 - 1 2) / sqrt(4 6 5 5); kappa = (.7 - .5) / (1 - .5), chance being .4 .5 + .6 .5."""
    metrics = metrics_of_cells(BY_HAND)
    assert metrics["matthews"] == pytest.approx(10 / np.sqrt(600))
    assert metrics["cohen_kappa"] == pytest.approx(0.4)
    always = metrics_of_cells(np.array([[3, 0], [2, 0]]))
    assert always["matthews"] == always["cohen_kappa"] == 0.0


def test_the_first_three_are_scikit_learns_and_of_equals_the_first():
    truth, probabilities = random_predictions(5, classes=9)
    expected = reference.top_k_accuracy_score(truth, probabilities, k=3, labels=np.arange(9))
    assert metrics_of(truth, probabilities)["top_3_accuracy"] == pytest.approx(expected, abs=1e-12)
    steps = step_statistics(truth, probabilities, np.zeros_like(truth), 1)
    assert steps.metrics(steps.sums)["top_3_accuracy"][0] == pytest.approx(expected, abs=1e-12)
    even = np.full((4, 5), 0.2)
    assert among_first(np.array([0, 2, 3, 4]), even, 3).tolist() == [True, True, False, False]


def test_few_classes_have_no_first_three():
    assert "top_3_accuracy" not in metrics_of(*random_predictions(5, classes=6))
