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


def test_where_nobody_errs_the_interval_still_has_a_width() -> None:
    sums = sums_of((Rate(ERROR, np.zeros(60), np.ones(60)),), teams(["a"] * 30 + ["b"] * 30))
    measure = gap_to_the_rest(sums, (ERROR,), POLICY)
    assert measure is not None
    assert measure.estimate.value == 0
    assert measure.estimate.high > 0.1


def test_nobody_selected_in_a_group_is_a_ratio_of_zero_with_an_interval() -> None:
    names = ["a"] * 100 + ["b"] * 100
    decided = decision(np.array([0.0] * 100 + [1.0, 0] * 50), np.ones(200, dtype=bool))
    measure = smallest_ratio(sums_of(decided.rates(), teams(names)), SELECTION, POLICY)
    assert measure is not None
    assert measure.estimate.value == 0
    assert 0 < measure.estimate.high < 0.8


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


def test_few_users_are_less_sure_than_the_normal_distribution_says() -> None:
    """20 users a group: Student's t with 19 degrees of freedom, 2.09 (times sqrt(20 / 19)), not 1.96."""
    names = ["a"] * 20 + ["b"] * 20
    chosen = np.array(([1.0] * 5 + [0.0] * 15) + ([1.0] * 12 + [0.0] * 8))
    sums = sums_of((Rate(SELECTION, chosen, np.ones(40)),), teams(names), resamples=4_000)
    few = smallest_ratio(sums, SELECTION, POLICY)
    assert few is not None
    _, normal = _fieller(0.25, 20, 0.6, 20)
    assert few.estimate.high > normal + 0.03


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
