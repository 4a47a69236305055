"""The p value agrees with its interval, with Student's test, and does not reject too often."""

import numpy as np
import pytest
from scipy import stats

from ml_platform.evaluation.intervals.bootstrap import bca_interval, replicate
from ml_platform.evaluation.intervals.p_value import p_value


class Mean:
    """The mean of a value a cluster."""

    def __init__(self, values: np.ndarray) -> None:
        self.sums = np.column_stack([values, np.ones(len(values))])

    def metrics(self, totals: np.ndarray) -> dict[str, np.ndarray]:
        return {"mean": totals[:, 0] / totals[:, 1]}


def replicates(values: np.ndarray, seed: int = 0):
    return replicate(Mean(values), seed=seed)["mean"]


def test_under_no_difference_it_rejects_as_often_as_it_says_and_agrees_with_the_interval() -> None:
    generator = np.random.default_rng(5)
    p_values, students, agree = [], [], 0
    for seed in range(300):
        values = generator.normal(0, 1, 100)
        difference = replicates(values, seed)
        bounds = bca_interval(difference)
        p_values.append(p_value(difference))
        students.append(stats.ttest_1samp(values, 0).pvalue)
        agree += (p_values[-1] < 0.05) == (not bounds.low <= 0 <= bounds.high)
    assert agree >= 297
    assert np.mean(np.array(p_values) < 0.05) == pytest.approx(0.05, abs=0.03)
    assert np.abs(np.array(p_values) - students).mean() < 0.04


def test_beyond_the_resamples_it_is_their_floor() -> None:
    values = np.random.default_rng(1).normal(5, 1, 100)
    assert p_value(replicates(values)) == 2 / 1001
    assert p_value(replicates(-values)) == 2 / 1001


def test_without_any_spread() -> None:
    assert p_value(replicates(np.zeros(50))) == 1.0
    assert p_value(replicates(np.ones(50))) == 2 / 1001
