"""The anomaly detector: planted anomalies at a stated rate, parity, the same bytes, and its faults."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score

from ml_platform.errors import IntegrityError
from ml_platform.models.anomaly_detector import SIDES, SPEC
from ml_platform.models.artifact_kinds import scorer_of
from ml_platform.models.isolation_forest.deviations import (
    BOTH,
    HIGH,
    LOW,
    Deviations,
    fit_deviations,
)
from ml_platform.models.isolation_forest.fit import IsolationHyperparameters, grow, isolation
from ml_platform.models.isolation_forest.onnx_export import exact_in_single, path_length
from ml_platform.models.isolation_forest.rules import LIMIT, RULES, DetectionRules, fit_rules
from ml_platform.models.isolation_forest.scorer import ALARM, AlarmScale
from ml_platform.spec.model import FitOutcome, FitRequest
from ml_platform.spec.training_set import TrainingSet
from ml_platform_tests.models.session_rows import synthetic_rows, training_set


def fit(known: TrainingSet, **parameters: float | str) -> FitOutcome:
    return SPEC.fit(known, FitRequest(SPEC.seed, {**SPEC.defaults, **parameters}))


@pytest.fixture(scope="module")
def known() -> TrainingSet:
    return training_set(synthetic_rows())


@pytest.fixture(scope="module")
def fitted(known: TrainingSet) -> FitOutcome:
    return fit(known)


def test_planted_anomalies_are_found_at_the_stated_rate(
    known: TrainingSet, fitted: FitOutcome
) -> None:
    score = scorer_of(fitted.artifact).predict_proba(known.test)[:, 1]
    truth = (known.test["anomalous"] == "yes").to_numpy()
    alarm = score >= ALARM
    assert roc_auc_score(truth, score) > 0.97
    assert alarm[truth].mean() > 0.6
    # 2.75 % of the rows are alarms, 1.7 % anomalies: a ranking without a fault has .0105 false alarms on average.
    assert alarm[~truth].mean() < 0.015


@pytest.mark.parametrize("rate", [0.005, 0.02, 0.1])
def test_the_alarm_rate_is_chosen(known: TrainingSet, rate: float) -> None:
    scorer = scorer_of(fit(known, alarm_rate=rate, trees=50).artifact)
    alarms = scorer.predict_proba(known.train)[:, 1] >= ALARM
    assert alarms.sum() == round(rate * len(alarms))


def test_labels_are_never_looked_at(known: TrainingSet, fitted: FitOutcome) -> None:
    train = known.train.assign(anomalous=None)
    assert fit(replace(known, train=train)).artifact.sha256 == fitted.artifact.sha256


def test_shuffled_labels_bring_the_auc_to_a_half(fitted: FitOutcome) -> None:
    rows = synthetic_rows(8_000, seed=5, share=0.1)
    score = scorer_of(fitted.artifact).predict_proba(rows)[:, 1]
    truth = np.random.default_rng(0).permutation(rows["anomalous"] == "yes")
    assert roc_auc_score(truth, score) == pytest.approx(0.5, abs=0.04)


def test_other_names_of_users_change_nothing(known: TrainingSet, fitted: FitOutcome) -> None:
    def renamed(rows: pd.DataFrame) -> pd.DataFrame:
        return rows.assign(user_id="x" + rows["user_id"], cluster_id="x" + rows["cluster_id"])

    other = TrainingSet(known.record, renamed(known.train), renamed(known.test))
    assert fit(other).artifact.sha256 == fitted.artifact.sha256


def test_the_artifact_answers_as_the_estimator(known: TrainingSet, fitted: FitOutcome) -> None:
    served = scorer_of(fitted.artifact).predict_proba(known.test)
    ours = fitted.estimator.predict_proba(known.test)
    assert np.abs(served - ours).max() < 1e-5
    assert np.allclose(served.sum(axis=1), 1)


def test_the_forest_in_onnx_is_scikit_learns(known: TrainingSet) -> None:
    """Few rows a tree, so that leaves of one, of two and of more rows all occur; constant columns too."""
    values = np.random.default_rng(1).integers(0, 3, (400, 3)).astype(np.float64)
    values[:, 2] = 7.0
    names = {"a": BOTH, "b": BOTH, "c": BOTH}
    estimator = grow(values, names, IsolationHyperparameters(30, 64), seed=3)
    rows = pd.DataFrame(values, columns=list(names))
    reference = IsolationForest(n_estimators=30, max_samples=64, random_state=3)
    matrix = estimator.deviations.transform(rows)
    expected = -reference.fit(matrix).score_samples(matrix)
    assert np.allclose(isolation(estimator.forest, matrix), expected)
    served = scorer_of(estimator.artifact).predict_proba(rows)[:, 1]
    assert np.allclose(served, estimator.scale.of(expected), atol=1e-5)


def test_the_same_bytes_in_two_processes(fitted: FitOutcome) -> None:
    code = (
        "from ml_platform_tests.models.test_anomaly_detector import fit;"
        "from ml_platform_tests.models.session_rows import training_set, synthetic_rows;"
        "print(fit(training_set(synthetic_rows())).artifact.sha256)"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert process.stdout.strip() == fitted.artifact.sha256


def test_missing_numbers_and_missing_columns(fitted: FitOutcome) -> None:
    scorer = scorer_of(fitted.artifact)
    nothing = pd.DataFrame([dict.fromkeys(SIDES)], dtype=object)
    assert scorer.predict_proba(nothing)[0, 1] < ALARM
    with pytest.raises(IntegrityError, match="unusual_gap"):
        scorer.predict_proba(nothing.drop(columns="unusual_gap"))


def test_deviations_by_hand() -> None:
    """Median 3 and quartiles 2 and 4: 7 is two ranges above, and the usual on the low side."""
    values = np.tile(np.array([[1.0], [2.0], [3.0], [4.0], [5.0]]), 3)
    deviations = fit_deviations(values, {"high": HIGH, "low": LOW, "both": BOTH})
    assert deviations.of_numbers(np.array([[7.0, 7.0, 7.0], [1.0, 1.0, np.nan]])).tolist() == [
        [2, 0, 2],
        [0, 1, 0],
    ]
    assert Deviations.from_file(deviations.to_file()) == deviations


def test_thresholds_in_single_precision_part_as_in_double() -> None:
    thresholds = np.random.default_rng(0).normal(size=1_000)
    single = exact_in_single(thresholds).astype(np.float32)
    above = np.nextafter(single, np.float32(np.inf))
    assert (single <= thresholds).all()
    assert (above > thresholds).all()


def test_path_lengths_by_hand() -> None:
    """c(1) = 0, c(2) = 1, c(256) = 10.24 (Liu, Ting, Zhou 2008)."""
    assert path_length(np.array([1.0, 2.0, 256.0])) == pytest.approx([0, 1, 10.2448], abs=1e-4)


def test_the_alarm_lies_between_two_scores() -> None:
    scale = AlarmScale.fit(np.array([0.4, 0.5, 0.6, 0.8]), 0.25)
    assert scale.alarm == pytest.approx(0.7)
    assert scale.of(np.array([0.7])) == pytest.approx(0.5)


def test_rules_by_hand(known: TrainingSet) -> None:
    rules = DetectionRules((0.0, 4.0, 0.0), (1.0, 0.5, 0.1))
    rows = pd.DataFrame(
        [(0, 4, 0), (LIMIT, 4, 0), (0, 4 - LIMIT / 2, 0), (None, 9, 0.31)], columns=list(RULES)
    )
    assert (rules.predict_proba(rows)[:, 1] >= rules.threshold).tolist() == [
        False,
        True,
        True,
        True,
    ]
    scorer = scorer_of(fit_rules(known))
    assert scorer.predict_proba(known.test).shape == (len(known.test), 2)
