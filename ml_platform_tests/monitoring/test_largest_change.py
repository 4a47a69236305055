import numpy as np
import pytest
from scipy import stats

from ml_platform.monitoring.drift.chi_squared import clustered_chi_squared
from ml_platform.monitoring.drift.largest_change import clustered_largest_change
from ml_platform.monitoring.weeks import MANY


def test_by_hand() -> None:
    # the second level has changed most, by two of its standard errors of .05; three levels vary
    change, p_value = clustered_largest_change(
        np.array([0.04, -0.1, 0.06]), np.diag([0.01, 0.0025, 0.01]), freedom=MANY
    )
    assert change == -0.1
    assert p_value == pytest.approx(3 * 2 * stats.norm.sf(2), rel=1e-4)


def test_few_weeks_have_students_tails_and_what_does_not_vary_says_nothing() -> None:
    gap, covariance = np.array([0.1, -0.1]), np.diag([0.0004, 0.0004])
    few = clustered_largest_change(gap, covariance, freedom=4.0)[1]
    assert few == pytest.approx(2 * 2 * stats.t.sf(5, 4))
    assert clustered_largest_change(np.zeros(2), covariance, freedom=MANY) == (0.0, 1.0)
    assert clustered_largest_change(gap, np.zeros((2, 2)), freedom=MANY)[1] == 1.0


def test_mass_on_one_level_is_found_among_restless_ones() -> None:
    gap = np.full(20, -0.008)
    gap[-1] = 0.152
    covariance = np.diag(np.append(np.full(19, 0.03**2), 0.02**2))
    pooled = np.full(20, 0.05)
    drowned = clustered_chi_squared(gap, covariance, pooled, freedom=MANY)[1]
    assert clustered_largest_change(gap, covariance, freedom=MANY)[1] < 1e-6 < drowned
