"""The change point of trailing windows: where it is, how often it is seen where there is none."""

import numpy as np
import pytest
from scipy.stats import ttest_ind

from ml_platform.errors import InsufficientData
from ml_platform.monitoring.incidents.change_point import change_point


def trailing(steps: np.ndarray) -> np.ndarray:
    """Means over 28 steps each."""
    return np.convolve(steps, np.ones(28) / 28, "valid")


def test_of_independent_values_it_is_the_largest_two_sample_t() -> None:
    generator = np.random.default_rng(3)
    values = generator.normal(size=40) + np.where(np.arange(40) < 25, 0.0, 2.0)
    found = change_point(values, overlap=1)
    largest = max(range(2, 39), key=lambda place: abs(t_of(values, place)))
    assert found.place == largest
    assert found.change == pytest.approx(values[largest:].mean() - values[:largest].mean())
    assert found.p_value < 0.001


def t_of(values: np.ndarray, place: int) -> float:
    return float(ttest_ind(values[place:], values[:place]).statistic)


def test_a_ramp_without_noise_is_dated_to_its_first_step() -> None:
    steps = np.r_[np.zeros(27 + 30), np.full(40, 0.28)]
    found = change_point(trailing(steps))
    assert found.place == 30
    assert found.change == pytest.approx(0.28)
    assert found.p_value < 0.001


def test_what_does_not_change_is_rarely_said_to_have_changed() -> None:
    generator = np.random.default_rng(1)
    series = [trailing(generator.normal(size=60 + 27)) for _ in range(300)]
    p_values = np.array([change_point(values).p_value for values in series])
    assert np.mean(p_values < 0.05) < 0.08, "three standard errors above 5 % are 8.8 %"
    assert 0.4 < np.median(p_values) < 0.6


def test_a_step_of_the_events_is_dated_within_a_day_and_a_half() -> None:
    generator = np.random.default_rng(2)
    errors = []
    for _ in range(100):
        steps = generator.normal(size=80 + 27)
        steps[27 + 40 :] += 1.5
        found = change_point(trailing(steps))
        assert found.p_value < 0.05
        errors.append(abs(found.place - 40))
    assert np.quantile(errors, 0.9) <= 6


def test_a_constant_series_has_no_change_and_a_short_one_is_not_searched() -> None:
    assert change_point([0.3] * 30).p_value == 1.0
    with pytest.raises(InsufficientData, match="7 windows are too few"):
        change_point([0.1] * 7)
