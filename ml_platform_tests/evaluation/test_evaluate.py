"""The evaluation report on a small training set with known answers."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from ml_platform.errors import InsufficientData, IntegrityError
from ml_platform.evaluation.evaluate import ComparedScorer, Origin, evaluate
from ml_platform.evaluation.metrics.classification_statistics import (
    ClassPredictions,
    class_statistics,
)
from ml_platform.evaluation.report import EvaluationReport
from ml_platform.evaluation.tasks.scorers import by_change_set, dummy_scorer, score
from ml_platform.values import from_json, to_json
from ml_platform_tests.evaluation.examples import (
    AS_OF,
    CLASSES,
    STRONG,
    WEAK,
    Table,
    make_training_set,
)

SET = make_training_set()
ORIGIN = Origin(
    as_of=AS_OF,
    newest_row_at=AS_OF,
    live=True,
    artifact_sha256="a" * 64,
    policy_version="p1",
    versions={"candidate": "a1"},
    folds=({"accuracy": 0.9},),
)


def ceiling_of(test):
    return pd.DataFrame({"row_id": test["row_id"], "prediction": test["best"]})


def evaluator(training_set=SET, **changes):
    arguments = {
        "candidate": STRONG,
        "estimator": STRONG,
        "baseline": WEAK,
        "ceiling": ceiling_of(training_set.test),
        "origin": ORIGIN,
        "seed": 7,
        "resamples": 200,
    }
    return evaluate(training_set, **(arguments | changes))


@pytest.fixture(scope="module")
def report():
    return evaluator()


def test_values_are_those_of_the_rows(report):
    test = SET.test
    assert report.candidate.metrics["accuracy"].value == (test.strong == test.label).mean()
    assert report.baseline.metrics["accuracy"].value == (test.weak == test.label).mean()
    assert report.ceiling.metrics["accuracy"].value == (test.best == test.label).mean()
    most = SET.train.label.mode()[0]
    assert report.dummy.metrics["accuracy"].value == (test.label == most).mean()
    assert (report.rows, report.clusters, report.change_sets) == (
        len(test),
        test.cluster_id.nunique(),
        test.change_set_id.nunique(),
    )
    assert sum(map(sum, report.confusion)) == len(test)
    assert report.candidate.version == "a1"
    assert report.baseline.version == ""


def test_intervals_hold_the_values_and_the_difference_is_paired(report):
    for subject in (report.candidate, report.baseline, report.ceiling):
        for estimate in subject.metrics.values():
            assert estimate.low <= estimate.value <= estimate.high
    difference = report.difference_to_baseline["accuracy"]
    assert difference.value == pytest.approx(
        report.candidate.metrics["accuracy"].value - report.baseline.metrics["accuracy"].value
    )
    assert difference.low > 0.2
    assert report.difference_to_champion is None


def test_a_ceiling_has_what_counts_alone(report):
    assert "log_loss" not in report.ceiling.metrics
    assert "change_set_accuracy" in report.ceiling.metrics
    assert {"log_loss", "brier", "roc_auc_ovr", "expected_calibration_error"} <= set(
        report.candidate.metrics
    )


def test_a_candidate_is_held_against_the_best_possible_by_pairs(report):
    below = report.above_ceiling["accuracy"]
    distance = report.candidate.metrics["accuracy"].value - report.ceiling.metrics["accuracy"].value
    assert below.value == pytest.approx(distance)
    assert below.low < below.value < 0
    assert {*report.above_ceiling} == {"accuracy"}
    assert evaluator(ceiling=None).above_ceiling == {}
    assert evaluator(ceiling=STRONG).above_ceiling["accuracy"].low == 0.0
    assert evaluator(ceiling=WEAK).above_ceiling["accuracy"].low > 0.0


def test_a_champion_equal_to_the_candidate_differs_by_nothing():
    same = evaluator(champion=ComparedScorer(STRONG))
    assert same.difference_to_champion["accuracy"].low == 0.0
    assert same.difference_to_champion["macro_f1"].high == 0.0


def test_the_report_is_a_value(report):
    assert evaluator() == report
    assert from_json(EvaluationReport, to_json(report)) == report


def test_parity_is_the_largest_gap(report):
    assert report.parity_gap == 0.0
    assert evaluator(estimator=Table("strong", 0.9)).parity_gap == pytest.approx(0.02)


def test_a_change_set_is_one_prediction_of_the_mean():
    rows = ClassPredictions(
        truth=np.array([0, 0, 1]),
        probabilities=np.array([[0.4, 0.6], [0.9, 0.1], [0.2, 0.8]]),
        clusters=np.array([0, 0, 1]),
    )
    change_sets = by_change_set(rows, np.array([0, 0, 1]))
    assert change_sets.probabilities.tolist() == [[0.65, 0.35], [0.2, 0.8]]
    assert change_sets.predicted.tolist() == [0, 1]
    assert change_sets.clusters.tolist() == [0, 1]


def test_a_large_change_set_counts_once_in_its_calibration():
    """Twenty rows of one change set are right at .6, nine change sets of one row each at .9."""
    truth = np.zeros(29, dtype=np.int64)
    probabilities = np.vstack([np.tile([0.6, 0.4], (20, 1)), np.tile([0.9, 0.1], (9, 1))])
    change_sets = np.array([0] * 20 + list(range(1, 10)))
    rows = ClassPredictions(truth, probabilities, change_sets)
    sums = class_statistics(rows, 10, by_change_set(rows, change_sets))
    metrics = sums.metrics(sums.sums.sum(axis=0)[None, :])
    by_row, once_each = (20 * 0.4 + 9 * 0.1) / 29, (0.4 + 9 * 0.1) / 10
    assert metrics["expected_calibration_error"][0] == pytest.approx(by_row)
    assert metrics["change_set_expected_calibration_error"][0] == pytest.approx(once_each)


def test_a_change_set_of_two_labels_claims_what_is_true_of_its_rows():
    """Half of its rows are of the class that it is half sure of: nothing is claimed that is not so."""
    rows = ClassPredictions(np.array([0, 1]), np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([0, 0]))
    change_set = by_change_set(rows, np.array([0, 0]))
    sums = class_statistics(rows, 1, change_set)
    assert sums.metrics(sums.sums)["change_set_expected_calibration_error"][0] == 0.0


def test_change_sets_of_one_row_have_no_metrics_of_their_own():
    single = dataclasses.replace(SET, test=SET.test.drop_duplicates("change_set_id"))
    assert "change_set_accuracy" not in evaluator(single).candidate.metrics


def test_absent_classes_are_named():
    without = dataclasses.replace(SET, test=SET.test[SET.test.label != "build"])
    assert evaluator(without, ceiling=None).absent_classes == ("build",)


def test_a_scorer_that_lacks_a_class_gives_it_nothing():
    scorer = Table("strong", 0.9, classes=("fix", "docs", "feature"))
    rows = SET.test[SET.test.strong != "build"]
    probabilities = score("rules", scorer, rows, CLASSES)
    assert (probabilities[:, 0] == 0).all()
    assert (np.array(CLASSES)[probabilities.argmax(axis=1)] == rows.strong).all()


@dataclasses.dataclass(frozen=True)
class Fixed:
    answer: np.ndarray
    classes: tuple[str, ...] = CLASSES

    def predict_proba(self, rows):
        return np.tile(self.answer, (len(rows), 1))


@pytest.mark.parametrize(
    ("scorer", "message"),
    [
        (Fixed(np.array([0.5, 0.5, 0, 0]), ("a", "b", "c", "d")), "no classes of the training set"),
        (Fixed(np.array([0.5, 0.5])), "shape"),
        (Fixed(np.array([np.nan, 0.5, 0.5, 0])), "no probability"),
        (Fixed(np.array([1.5, -0.5, 0, 0])), "no probability"),
    ],
)
def test_a_scorer_that_does_not_fit_is_refused(scorer, message):
    with pytest.raises(IntegrityError, match=message):
        evaluator(candidate=scorer)


def test_a_ceiling_with_gaps_is_refused():
    some = ceiling_of(SET.test[:10])
    with pytest.raises(IntegrityError, match="have no ceiling prediction"):
        evaluator(ceiling=some)


def test_no_test_row_is_refused():
    with pytest.raises(InsufficientData, match="no test row"):
        evaluator(dataclasses.replace(SET, test=SET.test.iloc[:0]))


def test_the_majority_knows_the_training_labels_alone():
    scorer = dummy_scorer(pd.Series(["fix", "fix", "docs"]), CLASSES)
    assert scorer.shares == (0.0, 1 / 3, 0.0, 2 / 3)


def test_a_reference_is_shown_beside_the_candidate_and_gates_nothing(report):
    with_reference = evaluator(references={"a weaker table": WEAK})
    (table,) = (table for table in with_reference.tables if "Simple methods" in table.title)
    (accuracy,) = (row for row in table.rows if row[1].lower() == "accuracy")
    paired = with_reference.difference_to_baseline["accuracy"]
    assert accuracy[0] == "a weaker table"
    assert accuracy[4] == f"{paired.value:.3f} [{paired.low:.3f}, {paired.high:.3f}]"
    assert dataclasses.replace(with_reference, tables=report.tables) == report
