"""Which groups are compared with which: within a grouping, and only where rows and users are enough."""

import numpy as np
import pytest

from ml_platform.evaluation.dimensions.fairness.comparisons import (
    gap_to_the_rest,
    largest_difference,
)
from ml_platform.evaluation.dimensions.fairness.groups import grouping_of
from ml_platform.evaluation.tasks.group_metrics import (
    ERROR,
    FALSE_POSITIVE,
    TRUE_POSITIVE,
    Rate,
)
from ml_platform_tests.evaluation.dimensions.fairness.people import POLICY, decision, sums_of, teams


def test_a_small_group_is_in_no_measure_but_in_the_rest() -> None:
    names = ["a"] * 50 + ["b"] * 50 + ["tiny"] * 10
    wrong = np.array([0.0] * 100 + [1.0] * 10)
    sums = sums_of((Rate(ERROR, wrong, np.ones(110)),), teams(names))
    measure = gap_to_the_rest(sums, (ERROR,), POLICY)
    assert measure is not None
    assert {c.group for c in measure.compared} == {"a", "b"}
    assert measure.estimate.value == pytest.approx(10 / 60)
    assert sums.values(ERROR).tolist() == [0.0, 0.0, 1.0]


def test_many_rows_of_few_users_are_too_little() -> None:
    names = ["a"] * 500 + ["b"] * 500
    users = np.concatenate([np.arange(500) % 10, 10 + np.arange(500) % 10])
    sums = sums_of((Rate(ERROR, np.zeros(1000), np.ones(1000)),), teams(names), users)
    assert sums.large.tolist() == []
    assert gap_to_the_rest(sums, (ERROR,), POLICY) is None


def test_groups_are_compared_within_their_grouping_alone() -> None:
    generator = np.random.default_rng(5)
    team = [f"team-{i % 3}" for i in range(600)]
    region = [("emea", "apac")[i % 2] for i in range(600)]
    rate = Rate(ERROR, (generator.random(600) < 0.3).astype(float), np.ones(600))
    sums = sums_of((rate,), (grouping_of("team", team), grouping_of("region", region)))
    measure = largest_difference(sums, (ERROR,), POLICY)
    assert measure is not None
    pairs = {(c.grouping, *sorted((c.group, c.against))) for c in measure.compared}
    assert pairs == {
        ("team", "team-0", "team-1"),
        ("team", "team-0", "team-2"),
        ("team", "team-1", "team-2"),
        ("region", "apac", "emea"),
    }


def test_a_group_whose_rest_is_small_is_compared_with_nothing() -> None:
    names = ["a"] * 100 + ["b"] * 10
    rate = Rate(ERROR, np.array([0.0, 1.0] * 55), np.ones(110))
    assert gap_to_the_rest(sums_of((rate,), teams(names)), (ERROR,), POLICY) is None
    enough = Rate(ERROR, np.array([0.0, 1.0] * 60), np.ones(120))
    measure = gap_to_the_rest(sums_of((enough,), teams(["a"] * 100 + ["b"] * 20)), (ERROR,), POLICY)
    assert measure is not None
    assert {(c.group, c.against) for c in measure.compared} == {
        ("a", "the rest"),
        ("b", "the rest"),
    }


@pytest.mark.parametrize(("counted", "users"), [(19, 100), (100, 19)], ids=["rows", "users"])
def test_a_rate_over_too_few_rows_or_users_is_no_evidence(counted: int, users: int) -> None:
    """Both groups have 100 rows of 100 users, but in b the rate is over fewer of one or the other."""
    names = ["a"] * 100 + ["b"] * 100
    inside = np.ones(200)
    inside[100 + counted :] = 0.0
    who = np.arange(200)
    who[100:200] = 100 + np.arange(100) % users
    if users < 100:  # the other users of b have rows that the rate does not count
        names, inside = names + ["b"] * 100, np.concatenate([inside, np.zeros(100)])
        who = np.concatenate([who, 500 + np.arange(100)])
    rate = Rate(ERROR, inside * (np.arange(len(inside)) % 2), inside)
    sums = sums_of((rate,), teams(names), who)
    assert len(sums.large) == 2
    assert largest_difference(sums, (ERROR,), POLICY) is None
    assert gap_to_the_rest(sums, (ERROR,), POLICY) is None


def test_odds_need_both_rates_to_be_comparable() -> None:
    """Positives are in a alone: true positives cannot be compared, so neither can the odds."""
    names = ["a"] * 100 + ["b"] * 100
    positive = np.array([True, False] * 50 + [False] * 100)
    decided = decision(np.random.default_rng(6).random(200), positive)
    sums = sums_of(decided.rates(), teams(names))
    assert largest_difference(sums, (FALSE_POSITIVE,), POLICY) is not None
    assert largest_difference(sums, (TRUE_POSITIVE, FALSE_POSITIVE), POLICY) is None
    assert largest_difference(sums, (FALSE_POSITIVE, TRUE_POSITIVE), POLICY) is None
