import numpy as np
import pandas as pd
import pytest

from ml_platform.evaluation.report_parts import Estimate
from ml_platform.evaluation.tasks.adapter import MaturedPredictions
from ml_platform.evaluation.tasks.classification import came_true
from ml_platform.evaluation.tasks.registry import adapter_of
from ml_platform.monitoring.performance.realised import check_performance
from ml_platform.monitoring.report import Performance
from ml_platform.spec.monitoring_policy import POLICY
from ml_platform.spec.task import (
    Classification,
    Detection,
    OffPolicyChoice,
    ProportionRegression,
    Ranking,
    SequencePrediction,
    Task,
)

BEFORE = Estimate(0.9, 0.895, 0.905)


def predictions(right: int, wrong: int, unknown: int = 0) -> pd.DataFrame:
    label = ["a"] * right + ["b"] * wrong + [None] * unknown
    order = np.random.default_rng(1).permutation(len(label))
    frame = pd.DataFrame(
        {"predicted": "a", "confidence": 0.5, "outcome": pd.Series(label, dtype=object)}
    )
    frame = frame.iloc[order].reset_index(drop=True)
    return frame.assign(cluster_id=[f"s{row // 4}" for row in range(len(label))])


@pytest.mark.parametrize(
    ("right", "level"),
    [
        (9_300, Performance.OK),
        (9_000, Performance.OK),
        (8_600, Performance.OK),  # a loss of 4.4 %
        (8_400, Performance.WARN),  # 6.7 %
        (8_150, Performance.WARN),  # 9.4 %
        (7_900, Performance.ALERT),  # 12.2 %
        (0, Performance.ALERT),
    ],
)
def test_levels(right: int, level: Performance) -> None:
    check = check_performance(BEFORE, predictions(right, 10_000 - right), POLICY, came_true)
    assert check.level is level
    assert check.current == pytest.approx(right / 10_000)
    assert check.relative_loss == pytest.approx((0.9 - right / 10_000) / 0.9)
    assert (check.rows, check.matured) == (10_000, 1.0)


def test_interval_by_hand() -> None:
    frame = predictions(8, 2).assign(cluster_id=[f"s{row}" for row in range(10)])
    check = check_performance(BEFORE, frame, POLICY, came_true)
    # ten rows of their own: sqrt(.8 * .2 / 9) = .1333, times Student's 2.2622 with nine degrees
    assert (check.low, check.high) == (pytest.approx(0.8 - 0.3016, abs=1e-4), 1.0)


def test_a_loss_that_chance_explains_is_no_warning() -> None:
    # 225 rows, a loss of 5.7 %: the interval of the loss reaches below 0
    check = check_performance(Estimate(0.9, 0.87, 0.93), predictions(191, 34), POLICY, came_true)
    assert check.relative_loss is not None
    assert check.relative_loss > POLICY.loss_warn
    assert check.level is Performance.OK


def test_without_labels_unknown_and_never_ok() -> None:
    for frame in (predictions(0, 0, 5_000), predictions(0, 0)):
        check = check_performance(BEFORE, frame, POLICY, came_true)
        assert check.level is Performance.UNKNOWN
        assert (check.current, check.low, check.relative_loss, check.matured) == (
            None,
            None,
            None,
            0.0,
        )


def test_few_labels_one_session_or_no_baseline_are_unknown() -> None:
    few = check_performance(BEFORE, predictions(180, 19, 5_000), POLICY, came_true)
    assert few.level is Performance.UNKNOWN
    assert few.matured == pytest.approx(199 / 5_199)
    one = predictions(500, 500).assign(cluster_id="s")
    assert check_performance(BEFORE, one, POLICY, came_true).level is Performance.UNKNOWN
    assert (
        check_performance(None, predictions(500, 500), POLICY, came_true).level
        is Performance.UNKNOWN
    )


def test_coverage_with_clusters() -> None:
    draw = np.random.default_rng(7)
    covered = 0
    for _ in range(1_000):
        skill = draw.beta(8, 2, size=80)
        sessions = np.repeat(np.arange(80), draw.integers(2, 20, 80))
        right = draw.random(sessions.size) < skill[sessions]
        outcome = np.where(right, "a", "b")
        frame = pd.DataFrame({"predicted": "a", "confidence": 0.5, "outcome": outcome})
        check = check_performance(BEFORE, frame.assign(cluster_id=sessions), POLICY, came_true)
        assert check.low is not None
        assert check.high is not None
        covered += check.low <= 0.8 <= check.high
    assert 0.92 <= covered / 1_000 <= 0.97


@pytest.mark.parametrize(
    ("task", "metric", "predicted", "confidence", "outcome", "gain"),
    [
        (Classification(), "accuracy", "x", 0.9, "x", 1.0),
        (SequencePrediction(), "accuracy", "x", 0.9, "y", 0.0),
        (ProportionRegression(), "one_minus_mae", "0.2", 0.25, "0.75", 0.5),
        (Detection(), "one_minus_brier", "yes", 0.75, "yes", 1 - 0.0625),
        (OffPolicyChoice(), "one_minus_brier", "yes", 0.75, "no", 1 - 0.5625),
        (Ranking(), "hit_at_1", "p", 0.4, "q|p", 1.0),
        (Ranking(), "hit_at_1", "p", 0.4, "q|pp", 0.0),
    ],
)
def test_what_a_prediction_is_worth(
    task: Task, metric: str, predicted: str, confidence: float, outcome: str, gain: float
) -> None:
    matured = MaturedPredictions(
        np.array([predicted], dtype=object),
        np.array([confidence]),
        np.array([outcome], dtype=object),
    )
    gains = adapter_of(task).gains
    assert gains[metric](matured).tolist() == [pytest.approx(gain)]
