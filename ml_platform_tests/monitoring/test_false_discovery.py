import numpy as np
import pytest
from scipy import stats

from ml_platform.monitoring.drift.false_discovery import benjamini_hochberg


def test_by_hand() -> None:
    # sorted .01 .02 .03 .5 times 4/1 4/2 4/3 4/4: .04 .04 .04 .5
    assert benjamini_hochberg([0.5, 0.01, 0.03, 0.02]) == pytest.approx((0.5, 0.04, 0.04, 0.04))
    assert benjamini_hochberg([]) == ()


def test_equals_scipy() -> None:
    p_values = np.random.default_rng(1).random(50) ** 3
    assert benjamini_hochberg(list(p_values)) == pytest.approx(
        stats.false_discovery_control(p_values)
    )
