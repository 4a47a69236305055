import numpy as np
import pytest
from scipy import stats

from ml_platform.monitoring.distribution import clustered_shares
from ml_platform.monitoring.drift.ks import clustered_ks
from ml_platform.monitoring.drift.rank_shift import clustered_rank_shift
from ml_platform.monitoring.weeks import MANY

Floats = np.ndarray


def sides(left: Floats, right: Floats) -> tuple[Floats, Floats, Floats]:
    """Difference, covariance and pooled shares of two counts of independent rows."""
    n, m = left.sum(), right.sum()
    pooled = (left + right) / (n + m)
    covariance = (np.diag(pooled) - np.outer(pooled, pooled)) * (1 / n + 1 / m)
    return right / m - left / n, covariance, pooled


def test_by_hand() -> None:
    # ranks .25 and .75 of two bins with half of the values each; .2 of the mass goes up by half: .2 * .5 = .1
    shift, _ = clustered_rank_shift(
        np.array([-0.2, 0.2]), np.eye(2), np.array([0.5, 0.5]), freedom=MANY
    )
    assert shift == pytest.approx(0.1)


def test_equals_the_rank_sum_test_with_ties_when_rows_are_independent() -> None:
    left, right = np.array([40.0, 50.0, 60.0, 50.0]), np.array([30.0, 40.0, 70.0, 60.0])
    values = np.arange(4)
    known = stats.mannwhitneyu(
        np.repeat(values, right.astype(int)),
        np.repeat(values, left.astype(int)),
        use_continuity=False,
        method="asymptotic",
    )
    shift, p_value = clustered_rank_shift(*sides(left, right), freedom=MANY)
    assert shift == pytest.approx(known.statistic / (200 * 200) - 0.5)
    assert p_value == pytest.approx(known.pvalue, rel=0.01)


def test_it_is_silent_where_a_distribution_widens_and_where_nothing_varies() -> None:
    wider = sides(np.array([20.0, 60.0, 20.0]), np.array([40.0, 20.0, 40.0]))
    assert clustered_rank_shift(*wider, freedom=MANY)[1] == pytest.approx(1.0)
    assert clustered_rank_shift(np.zeros(3), np.eye(3), np.ones(3) / 3, freedom=MANY) == (0.0, 1.0)
    assert (
        clustered_rank_shift(np.array([0.1, -0.1]), np.zeros((2, 2)), np.ones(2) / 2, freedom=MANY)[
            1
        ]
        == 1.0
    )


def test_among_users_it_keeps_its_level_and_finds_more_than_the_supremum() -> None:
    draw = np.random.default_rng(11)
    cuts, windows, quiet, found, by_distance = np.linspace(-2, 2, 19), 200, 0, 0, 0
    for number in range(2 * windows):
        moved = number % 2
        measured = []
        for side in range(2):
            users = draw.normal(0, 1, 60)
            values = (
                users[np.repeat(np.arange(60), 20)] + draw.normal(size=1200) + 0.6 * moved * side
            )
            codes = np.searchsorted(cuts, values).astype(np.int64)
            measured.append(clustered_shares(codes, np.repeat(np.arange(60), 20), 20))
        left, right = measured
        gap, covariance = right.shares - left.shares, left.covariance + right.covariance
        pooled = (left.shares + right.shares) / 2
        p_value = clustered_rank_shift(gap, covariance, pooled, freedom=MANY)[1]
        if moved:
            found += p_value < 0.01
            _, of_distance = clustered_ks(gap, covariance, freedom=MANY, draws=400, seed=1)
            by_distance += of_distance < 0.01
        else:
            quiet += p_value < 0.05
    assert quiet <= stats.binom.ppf(0.995, windows, 0.06)
    assert found > by_distance
