"""Values against fairlearn, known tables by hand, and what the intervals of the worst comparison promise."""

import numpy as np
import pytest

from ml_platform.evaluation.dimensions.fairness.comparisons import (
    gap_to_the_rest,
    largest_difference,
    smallest_ratio,
)
from ml_platform.evaluation.dimensions.fairness.group_statistics import units_of
from ml_platform.evaluation.dimensions.fairness.groups import grouping_of
from ml_platform.evaluation.tasks.group_metrics import (
    ERROR,
    FALSE_POSITIVE,
    SELECTION,
    TRUE_POSITIVE,
    Rate,
)
from ml_platform.spec.fairness import FairnessPolicy
from ml_platform_tests.evaluation.dimensions.fairness.people import POLICY, decision, sums_of, teams

ADULT = {("Female", 1): 1769, ("Female", 0): 14423, ("Male", 1): 9918, ("Male", 0): 22732}
"""People of UCI Adult (both files) by sex and whether they earn more than 50,000 dollars."""
COMPAS = {
    # African-American, Caucasian: true and false positives, of those who did and did not reoffend.
    ("African-American", 1, 1): 1369,
    ("African-American", 1, 0): 532,
    ("African-American", 0, 1): 805,
    ("African-American", 0, 0): 990,
    ("Caucasian", 1, 1): 505,
    ("Caucasian", 1, 0): 461,
    ("Caucasian", 0, 1): 349,
    ("Caucasian", 0, 0): 1139,
}
"""ProPublica's table of two-year recidivism by race: (race, reoffended, scored medium or high)."""


def _random(seed: int, rows: int = 3_000, groups: int = 5):
    generator = np.random.default_rng(seed)
    names = [f"team-{i}" for i in generator.integers(0, groups, rows)]
    return names, decision(generator.random(rows), generator.random(rows) < 0.4)


@pytest.mark.parametrize("seed", range(5))
def test_values_are_fairlearns(seed: int) -> None:
    fairlearn = pytest.importorskip("fairlearn.metrics")
    names, decided = _random(seed)
    sums = sums_of(decided.rates(), teams(names))
    truth, chosen = decided.positive.astype(int), decided.selected.astype(int)
    columns = {"y_true": truth, "y_pred": chosen, "sensitive_features": names}
    ratio = smallest_ratio(sums, SELECTION, POLICY)
    opportunity = largest_difference(sums, (TRUE_POSITIVE,), POLICY)
    odds = largest_difference(sums, (TRUE_POSITIVE, FALSE_POSITIVE), POLICY)
    difference = largest_difference(sums, (SELECTION,), POLICY)
    for ours, theirs in (
        (ratio, fairlearn.demographic_parity_ratio(**columns)),
        (difference, fairlearn.demographic_parity_difference(**columns)),
        (opportunity, fairlearn.equal_opportunity_difference(**columns)),
        (odds, fairlearn.equalized_odds_difference(**columns)),
    ):
        assert ours is not None
        assert ours.estimate.value == pytest.approx(theirs, abs=1e-12)
        assert ours.estimate.low <= ours.estimate.value <= ours.estimate.high
    frame = fairlearn.MetricFrame(
        metrics={
            SELECTION: fairlearn.selection_rate,
            TRUE_POSITIVE: fairlearn.true_positive_rate,
            FALSE_POSITIVE: fairlearn.false_positive_rate,
        },
        **columns,
    ).by_group
    for rate in (SELECTION, TRUE_POSITIVE, FALSE_POSITIVE):
        assert sums.values(rate) == pytest.approx(frame[rate].to_numpy(), abs=1e-12)


def _table(cells: dict[tuple[object, ...], int]) -> list[tuple[object, ...]]:
    return [key for key, count in cells.items() for _ in range(count)]


def test_adults_rate_difference_is_known() -> None:
    rows = _table(ADULT)
    rich = np.array([row[1] for row in rows], dtype=float)
    sex = grouping_of("sex", [row[0] for row in rows])
    sums = sums_of((Rate(SELECTION, rich, np.ones(len(rich))),), (sex,))
    female, male = sums.values(SELECTION)
    assert female == 1769 / 16192
    assert male == 9918 / 32650
    assert round(female - male, 4) == -0.1945
    measure = largest_difference(sums, (SELECTION,), POLICY)
    assert measure is not None
    # Two independent proportions: the textbook's standard error is .0035.
    error = np.hypot(*(np.sqrt(p * (1 - p) / n) for p, n in ((female, 16192), (male, 32650))))
    reach = 1.96 * error
    assert measure.estimate.low == pytest.approx(0.1945 - reach, abs=0.1 * reach)
    assert measure.estimate.high == pytest.approx(0.1945 + reach, abs=0.1 * reach)
    ratio = smallest_ratio(sums, SELECTION, POLICY)
    assert ratio is not None
    assert ratio.estimate.value == pytest.approx(0.3597, abs=5e-5)
    assert ratio.estimate.high < 0.8


def test_compas_false_positives_by_race_are_propublicas() -> None:
    rows = _table(COMPAS)
    scored = np.array([float(row[2]) for row in rows])
    decided = decision(scored, np.array([row[1] == 1 for row in rows]))
    sums = sums_of(decided.rates(), (grouping_of("race", [row[0] for row in rows]),))
    black, white = sums.values(FALSE_POSITIVE)
    assert black == 805 / 1795
    assert white == 349 / 1488
    assert (round(black, 4), round(white, 4)) == (0.4485, 0.2345)
    missed = 1 - sums.values(TRUE_POSITIVE)
    assert (round(missed[0], 4), round(missed[1], 4)) == (0.2799, 0.4772)
    measure = largest_difference(sums, (FALSE_POSITIVE,), POLICY)
    assert measure is not None
    assert measure.estimate.value == pytest.approx(0.2139, abs=5e-5)
    assert measure.estimate.low > 0.17


def test_a_gap_to_the_rest_by_hand() -> None:
    """Error 1/2 of 40 in a, 1/4 of 40 in b, 0 of 80 in c: a against 10/120 of the rest."""
    names = ["a"] * 40 + ["b"] * 40 + ["c"] * 80
    wrong = np.array([1.0, 0] * 20 + [1.0, 0, 0, 0] * 10 + [0.0] * 80)
    sums = sums_of((Rate(ERROR, wrong, np.ones(160)),), teams(names))
    measure = gap_to_the_rest(sums, (ERROR,), POLICY)
    assert measure is not None
    worst = measure.compared[0]
    assert (worst.group, worst.of_group, worst.of_other) == ("a", 0.5, 10 / 120)
    assert measure.estimate.value == pytest.approx(0.5 - 10 / 120)


def test_where_nobody_errs_the_interval_still_has_a_width() -> None:
    sums = sums_of((Rate(ERROR, np.zeros(60), np.ones(60)),), teams(["a"] * 30 + ["b"] * 30))
    measure = gap_to_the_rest(sums, (ERROR,), POLICY)
    assert measure is not None
    assert measure.estimate.value == 0
    assert measure.estimate.high > 0.1


def test_equal_groups_of_fifty_are_insufficient_not_unfair() -> None:
    """The four-fifths rule on the value calls half of them unfair; the interval nearly none."""
    by_value = failed = passed = 0
    for seed in range(100):
        generator = np.random.default_rng(seed)
        decided = decision(generator.random(200), np.ones(200, dtype=bool))
        names = [f"team-{i % 4}" for i in range(200)]
        measure = smallest_ratio(
            sums_of(decided.rates(), teams(names), resamples=300), SELECTION, FairnessPolicy()
        )
        assert measure is not None
        by_value += measure.estimate.value <= 0.8
        failed += measure.estimate.high <= 0.8
        passed += measure.estimate.low > 0.8
    assert by_value > 40
    assert failed <= 2
    assert passed == 0


def test_equal_groups_with_enough_rows_are_shown_equal() -> None:
    generator = np.random.default_rng(1)
    decided = decision(generator.random(20_000), generator.random(20_000) < 0.5)
    sums = sums_of(decided.rates(), teams([f"team-{i % 4}" for i in range(20_000)]))
    ratio = smallest_ratio(sums, SELECTION, POLICY)
    odds = largest_difference(sums, (TRUE_POSITIVE, FALSE_POSITIVE), POLICY)
    assert ratio is not None
    assert odds is not None
    assert ratio.estimate.low > 0.8
    assert odds.estimate.high < 0.1


def test_a_worse_team_is_shown_and_named_first() -> None:
    generator = np.random.default_rng(2)
    names = [f"team-{i % 5}" for i in range(5_000)]
    worse = np.array([name == "team-3" for name in names])
    wrong = (generator.random(5_000) < np.where(worse, 0.35, 0.1)).astype(float)
    sums = sums_of((Rate(ERROR, wrong, np.ones(5_000)),), teams(names))
    measure = gap_to_the_rest(sums, (ERROR,), POLICY)
    assert measure is not None
    assert measure.compared[0].group == "team-3"
    assert measure.estimate.low > 0.1


@pytest.mark.parametrize("clustered", [False, True])
def test_the_worst_of_ten_groups_is_covered_in_95_percent(clustered: bool) -> None:
    """Simulated: all ten gaps at once lie in their intervals; rows alone, or eight a user of one mind."""
    held, runs = 0, 300
    users, rows_per_user = (500, 8) if clustered else (2_000, 1)
    truth = np.full(10, 0.2)
    truth[3] = 0.3
    for seed in range(runs):
        generator = np.random.default_rng(seed)
        team = np.arange(users) % 10
        # A user's own chance, mean the team's: beta with a + b = 4, an intraclass correlation of .2.
        chance = (
            generator.beta(4 * truth[team], 4 * (1 - truth[team])) if clustered else truth[team]
        )
        user = np.repeat(np.arange(users), rows_per_user)
        wrong = (generator.random(len(user)) < chance[user]).astype(float)
        names = [f"team-{i}" for i in team[user]]
        sums = sums_of((Rate(ERROR, wrong, np.ones(len(user))),), teams(names), user, resamples=300)
        measure = gap_to_the_rest(sums, (ERROR,), POLICY)
        assert measure is not None
        inside = []
        for c in measure.compared:
            group = int(c.group[-1])
            gap = truth[group] - np.delete(truth, group).mean()
            inside.append(c.low <= abs(gap) <= c.high)
        held += all(inside)
    assert 0.93 <= held / runs <= 0.99


@pytest.mark.parametrize("seed", range(3))
def test_the_measure_is_the_worst_value_and_the_worst_bounds_of_all_comparisons(seed: int) -> None:
    generator = np.random.default_rng(seed)
    names = [f"team-{i}" for i in generator.choice(4, 900, p=[0.5, 0.3, 0.15, 0.05])]
    decided = decision(generator.random(900), generator.random(900) < 0.5)
    sums = sums_of(decided.rates(), teams(names))
    ratio = smallest_ratio(sums, SELECTION, POLICY)
    assert ratio is not None
    assert ratio.estimate.value == min(c.value for c in ratio.compared) == ratio.compared[0].value
    assert ratio.estimate.low == min(c.low for c in ratio.compared)
    assert ratio.estimate.high == min(c.high for c in ratio.compared)
    for difference in (
        largest_difference(sums, (TRUE_POSITIVE, FALSE_POSITIVE), POLICY),
        gap_to_the_rest(sums, (SELECTION,), POLICY),
    ):
        assert difference is not None
        assert difference.estimate.value == max(c.value for c in difference.compared)
        assert difference.estimate.low == max(c.low for c in difference.compared)
        assert difference.estimate.high == max(c.high for c in difference.compared)
        values = [c.value for c in difference.compared]
        assert values == sorted(values, reverse=True)
    for c in (*ratio.compared, *difference.compared):
        assert 0.0 <= c.low <= c.value <= c.high <= 1.0


def test_proportions_differ_by_one_at_most_and_losses_by_more() -> None:
    names = ["a"] * 25 + ["b"] * 25
    top = np.array([1.0] * 25 + [0.0] * 25)
    all_or_none = Rate(ERROR, top, np.ones(50))
    measure = largest_difference(sums_of((all_or_none,), teams(names)), (ERROR,), POLICY)
    assert measure is not None
    assert (measure.estimate.value, measure.estimate.high) == (1.0, 1.0)
    noise = np.random.default_rng(1).normal(0, 1, 50)
    loss = Rate(ERROR, 5.0 * top + noise, np.ones(50), proportion=False)
    measure = largest_difference(sums_of((loss,), teams(names)), (ERROR,), POLICY)
    assert measure is not None
    assert measure.estimate.low < 5.0 < measure.estimate.high
    assert measure.estimate.low > 3.5


def test_an_interval_across_zero_shows_no_difference() -> None:
    names = ["a"] * 200 + ["b"] * 200
    wrong = np.array([1.0] * 60 + [0.0] * 140 + [1.0] * 55 + [0.0] * 145)
    measure = largest_difference(
        sums_of((Rate(ERROR, wrong, np.ones(400)),), teams(names)), (ERROR,), POLICY
    )
    assert measure is not None
    assert measure.estimate.value == pytest.approx(0.025)
    assert measure.estimate.low == 0.0
    # .025 + 1.96 sqrt(.3 * .7 / 200 + .275 * .725 / 200) = .114, widened a little
    assert measure.estimate.high == pytest.approx(0.114, abs=0.01)


def test_users_are_the_units_unless_a_cluster_has_several() -> None:
    clusters, users = np.array([0, 0, 1, 2]), np.array([0, 0, 0, 1])
    assert units_of(clusters, users) is users
    shared = np.array([0, 0, 0, 0])
    assert units_of(shared, users) is shared


def test_batches_of_units_tell_the_same_interval() -> None:
    """1,000 batches of 30,000 units: the textbook's standard error of the difference."""
    generator = np.random.default_rng(4)
    wrong = (generator.random(30_000) < 0.3).astype(float)
    sums = sums_of((Rate(ERROR, wrong, np.ones(30_000)),), teams(["a", "b"] * 15_000))
    assert sums.batches == 1_000
    measure = largest_difference(sums, (ERROR,), POLICY)
    assert measure is not None
    half = (measure.compared[0].high - measure.compared[0].value) / 1.96
    assert half == pytest.approx(np.sqrt(2 * 0.21 / 15_000), rel=0.12)
