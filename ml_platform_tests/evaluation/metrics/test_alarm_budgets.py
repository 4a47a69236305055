"""Precision at a budget of alarms: by hand, ties, and its spread against a resampling loop."""

import numpy as np
import pytest

from ml_platform.evaluation.metrics.alarm_budgets import budget_name, budget_precision


def test_by_hand_and_with_ties() -> None:
    positive = np.array([1, 0, 1, 0, 0, 1, 0, 0, 0, 0], dtype=bool)
    scores = np.array([9, 8, 7, 6, 5, 4, 3, 2, 1, 0.0])
    assert budget_precision(positive, scores, 0.3).value == pytest.approx(2 / 3)
    assert budget_precision(positive, scores, 0.001).value == 1.0
    same = budget_precision(positive, np.ones(10), 0.2)
    assert same.value == pytest.approx(0.3)
    assert same.influence.mean() == pytest.approx(0.0, abs=1e-12)
    assert budget_name(0.01) == "precision_at_1_percent"


def test_first_order_resamples_have_the_spread_of_real_ones() -> None:
    generator = np.random.default_rng(6)
    positive = generator.random(4_000) < 0.05
    scores = generator.normal(0, 1, 4_000) + 1.5 * positive
    budget = budget_precision(positive, scores, 0.05)
    real, first = [], []
    for _ in range(400):
        rows = generator.integers(0, 4_000, 4_000)
        noise = generator.random(4_000) * 1e-9
        real.append(budget_precision(positive[rows], scores[rows] + noise, 0.05).value)
        first.append(budget.value + budget.influence[rows].mean())
    assert budget.influence.mean() == pytest.approx(0.0, abs=1e-12)
    assert np.std(first) == pytest.approx(np.std(real), rel=0.12)
    assert np.corrcoef(first, real)[0, 1] > 0.9
