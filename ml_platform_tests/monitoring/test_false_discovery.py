import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ml_platform.monitoring.drift.false_discovery import (
    benjamini_hochberg,
    weighted_benjamini_hochberg,
    weights_by_noise,
)


def test_by_hand() -> None:
    # sorted .01 .02 .03 .5 times 4/1 4/2 4/3 4/4: .04 .04 .04 .5
    assert benjamini_hochberg([0.5, 0.01, 0.03, 0.02]) == pytest.approx((0.5, 0.04, 0.04, 0.04))
    assert benjamini_hochberg([]) == ()


def test_equals_scipy() -> None:
    p_values = np.random.default_rng(1).random(50) ** 3
    assert benjamini_hochberg(list(p_values)) == pytest.approx(
        stats.false_discovery_control(p_values)
    )


def test_weights_by_hand() -> None:
    # .03 / 1.5 = .02 and .01 / .5 = .02, both times 2 / 2; .03 is not made smaller than it is
    assert weighted_benjamini_hochberg([0.03, 0.01], [1.5, 0.5]) == (0.03, 0.02)
    assert weighted_benjamini_hochberg([0.9, 0.01], [0.5, 1.5]) == (1.0, pytest.approx(0.04 / 3))
    assert weighted_benjamini_hochberg([], []) == ()


@given(st.lists(st.floats(0, 10), min_size=1, max_size=40))
def test_weights_share_out_the_whole_rate(noise: list[float]) -> None:
    weights = weights_by_noise(noise, effect=0.175, alpha=0.02)
    assert np.mean(weights) == pytest.approx(1.0)
    assert min(weights) >= 0.2


@pytest.mark.parametrize("noise", [0.0, 0.04, 3.0])
def test_of_equal_noise_the_shares_are_equal(noise: float) -> None:
    assert weights_by_noise([noise], effect=0.175, alpha=0.02) == (1.0,)
    assert weights_by_noise([noise] * 7, effect=0.175, alpha=0.02) == pytest.approx([1.0] * 7)


def test_who_is_uncertain_gets_more_and_who_is_hopeless_does_not() -> None:
    certain, uncertain, hopeless = weights_by_noise([0.005, 0.05, 2.0], effect=0.175, alpha=0.02)
    assert uncertain > 2.0
    assert certain == pytest.approx(0.2)
    assert hopeless < 0.3
    assert weights_by_noise([], effect=0.175, alpha=0.02) == ()


def test_no_other_weights_find_more() -> None:
    """The expected number of effects found, each of one sign, against weights drawn at random."""
    noise = np.array([0.01, 0.03, 0.045, 0.06, 0.09, 0.4])
    effect, alpha = 0.175, 0.02

    def found(weights: np.ndarray) -> float:
        limits = stats.norm.isf(np.clip(weights * alpha / noise.size, 0.0, 1.0))
        return float(stats.norm.sf(limits - effect / noise).sum())

    best = (np.array(weights_by_noise(noise.tolist(), effect=effect, alpha=alpha)) - 0.2) / 0.8
    others = noise.size * np.random.default_rng(5).dirichlet(np.ones(noise.size), 5_000)
    assert found(best) > max(found(other) for other in others) - 1e-9
    assert found(best) > found(np.ones(noise.size)) + 0.1


def test_quiet_reports_stay_quiet_at_the_rate() -> None:
    """Under the null, of 4,000 reports of twelve tests, the share with a discovery is the rate, 2 % at most."""
    draw = np.random.default_rng(9)
    noise = np.geomspace(0.005, 0.2, 12)
    weights = weights_by_noise(noise.tolist(), effect=0.175, alpha=0.02)
    p_values = draw.random((4_000, noise.size))
    flagged = sum(min(weighted_benjamini_hochberg(row, weights)) <= 0.02 for row in p_values)
    assert stats.binom.sf(flagged - 1, len(p_values), 0.02) > 0.01
