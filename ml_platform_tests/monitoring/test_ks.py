import numpy as np
import pytest
from scipy import stats

from ml_platform.errors import InsufficientData
from ml_platform.monitoring.drift.ks import clustered_ks, sorted_ks
from ml_platform.monitoring.weeks import MANY


def test_by_hand() -> None:
    # F1 steps 1/2 at 1 and 3; F2 steps 1/2 at 2 and 4: they differ by 1/2 on [1, 2) and [3, 4)
    assert sorted_ks(np.array([1.0, 3.0]), np.array([2.0, 4.0]))[0] == 0.5
    # all of one before all of the other
    assert sorted_ks(np.array([1.0, 2.0]), np.array([3.0]))[0] == 1.0
    # ties are one step: 0 in one half and in three quarters
    left, right = np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.0, 0.0, 0.0, 1.0])
    assert sorted_ks(left, right)[0] == 0.25


@pytest.mark.parametrize("kind", ["normal", "ties", "atoms", "unequal"])
def test_equals_scipy(kind: str) -> None:
    draw = np.random.default_rng(3)
    for shift in (0.0, 0.02, 0.5):
        left, right = draw.normal(size=30_000), draw.normal(shift, size=20_000)
        if kind == "ties":
            left, right = left.round(2), right.round(2)
        if kind == "atoms":
            left, right = np.maximum(left, 0.3), np.maximum(right, 0.3)
        if kind == "unequal":
            right = right[:37]
        expected = stats.ks_2samp(left, right, method="asymp")
        distance, p_value = sorted_ks(np.sort(left), np.sort(right))
        assert distance == pytest.approx(expected.statistic, abs=1e-12)
        assert p_value == pytest.approx(expected.pvalue, abs=1e-9)


def test_a_side_without_values_is_refused() -> None:
    with pytest.raises(InsufficientData, match="there are 2 and 0"):
        sorted_ks(np.array([1.0, 3.0]), np.array([]))
    with pytest.raises(InsufficientData, match="there are 0 and 2"):
        sorted_ks(np.array([]), np.array([1.0, 3.0]))


def test_a_few_values_have_smirnovs_p_value_of_one_at_least() -> None:
    # the effective size of 2 and 1 is 2/3: of one value a distance of 1/2 is certain
    assert sorted_ks(np.array([1.0, 3.0]), np.array([2.0])) == (0.5, 1.0)
    assert sorted_ks(np.array([1.0]), np.array([2.0])) == (1.0, 0.0)


@pytest.mark.parametrize("seed", range(4))
def test_the_distance_is_the_same_from_either_side(seed: int) -> None:
    draw = np.random.default_rng(seed)
    left = np.sort(draw.normal(size=9_000))
    right = np.sort(draw.normal(scale=1.2, size=7_001))
    expected = stats.ks_2samp(left, right, method="asymp").statistic
    assert sorted_ks(left, right)[0] == pytest.approx(expected, abs=1e-12)
    assert sorted_ks(right, left)[0] == pytest.approx(expected, abs=1e-12)


def test_clustered_is_the_simulated_bridge_for_independent_rows() -> None:
    # multinomial covariance over 400 equal bins: the limit is Kolmogorov's, P(sup > 1.3581) = .05
    bins, rows = 400, 10_000
    shares = np.full(bins, 1 / bins)
    covariance = (np.diag(shares) - np.outer(shares, shares)) / rows
    gap = np.zeros(bins)
    gap[0], gap[-1] = 1.3581 / np.sqrt(rows), -1.3581 / np.sqrt(rows)
    distance, p_value = clustered_ks(gap, covariance, freedom=MANY, draws=20_000, seed=1)
    assert distance == pytest.approx(1.3581 / np.sqrt(rows))
    assert p_value == pytest.approx(0.05, abs=0.008)  # the grid of 400 loses a little


def test_clustered_tail_is_a_bound_and_not_the_number_of_draws() -> None:
    # one edge only: the p-value is that of a normal, 2 * Phi(-6) = 1.97e-9
    covariance = np.array([[1.0, -1.0], [-1.0, 1.0]]) * 1e-4
    distance, p_value = clustered_ks(
        np.array([0.06, -0.06]), covariance, freedom=MANY, draws=2_000, seed=1
    )
    assert distance == pytest.approx(0.06)
    assert p_value == pytest.approx(2 * stats.norm.sf(6), rel=1e-6)


def test_clustered_without_variation() -> None:
    nothing = np.zeros((2, 2))
    assert clustered_ks(np.zeros(2), nothing, freedom=MANY, draws=100, seed=1) == (0.0, 1.0)
    assert clustered_ks(np.array([0.2, -0.2]), nothing, freedom=MANY, draws=100, seed=1) == (
        0.2,
        0.0,
    )
    assert clustered_ks(np.zeros(1), nothing[:1, :1], freedom=MANY, draws=100, seed=1) == (0.0, 1.0)


@pytest.mark.parametrize("size", [0.02, 0.06])
def test_few_degrees_of_freedom_have_students_tails(size: float) -> None:
    covariance = np.array([[1.0, -1.0], [-1.0, 1.0]]) * 1e-4
    gap = np.array([size, -size])
    _, p_value = clustered_ks(gap, covariance, freedom=8.0, draws=20_000, seed=1)
    assert p_value == pytest.approx(2 * stats.t.sf(size * 100, 8), rel=0.1)


def test_edges_that_never_move_are_no_evidence_either_way() -> None:
    # the first edge has no variance, the second one a standard deviation of .01: 6 of them
    covariance = np.array([[0.0, 0.0, 0.0], [0.0, 1.0, -1.0], [0.0, -1.0, 1.0]]) * 1e-4
    gap = np.array([0.0, 0.06, -0.06])
    _, p_value = clustered_ks(gap, covariance, freedom=MANY, draws=2_000, seed=1)
    assert p_value == pytest.approx(2 * stats.norm.sf(6), rel=1e-6)


def test_the_share_of_simulated_suprema_is_never_nothing() -> None:
    # with a thousand draws and 3.1 standard deviations (p = .0019) few draws exceed: the bound is taken
    covariance = np.array([[1.0, -1.0], [-1.0, 1.0]]) * 1e-4
    gap = np.array([0.031, -0.031])
    _, p_value = clustered_ks(gap, covariance, freedom=MANY, draws=1_000, seed=1)
    assert 1 / 1_001 <= p_value <= 2 * stats.norm.sf(3.1) * 1.001


def test_draws_of_the_scale_do_not_repeat_those_of_the_paths() -> None:
    # Student's t with 4 degrees of freedom at its 5 % point, 2.776: by draws, not by the bound
    covariance = np.array([[1.0, -1.0], [-1.0, 1.0]]) * 1e-4
    gap = np.array([0.02776, -0.02776])
    p_values = [
        clustered_ks(gap, covariance, freedom=4.0, draws=4_000, seed=seed)[1] for seed in range(8)
    ]
    assert np.mean(p_values) == pytest.approx(0.05, abs=0.004)


def test_the_distance_is_over_cumulated_shares_with_their_cumulated_variances() -> None:
    # independent increments: variances .0001 and .0002 at the edges, gaps .06 and .08 there
    covariance = np.array([[1.0, 0.0, -1.0], [0.0, 1.0, -1.0], [-1.0, -1.0, 2.0]]) * 1e-4
    distance, p_value = clustered_ks(
        np.array([0.06, 0.02, -0.08]), covariance, freedom=MANY, draws=2_000, seed=1
    )
    assert distance == pytest.approx(0.08)
    bound = 2 * (stats.norm.sf(8) + stats.norm.sf(8 / np.sqrt(2)))
    assert p_value == pytest.approx(bound, rel=1e-3)
    # by simulation, at 1.96 deviations of the second edge: more than its own 5 %, less than both edges' sum
    size = 1.96 * np.sqrt(2e-4)
    _, p_value = clustered_ks(
        np.array([0.0, size, -size]), covariance, freedom=MANY, draws=20_000, seed=1
    )
    assert 0.05 < p_value < 0.05 + 2 * stats.norm.sf(1.96 * np.sqrt(2))


def test_a_simulated_p_value_counts_the_observed_distance_among_the_draws() -> None:
    # of 100 draws k exceed: (1 + k) / 101, about .32 at one standard deviation
    covariance = np.array([[1.0, -1.0], [-1.0, 1.0]]) * 1e-4
    _, p_value = clustered_ks(np.array([0.01, -0.01]), covariance, freedom=MANY, draws=100, seed=1)
    assert p_value * 101 == pytest.approx(round(p_value * 101))
    assert p_value == pytest.approx(2 * stats.norm.sf(1), abs=0.15)
