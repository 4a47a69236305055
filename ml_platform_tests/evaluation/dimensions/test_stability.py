"""Spread over folds and over blocks of time: by hand, against simulation, fires, silent, not applicable."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ml_platform.evaluation.dimensions.registry import EvaluationContext
from ml_platform.evaluation.dimensions.stability import examine_stability, fold_table
from ml_platform.evaluation.intervals.heterogeneity import excess_deviation, fold_spread
from ml_platform.evaluation.tasks.evaluator import Predictions
from ml_platform.evaluation.tasks.registry import evaluator_of
from ml_platform.evaluation.tasks.scorers import score
from ml_platform.spec.task import Classification
from ml_platform.spec.training_set import TrainingSet
from ml_platform_tests.evaluation.examples import CLASSES, CUT, STRONG, make_training_set

FOLDS = ({"accuracy": 0.9}, {"accuracy": 0.8}, {"accuracy": 0.85})
SET = make_training_set()


def examined(training_set: TrainingSet = SET, folds: Any = FOLDS) -> Any:
    task = Classification()
    predictions = Predictions(score("candidate", STRONG, training_set.test, CLASSES))
    spec: Any = SimpleNamespace(task=task)
    subject = EvaluationContext(
        spec, training_set, evaluator_of(task, training_set), STRONG, predictions, 1, folds=folds
    )
    return examine_stability(subject)


def test_folds_by_hand() -> None:
    """Mean .85, deviation .05; chi-squared bounds of the deviation at two degrees of freedom."""
    spread = fold_spread(np.array([0.9, 0.8, 0.85]))
    assert (spread.mean, spread.deviation) == pytest.approx((0.85, 0.05))
    assert spread.low == pytest.approx(0.05 * np.sqrt(2 / stats.chi2.ppf(0.975, 2)))
    assert spread.high == pytest.approx(0.05 * np.sqrt(2 / stats.chi2.ppf(0.025, 2)))
    folds = ({"mae": 0.2, "r2": 0.7}, {"mae": 0.1, "r2": 0.9})
    rows = fold_table(folds, ("r2", "mae", "roc_auc")).rows
    assert [(row[0], row[6], row[7]) for row in rows] == [("r2", 0.7, 1), ("mae", 0.2, 1)]


def test_the_deviation_beyond_noise_is_found_and_its_interval_covers() -> None:
    generator = np.random.default_rng(9)
    noise = np.array([0.01, 0.02, 0.01, 0.03, 0.02])
    held, values = [], []
    for _ in range(500):
        true = generator.normal(0.8, 0.03, 5)
        deviation = excess_deviation(true + noise * generator.normal(0, 1, 5), noise**2)
        held.append(deviation.low <= 0.03 <= deviation.high)
        values.append(deviation.value**2)
    assert 0.93 <= np.mean(held) <= 0.97
    assert np.mean(values) == pytest.approx(0.03**2, rel=0.15)


def test_noise_alone_is_seldom_called_a_spread() -> None:
    generator = np.random.default_rng(10)
    deviations = [
        excess_deviation(generator.normal(0.8, 0.02, 5), np.full(5, 4e-4)) for _ in range(500)
    ]
    assert np.mean([deviation.low > 0 for deviation in deviations]) <= 0.04
    assert excess_deviation(np.full(5, 0.8), np.zeros(5)).high == 0.0
    never_wrong = excess_deviation(np.array([0.7, 0.8, 1.0]), np.array([0.04, 0.04, 0.0]))
    assert never_wrong.low == 0.0


def test_an_even_candidate_is_silent() -> None:
    dimension = examined()
    assert dimension.measures["fold_spread"].value == pytest.approx(0.05 / 0.85)
    assert dimension.measures["shown_spread"].value < 0.01
    assert dimension.measures["time_spread"].high < 0.1
    assert dimension.findings == ()
    assert {table.columns[0] for table in dimension.tables} == {"metric", "from"}
    assert dimension.measures["score"].value == pytest.approx(
        np.mean([part.score for part in dimension.parts])
    )


def test_a_candidate_that_fails_in_one_week_fires() -> None:
    late = SET.test["occurred_at"] >= pd.Timestamp(CUT) + pd.Timedelta(days=24)
    test = SET.test.assign(strong=SET.test["strong"].where(~late, CLASSES[0]))
    dimension = examined(TrainingSet(SET.record, SET.train, test))
    assert dimension.measures["shown_spread"].value > 0.1
    assert "more than noise" in dimension.findings[0]
    assert dimension.watch


def test_too_few_folds_and_epochs_are_told() -> None:
    assert "2 folds" in examined(folds=FOLDS[:2]).undefined["fold_spread"]
    assert "0 folds" in examined(folds=()).undefined["fold_spread"]
    epochs = tuple({"epoch": float(i), "accuracy": 0.5} for i in range(5))
    assert "epochs" in examined(folds=epochs).not_applicable["fold_spread"]
    other = tuple({"loss": 0.5} for _ in range(3))
    none = f"none of {', '.join(Classification().headline)} is reported by every fold"
    assert examined(folds=other).undefined["fold_spread"] == none
    apart = tuple({name: 0.5} for name in ("accuracy", "macro_f1", "accuracy"))
    assert examined(folds=apart).undefined["fold_spread"] == none
    zero = tuple({"accuracy": 0.0} for _ in range(3))
    assert "nothing to hold" in examined(folds=zero).undefined["fold_spread"]


def test_small_test_sets_and_snapshots_have_no_course_of_time() -> None:
    few = TrainingSet(SET.record, SET.train, SET.test.iloc[:20])
    dimension = examined(few, ())
    assert "needed are 3" in dimension.undefined["time_spread"]
    assert dimension.undefined["score"]
    one_cluster = TrainingSet(SET.record, SET.train, SET.test.assign(cluster_id="s"))
    assert "time_spread" in examined(one_cluster).undefined
    snapshot = TrainingSet(SET.record, SET.train, SET.test.assign(occurred_at=pd.Timestamp(CUT)))
    assert "1 moments" in examined(snapshot).not_applicable["shown_spread"]
