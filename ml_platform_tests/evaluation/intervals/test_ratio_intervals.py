"""Intervals of ratios of cluster totals: references, edges, coverage."""

import numpy as np
import pytest
from scipy import stats

from ml_platform.evaluation.intervals.ratio import between_zero_and_one, ratio_interval


def test_of_independent_rows_it_is_the_logit_interval_of_a_proportion() -> None:
    """60 of 80: variance p (1 - p) / 80 times 80/79."""
    estimate = ratio_interval(np.repeat([1.0, 0.0], [60, 20]), np.ones(80))
    assert estimate is not None
    error = np.sqrt(0.75 * 0.25 / 79) / (0.75 * 0.25)
    reach = stats.t.ppf(0.975, 79) * error
    assert estimate.value == 0.75
    assert estimate.low == pytest.approx(1 / (1 + np.exp(-(np.log(3) - reach))))
    assert estimate.high == pytest.approx(1 / (1 + np.exp(-(np.log(3) + reach))))


def test_edges() -> None:
    assert ratio_interval(np.zeros(3), np.zeros(3)) is None
    exact = stats.binomtest(50, 50).proportion_ci(method="exact")
    estimate = ratio_interval(np.ones(50), np.ones(50))
    assert estimate is not None
    assert (estimate.low, estimate.high) == pytest.approx((exact.low, exact.high))
    none = ratio_interval(np.zeros(50), np.ones(50))
    assert none is not None
    assert (none.low, none.high) == pytest.approx((0, 1 - exact.low))
    alone = between_zero_and_one(0.4, 0.0, 1)
    assert (alone.low, alone.high) == (0.0, 1.0)


def test_coverage_of_f1_on_clusters() -> None:
    generator = np.random.default_rng(5)

    def cells(clusters: int) -> tuple[np.ndarray, np.ndarray]:
        codes = np.repeat(np.arange(clusters), 6)
        mood = generator.normal(0, 1, clusters)[codes]
        true = generator.random(len(codes)) < 0.3
        predicted_classes = np.where(generator.normal(0, 1, len(codes)) + mood > -0.8, true, ~true)
        hits, support, predicted = (
            np.bincount(codes, flags, clusters)
            for flags in (true & predicted_classes, true, predicted_classes)
        )
        return 2 * hits, support + predicted

    above, below = cells(100_000)
    exact = above.sum() / below.sum()
    held = []
    for _ in range(500):
        estimate = ratio_interval(*cells(80))
        assert estimate is not None
        held.append(estimate.low <= exact <= estimate.high)
    assert 0.93 <= np.mean(held) <= 0.97
