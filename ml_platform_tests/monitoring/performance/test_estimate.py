"""Performance is estimated from confidence with an interval that holds what is realised later."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.isotonic import IsotonicRegression

from ml_platform.evaluation.report_parts import Estimate
from ml_platform.evaluation.tasks.classification import came_true
from ml_platform.evaluation.tasks.registry import adapter_of
from ml_platform.monitoring.performance.calibration import CalibrationMethod, fit_calibration
from ml_platform.monitoring.performance.estimate import NO_ESTIMATOR, estimated_performance
from ml_platform.monitoring.performance.estimator import PerformanceEstimator
from ml_platform.monitoring.performance.parts import EstimatedPerformance
from ml_platform.monitoring.performance.reference import estimator_of
from ml_platform.spec.monitoring_policy import POLICY
from ml_platform.spec.task import (
    Classification,
    Detection,
    ProportionRegression,
    Ranking,
    Task,
)
from ml_platform.values import from_json, to_json
from ml_platform_tests.monitoring.performance.generated import DAY, START, predictions, truth

ADAPTER = adapter_of(Classification())
WEEK_END = START + 7 * DAY


def learned(reference: pd.DataFrame, task: Task | None = None) -> PerformanceEstimator:
    adapter = ADAPTER if task is None else adapter_of(task)
    outcomes = reference[["row_id"]].assign(label=reference["outcome"])
    return estimator_of(adapter, reference, outcomes)


def estimated(
    estimator: PerformanceEstimator | None,
    window: pd.DataFrame,
    baseline: Estimate | None = None,
) -> EstimatedPerformance:
    return estimated_performance(
        estimator,
        baseline,
        window,
        WEEK_END,
        DAY,
        policy=POLICY,
        gain=came_true,
        what_if=ADAPTER.what_if,
    )


def accuracy(window: pd.DataFrame) -> float:
    return float((window["predicted"] == window["outcome"]).mean())


def test_a_shift_of_scores_is_followed_without_a_label() -> None:
    """The scorer is too sure of itself and scores fall by .2: accuracy falls by .4 times as much."""
    reference, shifted = predictions(1, 20_000, 7), predictions(2, 20_000, 7, shift=0.2)
    unlabelled = shifted.assign(outcome=None, known_at=pd.NaT)
    found = estimated(learned(reference), unlabelled)
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert found.value == pytest.approx(truth(shifted["confidence"].to_numpy()).mean(), abs=0.01)
    assert found.low <= accuracy(shifted) <= found.high
    assert accuracy(reference) - found.value > 0.06
    assert found.reason == ""
    assert [round(each.rows, -1) for each in found.cohorts] == [2_860] * 7
    assert (found.cohorts[0].start, found.cohorts[-1].end) == (START, WEEK_END)


@pytest.mark.parametrize(("reference_rows", "together"), [(6_000, 0.0), (6_000, 0.1), (600, 0.0)])
def test_coverage(reference_rows: int, together: float) -> None:
    """Simulated: the interval holds the realised accuracy of windows of 1,000 rows in about 95 %."""
    covered, ratios, count = 0, [], 100
    for seed in range(count):
        reference = predictions(1_000 + seed, reference_rows, 7, together=together)
        window = predictions(seed, 1_000, 7, shift=0.1, together=together)
        found = estimated(learned(reference), window)
        assert found.low is not None
        assert found.high is not None
        assert found.sampling_error is not None
        covered += found.low <= accuracy(window) <= found.high
        ratios.append((found.high - found.low) / 2 / 1.96 / found.sampling_error)
    assert 0.90 <= covered / count <= 0.99
    assert np.mean(ratios) < (1.3 if reference_rows > 1_000 else 2.2)


def test_isotonic_is_that_of_scikit_learn_and_few_rows_get_two_parameters() -> None:
    reference = predictions(3, 5_000, 7)
    scores = reference["confidence"].to_numpy()
    outcomes = (reference["outcome"] == "a").to_numpy() * 1.0
    curve = fit_calibration(scores, outcomes)
    assert curve.method is CalibrationMethod.ISOTONIC
    by_library = IsotonicRegression(out_of_bounds="clip").fit(scores, outcomes)
    at = np.linspace(0, 1, 101)
    assert curve.apply(at) == pytest.approx(by_library.predict(at), abs=1e-6)
    few = fit_calibration(scores[:900], outcomes[:900])
    assert few.method is CalibrationMethod.PLATT
    assert few.apply(scores).mean() == pytest.approx(outcomes[:900].mean(), abs=0.03)


def test_sessions_that_go_together_widen_the_interval() -> None:
    alone, together = (
        estimated(learned(predictions(4, 8_000, 7, together=size)), predictions(5, 4_000, 7))
        for size in (0.0, 0.2)
    )
    assert alone.sampling_error is not None
    assert together.sampling_error is not None
    assert together.sampling_error > 1.3 * alone.sampling_error


def test_a_loss_is_suspected_by_the_limits_of_a_warning() -> None:
    reference = predictions(6, 20_000, 7)
    before = accuracy(reference)
    baseline = Estimate(before, before - 0.005, before + 0.005)
    same = estimated(learned(reference), predictions(7, 20_000, 7), baseline)
    fallen = estimated(learned(reference), predictions(7, 20_000, 7, shift=0.2), baseline)
    assert (same.suspected, fallen.suspected) == (False, True)
    assert fallen.relative_loss == pytest.approx((before - (fallen.value or 0)) / before)
    assert not estimated(learned(reference), predictions(7, 20_000, 7, shift=0.2)).suspected


def test_what_cannot_be_estimated_says_why() -> None:
    window = predictions(8, 500, 7)
    assert estimated(None, window).reason == NO_ESTIMATOR
    few = learned(predictions(9, 199, 7))
    assert estimated(few, window).reason.startswith("199 test predictions in")
    always = predictions(9, 900, 7).assign(outcome="a")
    assert estimated(learned(always), window).reason == (
        "every test prediction has the same outcome"
    )
    shares = predictions(9, 900, 7).assign(outcome="0.25", predicted="0.3")
    reason = estimated(learned(shares, ProportionRegression()), window).reason
    assert reason == "its outcome is a number, not something that comes true"
    unknown = estimated(few, window)
    assert (unknown.value, unknown.low, unknown.suspected, unknown.cohorts) == (
        None,
        None,
        False,
        (),
    )
    empty = estimated(learned(predictions(9, 900, 7)), window.iloc[:0])
    assert empty.reason == "the window has no predictions"


@pytest.mark.parametrize(
    ("task", "came", "did_not", "predicted"),
    [
        (Detection(), "yes", "no", "yes"),
        (ProportionRegression(), "1", "0", "0.7"),
        (Ranking(), "p|q", "q|r", "p"),
    ],
)
def test_every_task_with_something_that_comes_true_is_estimated(
    task: Task, came: str, did_not: str, predicted: str
) -> None:
    rows = predictions(10, 3_000, 7)
    came_true_rows = rows["outcome"] == "a"
    frame = rows.assign(
        predicted=predicted, outcome=np.where(came_true_rows, came, did_not).astype(object)
    )
    adapter = adapter_of(task)
    ((metric, gain),) = adapter.gains.items()
    found = estimated_performance(
        learned(frame, task),
        None,
        frame,
        WEEK_END,
        DAY,
        policy=replace(POLICY, metric=metric),
        gain=gain,
        what_if=adapter.what_if,
    )
    assert found.value is not None
    if metric != "hit_at_1":
        assert found.value < 1.0
    else:
        assert found.value == pytest.approx(came_true_rows.mean(), abs=1e-6)
    assert (set(found.others) == {"f1", "roc_auc"}) is isinstance(task, Detection)


def test_the_estimator_and_the_estimate_come_back_from_json() -> None:
    estimator = learned(predictions(11, 2_000, 7))
    assert from_json(PerformanceEstimator, to_json(estimator)) == estimator
    found = estimated(estimator, predictions(12, 500, 7))
    assert from_json(EstimatedPerformance, to_json(found)) == found
