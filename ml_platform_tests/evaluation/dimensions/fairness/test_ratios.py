"""The ratio of the smallest to the largest selection rate: its bounds by Fieller, whichever group is lower."""

import numpy as np
import pytest

from ml_platform.evaluation.dimensions.fairness.comparisons import (
    smallest_ratio,
)
from ml_platform.evaluation.tasks.group_metrics import (
    SELECTION,
    Rate,
)
from ml_platform_tests.evaluation.dimensions.fairness.people import POLICY, decision, sums_of, teams


def test_nobody_selected_in_a_group_is_a_ratio_of_zero_with_an_interval() -> None:
    names = ["a"] * 100 + ["b"] * 100
    decided = decision(np.array([0.0] * 100 + [1.0, 0] * 50), np.ones(200, dtype=bool))
    measure = smallest_ratio(sums_of(decided.rates(), teams(names)), SELECTION, POLICY)
    assert measure is not None
    assert measure.estimate.value == 0
    assert 0 < measure.estimate.high < 0.8


def _selected(of_first: tuple[int, int], of_second: tuple[int, int], names: tuple[str, str]):
    """Two groups, each (selected, all), and the ratio of their selection rates."""
    chosen = [1.0] * of_first[0] + [0.0] * (of_first[1] - of_first[0])
    chosen += [1.0] * of_second[0] + [0.0] * (of_second[1] - of_second[0])
    who = [names[0]] * of_first[1] + [names[1]] * of_second[1]
    rate = Rate(SELECTION, np.array(chosen), np.ones(len(chosen)))
    measure = smallest_ratio(sums_of((rate,), teams(who), resamples=2_000), SELECTION, POLICY)
    assert measure is not None
    return measure


def _fieller(p: float, n: int, q: float, m: int) -> tuple[float, float]:
    """The ratios r for which |p - r q| <= 1.96 sqrt(p (1 - p) / n + r^2 q (1 - q) / m), searched for."""
    ratios = np.linspace(0.0, 1.0, 100_001)
    error = np.sqrt(p * (1 - p) / n + ratios**2 * q * (1 - q) / m)
    inside = ratios[np.abs(p - ratios * q) <= 1.96 * error]
    return float(inside.min()), float(inside.max())


@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")], ids=["lower first", "lower last"])
@pytest.mark.parametrize(
    ("fewer", "more"),
    [((120, 2_000), (150, 300)), ((60, 300), (900, 2_000)), ((30, 300), (40, 90))],
)
def test_the_bounds_of_a_ratio_are_fiellers_whichever_group_comes_first(names, fewer, more) -> None:
    estimate = _selected(fewer, more, names).estimate
    p, q = fewer[0] / fewer[1], more[0] / more[1]
    low, high = _fieller(p, fewer[1], q, more[1])
    assert estimate.value == pytest.approx(p / q)
    assert estimate.low == pytest.approx(low, abs=0.12 * (high - low))
    assert estimate.high == pytest.approx(high, abs=0.12 * (high - low))


def test_groups_in_which_nobody_is_selected_are_equal_and_nothing_is_shown() -> None:
    measure = _selected((0, 100), (0, 100), ("a", "b"))
    assert (measure.estimate.value, measure.estimate.high) == (1.0, 1.0)
    assert measure.estimate.low == 0.0


def test_a_ratio_that_may_go_either_way_reaches_one_and_below_by_either_group() -> None:
    """52 of 100 against 50 of 100: the upper bound is 1, the lower one far below the value."""
    estimate = _selected((52, 100), (50, 100), ("a", "b")).estimate
    assert estimate.value == pytest.approx(50 / 52)
    assert estimate.high == 1.0
    low, _ = _fieller(0.5, 100, 0.52, 100)
    assert estimate.low == pytest.approx(low, abs=0.04)


def test_a_ratio_whose_higher_rate_is_uncertain_reaches_as_low_as_its_inverse() -> None:
    """4,990 of 10,000 against 30 of 60: the second may be the lower one, by (.5 - 1.96 * .0645) / .499."""
    estimate = _selected((4_990, 10_000), (30, 60), ("a", "b")).estimate
    low, _ = _fieller(0.499, 10_000, 0.5, 60)
    inverse, _ = _fieller(0.5, 60, 0.499, 10_000)
    assert inverse < low - 0.04
    assert estimate.low == pytest.approx(inverse, abs=0.03)


def test_a_small_group_that_may_be_worst_lowers_the_bound_though_another_has_the_worst_value() -> (
    None
):
    """b is at .8 of a, for certain; c, of 25 rows, at .88, and may be at half."""
    names = ["a"] * 5_000 + ["b"] * 5_000 + ["c"] * 25
    chosen = [1.0] * 2_500 + [0.0] * 2_500 + [1.0] * 2_000 + [0.0] * 3_000
    rate = Rate(SELECTION, np.array(chosen + [1.0] * 11 + [0.0] * 14), np.ones(10_025))
    measure = smallest_ratio(sums_of((rate,), teams(names)), SELECTION, POLICY)
    assert measure is not None
    assert measure.estimate.value == pytest.approx(0.8)
    assert measure.compared[0].low > 0.7
    assert measure.estimate.low < 0.6


def test_users_with_rows_in_both_groups_make_a_ratio_surer() -> None:
    """Each user's fate is the same in both groups: the rates move together, so their ratio hardly does."""
    fate = (np.random.default_rng(3).random(200) < 0.5).astype(float)
    names = ["a"] * 200 + ["b"] * 200
    rate = Rate(SELECTION, np.concatenate([fate, fate]), np.ones(400))
    users = np.tile(np.arange(200), 2)
    together = smallest_ratio(sums_of((rate,), teams(names), users), SELECTION, POLICY)
    apart = smallest_ratio(sums_of((rate,), teams(names)), SELECTION, POLICY)
    assert together is not None
    assert apart is not None
    assert together.estimate.value == apart.estimate.value == 1.0
    assert together.estimate.low > 0.9
    assert apart.estimate.low < 0.85


def test_few_users_are_less_sure_than_the_normal_distribution_says() -> None:
    """20 users a group: Student's t with 19 degrees of freedom, 2.09 (times sqrt(20 / 19)), not 1.96."""
    names = ["a"] * 20 + ["b"] * 20
    chosen = np.array(([1.0] * 5 + [0.0] * 15) + ([1.0] * 12 + [0.0] * 8))
    sums = sums_of((Rate(SELECTION, chosen, np.ones(40)),), teams(names), resamples=4_000)
    few = smallest_ratio(sums, SELECTION, POLICY)
    assert few is not None
    _, normal = _fieller(0.25, 20, 0.6, 20)
    assert few.estimate.high > normal + 0.03
