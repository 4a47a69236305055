import pytest
from scipy import stats

from ml_platform.monitoring.drift.missingness import missingness


def test_by_hand() -> None:
    # .1 to .16 with standard deviations .012 and .016, together .02: three of them
    change, p_value = missingness(0.10, 0.16, 0.012**2 + 0.016**2, freedom=1e6)
    assert change == pytest.approx(0.06)
    assert p_value == pytest.approx(2 * stats.norm.sf(3), rel=1e-4)
    _, few = missingness(0.10, 0.16, 0.02**2, freedom=5.0)
    assert few == pytest.approx(2 * stats.t.sf(3, 5))


def test_without_variation() -> None:
    assert missingness(0.0, 0.0, 0.0, freedom=5.0) == (0.0, 1.0)
    assert missingness(0.0, 1.0, 0.0, freedom=5.0) == (1.0, 0.0)
