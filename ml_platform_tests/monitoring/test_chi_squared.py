import numpy as np
import pytest
from scipy import stats

from ml_platform.errors import InsufficientData
from ml_platform.monitoring.distribution import clustered_shares
from ml_platform.monitoring.drift.chi_squared import clustered_chi_squared, two_sample_chi_squared
from ml_platform.monitoring.weeks import MANY


def test_by_hand() -> None:
    # 10 and 10 against 15 and 5: expected 12.5 and 7.5 a side, 2 * (2.5^2/12.5 + 2.5^2/7.5) = 8/3
    statistic, _ = two_sample_chi_squared(np.array([10.0, 10.0]), np.array([15.0, 5.0]))
    assert statistic == pytest.approx(8 / 3)


def test_equals_scipy_and_leaves_out_empty_levels() -> None:
    draw = np.random.default_rng(1)
    for _ in range(10):
        left, right = draw.integers(1, 50, 6), draw.integers(1, 90, 6)
        left[3] = right[3] = 0
        seen = np.array([0, 1, 2, 4, 5])
        expected = stats.chi2_contingency(np.array([left[seen], right[seen]]), correction=False)
        statistic, p_value = two_sample_chi_squared(left.astype(float), right.astype(float))
        assert statistic == pytest.approx(expected.statistic)
        assert p_value == pytest.approx(expected.pvalue)


def test_clustered_equals_the_plain_test_when_rows_are_independent() -> None:
    left, right = np.array([40.0, 50.0, 110.0]), np.array([60.0, 70.0, 70.0])
    n, m = left.sum(), right.sum()
    pooled = (left + right) / (n + m)
    covariance = (np.diag(pooled) - np.outer(pooled, pooled)) * (1 / n + 1 / m)
    clustered = clustered_chi_squared(right / m - left / n, covariance, pooled, freedom=MANY)
    assert clustered == pytest.approx(two_sample_chi_squared(left, right), rel=1e-4)


def test_level_holds_for_clusters_where_the_plain_test_does_not() -> None:
    draw = np.random.default_rng(5)
    plain = corrected = 0
    windows = 300
    for _ in range(windows):
        sides = []
        for _ in range(2):
            taste = draw.dirichlet(np.ones(5), size=150).cumsum(axis=1)
            clusters = np.repeat(np.arange(150), 10)
            codes = (draw.random((1500, 1)) > taste[clusters]).sum(axis=1).astype(np.int64)
            sides.append(clustered_shares(codes, clusters, 5))
        left, right = sides
        plain += two_sample_chi_squared(left.shares * 1500, right.shares * 1500)[1] < 0.05
        corrected += (
            clustered_chi_squared(
                right.shares - left.shares,
                left.covariance + right.covariance,
                (left.shares + right.shares) / 2,
                freedom=MANY,
            )[1]
            < 0.05
        )
    assert plain / windows > 0.3
    assert stats.binomtest(corrected, windows, 0.05).pvalue > 0.01


def test_nothing_to_compare() -> None:
    with pytest.raises(InsufficientData, match="there are 5 and 0"):
        two_sample_chi_squared(np.array([5.0, 0.0]), np.zeros(2))
    assert two_sample_chi_squared(np.array([5.0, 0.0]), np.array([9.0, 0.0])) == (0.0, 1.0)
    one = clustered_chi_squared(np.zeros(2), np.zeros((2, 2)), np.array([1.0, 0.0]), freedom=MANY)
    assert one == (0.0, 1.0)


def test_few_degrees_of_freedom_give_the_f_distribution() -> None:
    # two bins: the square of Student's t
    covariance = np.array([[1.0, -1.0], [-1.0, 1.0]]) * 1e-4
    gap, pooled = np.array([0.03, -0.03]), np.array([0.5, 0.5])
    _, p_value = clustered_chi_squared(gap, covariance, pooled, freedom=8.0)
    assert p_value == pytest.approx(2 * stats.t.sf(3, 8))


def test_without_any_variance_every_change_is_certain_and_none_is_none() -> None:
    pooled, none = np.array([0.5, 0.5]), np.zeros((2, 2))
    statistic, p_value = clustered_chi_squared(np.array([0.1, -0.1]), none, pooled, freedom=5.0)
    assert (statistic, p_value) == (pytest.approx(0.04), 0.0)
    assert clustered_chi_squared(np.zeros(2), none, pooled, freedom=5.0) == (0.0, 1.0)
    some = np.array([[1.0, -1.0], [-1.0, 1.0]]) * 1e-4
    assert clustered_chi_squared(np.zeros(2), some, pooled, freedom=5.0) == (0.0, 1.0)
