import math

import numpy as np
import pytest

from ml_platform.errors import InsufficientData
from ml_platform.monitoring.drift.psi import (
    clustered_psi,
    minimum_rows,
    population_stability_index,
)


def test_by_hand() -> None:
    # shares .5/.5 and .25/.75 of 1,000 rows: (-.25) ln(.5) + .25 ln(1.5), less the bias of 2/1000
    expected = 0.25 * math.log(2) + 0.25 * math.log(1.5) - 2 / 1000
    psi = population_stability_index(np.array([500.0, 500.0]), np.array([250.0, 750.0]))
    assert psi == pytest.approx(expected)


def test_an_empty_bin_counts_half_a_row() -> None:
    psi = population_stability_index(np.array([100.0, 0.0]), np.array([90.0, 10.0]))
    raw = -0.1 * math.log(0.9) + (0.1 - 0.005) * math.log(0.1 / 0.005)
    assert psi == pytest.approx(raw - 2 / 100)


def test_mean_without_drift_is_zero_and_of_a_shift_its_square() -> None:
    draw = np.random.default_rng(2)
    edges = np.array([-1.28, -0.84, -0.52, -0.25, 0.0, 0.25, 0.52, 0.84, 1.28])

    def binned(mean: float) -> np.ndarray:
        places = np.searchsorted(edges, draw.normal(mean, size=2_000))
        return np.bincount(places, minlength=10).astype(float)

    quiet = [population_stability_index(binned(0), binned(0)) for _ in range(400)]
    assert np.mean(quiet) == pytest.approx(0.0, abs=4 * np.std(quiet) / 20)
    assert np.mean(quiet) < 0.001  # the raw index would be 9 * 2 / 2000 = .009
    shifted = [population_stability_index(binned(0), binned(0.3)) for _ in range(50)]
    assert np.mean(shifted) == pytest.approx(0.09, abs=0.01)


def test_clustered_is_the_same_for_independent_rows() -> None:
    left, right = np.array([500.0, 300.0, 200.0]), np.array([480.0, 330.0, 190.0])
    pooled = (left + right) / 2000
    covariance = (np.diag(pooled) - np.outer(pooled, pooled)) * (2 / 1000)
    clustered = clustered_psi(left / 1000, right / 1000, covariance, (1000, 1000))
    assert clustered == pytest.approx(population_stability_index(left, right))


def test_too_few_rows() -> None:
    assert minimum_rows(10) == 100
    with pytest.raises(
        InsufficientData, match="over 2 bins needs 20 rows on each side, there are 19 and 50"
    ):
        population_stability_index(np.array([10.0, 9.0]), np.array([25.0, 25.0]))


def test_ten_rows_a_bin_are_enough_on_either_side() -> None:
    few, many = np.array([10.0, 10.0]), np.array([30.0, 30.0])
    assert population_stability_index(few, many) == pytest.approx(-(1 / 20 + 1 / 60))
    assert population_stability_index(many, few) == pytest.approx(-(1 / 20 + 1 / 60))
    with pytest.raises(InsufficientData, match="there are 30 and 19"):
        population_stability_index(np.array([15.0, 15.0]), np.array([10.0, 9.0]))


def test_a_bin_empty_now_counts_half_a_row_as_well_and_one_row_stays_one() -> None:
    emptied = population_stability_index(np.array([90.0, 10.0]), np.array([100.0, 0.0]))
    appeared = population_stability_index(np.array([100.0, 0.0]), np.array([90.0, 10.0]))
    assert emptied == pytest.approx(appeared)
    one = population_stability_index(np.array([90.0, 10.0]), np.array([99.0, 1.0]))
    raw = 0.09 * math.log(0.99 / 0.9) + (0.01 - 0.1) * math.log(0.01 / 0.1)
    assert one == pytest.approx(raw - 2 / 100)


def test_clustered_with_unequal_sides_weighs_shares_by_their_rows() -> None:
    left, right = np.array([500.0, 300.0, 200.0]), np.array([120.0, 80.0, 50.0])
    pooled = (left + right) / 1250
    covariance = (np.diag(pooled) - np.outer(pooled, pooled)) * (1 / 1000 + 1 / 250)
    clustered = clustered_psi(left / 1000, right / 250, covariance, (1000, 250))
    assert clustered == pytest.approx(population_stability_index(left, right))


def test_a_bin_with_a_single_row_on_one_side_is_a_bin() -> None:
    left, right = np.array([50.0, 49.0, 1.0]), np.array([50.0, 50.0, 0.0])
    raw = (0.5 - 0.49) * math.log(0.5 / 0.49) + (0.005 - 0.01) * math.log(0.005 / 0.01)
    assert population_stability_index(left, right) == pytest.approx(raw - 2 * 2 / 100)
    assert population_stability_index(right, left) == pytest.approx(raw - 2 * 2 / 100)
