"""What is expected of units: by hand, and against the truth of simulated ones."""

import numpy as np
import pytest

from ml_platform.sequential.history import equal_units, expected_means, expected_rates


def test_rates_by_hand() -> None:
    # 12 of 40 is .3; (0 - 3)^2 + (9 - 6)^2 + (3 - 3)^2 - 12 = 6 over 10^2 + 20^2 + 10^2 = 600: a variance of .01
    # between units, so that the prior is worth .3 / .01 = 30 answers with 9 events
    expected = expected_rates(np.array([0.0, 9.0, 3.0]), np.array([10.0, 20.0, 10.0]))
    assert expected.overall == pytest.approx(0.3)
    assert expected.values.tolist() == pytest.approx([9 / 40, 18 / 50, 12 / 40])
    variance = (10 * 0.225 / 40 + 20 * 0.36 / 50 + 10 * 0.3 / 40) / 40
    assert expected.variance == pytest.approx(variance)
    assert expected.unlikeness == pytest.approx(variance / 0.09)


def test_means_by_hand() -> None:
    # two units of four: 1 1 1 0 and 0 0 0 1; within: 3 - 9/4 + 1 - 1/4 = 1.5 over 6 is .25;
    # the spread is (3 - 2)^2 + (1 - 2)^2 - .25 * 8 = 0: no unit differs more than by chance
    sums, answers = np.array([3.0, 1.0]), np.array([4.0, 4.0])
    alike = expected_means(sums, sums, answers)
    assert alike.values.tolist() == [0.5, 0.5]
    assert alike.variance == 0.0
    # four of four and none of four: within 0, so every unit is known
    sure = expected_means(np.array([4.0, 0.0]), np.array([4.0, 0.0]), answers)
    assert sure.values.tolist() == [1.0, 0.0]


@pytest.mark.parametrize("answers", [20, 500])
def test_the_distance_that_is_left_is_the_true_one(answers: int) -> None:
    random = np.random.default_rng(20261126)
    rates = random.gamma(2.0, 0.01, size=4_000)
    counts = np.full(4_000, float(answers))
    expected = expected_rates(random.poisson(rates * answers).astype(float), counts)
    assert expected.variance == pytest.approx(((expected.values - rates) ** 2).mean(), rel=0.15)
    means = random.normal(0.8, 0.08, size=4_000)
    noise = random.normal(0.0, 0.4, size=(4_000, answers)) + means[:, None]
    of_means = expected_means(noise.sum(axis=1), (noise**2).sum(axis=1), counts)
    assert of_means.variance == pytest.approx(((of_means.values - means) ** 2).mean(), rel=0.15)
    assert of_means.variance < 0.08**2


def test_units_of_which_nothing_is_known_are_taken_for_all() -> None:
    expected = expected_rates(np.array([0.0, 5.0, 9.0, 0.0]), np.array([0.0, 100.0, 10.0, 100.0]))
    assert expected.values[0] == pytest.approx(14 / 210)
    assert expected_rates(np.zeros(3), np.zeros(3)).values.tolist() == [0.0, 0.0, 0.0]
    assert expected_means(np.zeros(3), np.zeros(3), np.zeros(3)).values.tolist() == [0.0, 0.0, 0.0]
    assert expected_rates(np.zeros(3), np.ones(3)).unlikeness == 0.0


def test_units_are_counted_as_if_all_answered_equally_often() -> None:
    assert equal_units(np.array([5.0, 5.0, 5.0])) == pytest.approx(3)
    assert equal_units(np.array([100.0, 1.0])) == pytest.approx(101**2 / 10_001)
    assert equal_units(np.zeros(2)) == 0.0
