import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from ml_platform.monitoring.drift.jensen_shannon import jensen_shannon


def test_equal_and_disjoint_distributions() -> None:
    shares = np.array([0.2, 0.3, 0.5])
    assert jensen_shannon(shares, 10 * shares) == 0.0
    assert jensen_shannon(np.array([1.0, 0.0]), np.array([0.0, 5.0])) == pytest.approx(1.0)


def test_nothing_on_a_side_is_nothing_to_compare() -> None:
    assert jensen_shannon(np.zeros(3), np.array([1.0, 2.0, 3.0])) == 0.0


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_distance_of_scipy_to_base_two(seed: int) -> None:
    draw = np.random.default_rng(seed)
    p, q = draw.integers(0, 50, 12).astype(float), draw.integers(1, 50, 12).astype(float)
    assert jensen_shannon(p, q) == pytest.approx(jensenshannon(p, q, base=2), rel=1e-12)
