"""Intervals worked out from their published formulas, on resamples small enough to count."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from ml_platform.evaluation.intervals.bootstrap import (
    Replicates,
    acceleration,
    bca_interval,
    differences,
    distant_interval,
    interval,
    replicate,
)
from ml_platform.evaluation.intervals.heterogeneity import excess_deviation, fold_spread
from ml_platform.evaluation.intervals.p_value import p_value
from ml_platform.evaluation.intervals.ratio import between_zero_and_one, ratio_interval
from ml_platform.evaluation.metrics.binary import BinaryRows, binary_statistics
from ml_platform.evaluation.report_parts import Estimate

EVEN = np.zeros(101)
"""Without each of 101 clusters the metric is the same: no acceleration."""


def efron(of: Replicates, below: float, level: float = 0.95) -> tuple[float, float]:
    """Efron (1987), 2.3, with Student's quantile widened; ``below`` is the share of resamples below the value."""
    clusters = len(of.left_out)
    quantile = stats.t.ppf((1 + level) / 2, clusters - 1) * np.sqrt(clusters / (clusters - 1))
    bias = stats.norm.ppf(below)
    influence = of.left_out.mean() - of.left_out
    squares = (influence**2).sum()
    skew = (influence**3).sum() / (6 * squares**1.5) if squares else 0.0
    shares = [bias + z / (1 - skew * z) for z in (bias - quantile, bias + quantile)]
    return tuple(np.quantile(of.resampled, stats.norm.cdf(shares)))


@pytest.mark.parametrize(
    ("value", "below"),
    [(50.0, 0.505), (49.5, 0.5), (30.0, 30.5 / 100), (80.0, 80.5 / 100)],
    ids=["a tie counts half", "between two", "low", "high"],
)
@pytest.mark.parametrize("clusters", [3, 20, 101])
def test_the_bounds_are_efrons(value: float, below: float, clusters: int) -> None:
    """A hundred resamples 0, 1, ..., 99."""
    left_out = np.random.default_rng(clusters).exponential(size=clusters)
    of = Replicates(value, np.arange(100.0), left_out)
    estimate = bca_interval(of)
    assert (estimate.low, estimate.high) == pytest.approx(efron(of, below))
    narrow = bca_interval(of, level=0.5)
    assert (narrow.low, narrow.high) == pytest.approx(efron(of, below, 0.5))


@pytest.mark.parametrize(("value", "share"), [(-1.0, 0.01), (100.0, 0.99)])
def test_a_value_beyond_every_resample_counts_as_beyond_all_but_one(value, share) -> None:
    of = Replicates(value, np.arange(100.0), EVEN)
    estimate = bca_interval(of)
    assert (estimate.low, estimate.high) == pytest.approx(efron(of, share))


def test_many_ties_with_the_value_move_no_bound() -> None:
    """Half of the resamples are the value, a quarter below and a quarter above: no bias."""
    resampled = np.repeat([0.0, 1.0, 2.0], [25, 50, 25])
    estimate = bca_interval(Replicates(1.0, resampled, EVEN), level=0.4)
    assert (estimate.low, estimate.high) == (1.0, 1.0)
    assert bca_interval(Replicates(1.0, resampled, EVEN)) == Estimate(1.0, 0.0, 2.0)


def test_without_a_difference_between_resamples_the_interval_is_the_value() -> None:
    assert bca_interval(Replicates(0.7, np.full(9, 0.7), EVEN)) == Estimate(0.7, 0.7, 0.7)
    assert bca_interval(Replicates(0.7, np.full(9, 0.5), EVEN)) == Estimate(0.7, 0.7, 0.7)


def test_the_acceleration_is_a_sixth_of_the_skewness_of_influence() -> None:
    # influences 1, 1, -2: cubes sum to -6, squares to 6; -6 / (6 * 6 ** 1.5)
    assert acceleration(np.array([2.0, 2.0, 5.0])) == pytest.approx(-6 / (6 * 6**1.5))
    assert acceleration(np.array([3.0, 3.0, 3.0])) == 0.0


def test_few_clusters_have_students_quantile() -> None:
    """Three clusters: 4.3027 with 2 degrees of freedom, times sqrt(3 / 2)."""
    of = Replicates(0.0, np.array([-1.0, 1.0]), np.zeros(3))
    estimate = distant_interval(of, level=0.95)
    assert estimate.high == pytest.approx(4.3027 * np.sqrt(1.5), rel=1e-4)
    assert estimate.low == -estimate.high


class Totals:
    """The mean of a value a cluster."""

    def __init__(self, values: np.ndarray) -> None:
        self.sums = np.column_stack([values, np.ones(len(values))])

    def metrics(self, totals: np.ndarray) -> dict[str, np.ndarray]:
        return {"mean": totals[:, 0] / totals[:, 1]}


def test_a_difference_is_paired_in_every_part() -> None:
    draw = np.random.default_rng(1)
    one, other = draw.normal(size=30), draw.normal(size=30)
    left, right = replicate(Totals(one), seed=3)["mean"], replicate(Totals(other), seed=3)["mean"]
    paired, direct = left.minus(right), replicate(Totals(one - other), seed=3)["mean"]
    assert len(left.resampled) == 1_000
    assert paired.value == pytest.approx(direct.value)
    assert paired.resampled == pytest.approx(direct.resampled)
    assert paired.left_out == pytest.approx(direct.left_out)
    assert paired.counted == 0.0


def test_differences_are_left_minus_right_of_what_both_have() -> None:
    left = Replicates(0.8, np.linspace(0.7, 0.9, 101), EVEN)
    right = Replicates(0.6, np.full(101, 0.6), EVEN)
    difference_by_metric = differences({"accuracy": left, "recall": left}, {"accuracy": right})
    assert list(difference_by_metric) == ["accuracy"]
    assert difference_by_metric["accuracy"].value == pytest.approx(0.2)
    assert difference_by_metric["accuracy"].low == pytest.approx(0.1, abs=0.01)


def proportion(right: int, rows: int, effect: float = 1.0, level: float = 0.95) -> Estimate:
    """The interval of a recall whose resamples vary ``effect`` times as those of independent rows."""
    share = right / rows
    deviation = np.sqrt(effect * share * (1 - share) / rows)
    spread = np.array([-1.0, 1.0]) if deviation else np.zeros(2)
    resampled = share + deviation * np.repeat(spread, 500)
    return interval("recall", Replicates(share, resampled, EVEN, float(rows)), level=level)


@pytest.mark.parametrize(("right", "rows"), [(9, 100), (91, 100), (0, 30), (30, 30), (1, 4)])
def test_a_proportion_of_few_rows_is_no_surer_than_clopper_and_pearson(right, rows) -> None:
    exact = stats.binomtest(right, rows).proportion_ci(method="exact")
    estimate = proportion(right, rows)
    assert estimate.low <= exact.low + 1e-9
    assert estimate.high >= exact.high - 1e-9
    assert (estimate.low, estimate.high) == pytest.approx((exact.low, exact.high), abs=0.02)


def test_ten_rows_of_the_rarer_outcome_are_enough_to_resample() -> None:
    exact = stats.binomtest(10, 100).proportion_ci(method="exact")
    assert proportion(10, 100).high < exact.high - 0.02  # the resamples' own quantile
    eleven = stats.binomtest(89, 100).proportion_ci(method="exact")
    assert proportion(89, 100).low > eleven.low + 0.02
    uncounted = Replicates(0.09, 0.09 + 0.03 * np.repeat([-1.0, 1.0], 500), EVEN)
    assert interval("recall", uncounted) == bca_interval(uncounted)


@pytest.mark.parametrize("rows", [20, 49, 93, 100, 300, 1_900])
def test_ten_rows_are_ten_whichever_outcome_is_the_rarer(rows: int) -> None:
    """In floating point 1 - 90 / 100 is less than a tenth; both outcomes have their resamples' own quantile."""
    few, many = proportion(10, rows), proportion(rows - 10, rows)
    assert many.high - many.low == pytest.approx(few.high - few.low, rel=1e-6)
    nine = proportion(rows - 9, rows)
    exact = stats.binomtest(rows - 9, rows).proportion_ci(method="exact")
    assert nine.low <= exact.low + 1e-9


def test_clusters_divide_the_rows_of_a_proportion_by_their_design_effect() -> None:
    """2 of 40 with a design effect of 4 are as sure as half of 10: Clopper and Pearson, by the beta."""
    estimate = proportion(2, 40, effect=4.0)
    assert estimate.high == pytest.approx(stats.beta.ppf(0.975, 1.5, 9.5), rel=1e-6)
    surer = proportion(2, 40, effect=0.25)  # less than independent rows: each still counts as one
    assert surer.high == pytest.approx(stats.beta.ppf(0.975, 3, 38), rel=1e-6)
    assert proportion(2, 40, level=0.5).high == pytest.approx(stats.beta.ppf(0.75, 3, 38), rel=1e-6)


def test_a_proportion_is_never_narrower_than_its_resamples() -> None:
    resampled = np.linspace(0.0, 1.0, 1_001)
    of = Replicates(0.05, resampled, EVEN, 40.0)
    bca, estimate = bca_interval(of), interval("recall", of)
    assert estimate.low <= bca.low
    assert estimate.high >= bca.high
    below = Replicates(0.95, np.linspace(0.79, 0.81, 1_001), EVEN, 40.0)
    assert interval("recall", below).low == bca_interval(below).low < 0.81
    above = Replicates(0.05, np.linspace(0.19, 0.21, 1_001), EVEN, 40.0)
    assert interval("recall", above).high == bca_interval(above).high > 0.19


def test_each_proportion_of_alarms_is_of_its_own_rows() -> None:
    """Ten anomalies, two of them found, four false alarms: precision is of 6 rows, recall of 10, the rest of 40."""
    place = np.arange(50)
    positive, alarm = place < 10, (place >= 8) & (place < 14)
    replicates = replicate(
        binary_statistics(BinaryRows(positive, alarm, alarm * 0.8, place), 50), seed=1, resamples=50
    )
    counted = {name: replicates[name].counted for name in ("precision", "recall", "specificity")}
    assert counted == {"precision": 6.0, "recall": 10.0, "specificity": 40.0}
    assert replicates["false_alarm_rate"].counted == 40.0
    assert replicates["f1"].counted == 0.0


SKEWED = Replicates(0.2, np.linspace(0.3, 0.5, 1_001), EVEN)
"""All resamples lie above the value, as those of a calibration error do."""


def test_a_calibration_error_reaches_as_far_as_its_percentiles() -> None:
    estimate = interval("expected_calibration_error", SKEWED)
    percentiles = np.quantile(SKEWED.resampled, [0.025, 0.975])
    bca = bca_interval(SKEWED)
    assert bca.high < percentiles[1]
    assert (estimate.low, estimate.high) == (bca.low, pytest.approx(percentiles[1]))
    assert estimate.low > estimate.value  # it is no coverage: the value is not forced inside


def test_a_coverage_reaches_the_value_and_its_percentiles() -> None:
    above = interval("coverage", SKEWED)
    assert above.low == above.value == 0.2
    assert above.high == pytest.approx(np.quantile(SKEWED.resampled, 0.975))
    below = interval("coverage", replace(SKEWED, value=0.7))
    assert below.high == below.value == 0.7
    assert below.low == pytest.approx(np.quantile(SKEWED.resampled, 0.025))


def test_other_metrics_have_their_bca_interval() -> None:
    assert interval("log_loss", SKEWED) == bca_interval(SKEWED)
    assert interval("log_loss", SKEWED, level=0.5) == bca_interval(SKEWED, level=0.5)


def test_the_p_value_is_the_level_at_which_zero_is_the_bound() -> None:
    draw = np.random.default_rng(4)
    for clusters in (12, 40):
        values = draw.exponential(size=clusters)
        values -= values.mean() * 0.7
        of = replicate(Totals(values), seed=2, resamples=20_000)["mean"]
        p = p_value(of)
        assert 0.01 < p < 0.9
        estimate = bca_interval(of, level=1 - p)
        bound = estimate.low if of.value > 0 else estimate.high
        assert bound == pytest.approx(0.0, abs=0.03 * of.resampled.std())


def test_ties_with_zero_count_half() -> None:
    """A quarter below 0, a half at it, a quarter above: the difference is nothing at all."""
    of = Replicates(0.0, np.repeat([-1.0, 0.0, 1.0], [25, 50, 25]), EVEN)
    assert p_value(of) == pytest.approx(1.0)


def test_a_ratio_counts_the_clusters_that_hold_it() -> None:
    """Three clusters 1/2, 3/4, 2/4 and one with nothing: value .6, Cochran's variance over three."""
    numerators, denominators = np.array([1.0, 3.0, 2.0, 0.0]), np.array([2.0, 4.0, 4.0, 0.0])
    estimate = ratio_interval(numerators, denominators)
    assert estimate is not None
    residuals = np.array([1 - 1.2, 3 - 2.4, 2 - 2.4])
    error = np.sqrt((residuals**2).sum() / 100 * 3 / 2) / (0.6 * 0.4)
    reach = stats.t.ppf(0.975, 2) * error
    assert estimate.value == pytest.approx(0.6)
    assert estimate.low == pytest.approx(1 / (1 + np.exp(-(np.log(1.5) - reach))))
    assert estimate.high == pytest.approx(1 / (1 + np.exp(-(np.log(1.5) + reach))))


def test_one_cluster_shows_nothing_and_two_show_little() -> None:
    assert ratio_interval(np.array([1.0]), np.array([2.0])) == Estimate(0.5, 0.0, 1.0)
    assert between_zero_and_one(1.0, 0.0, 2) == Estimate(1.0, pytest.approx(0.025**0.5), 1.0)
    assert between_zero_and_one(0.0, 0.0, 2) == Estimate(0.0, 0.0, pytest.approx(1 - 0.025**0.5))


def test_the_spread_of_folds_by_hand() -> None:
    """.9, .8, .85: deviation .05; two degrees of freedom: .0506 and 7.378 are the chi-squared quantiles."""
    spread = fold_spread(np.array([0.9, 0.8, 0.85]))
    assert (spread.mean, spread.deviation) == pytest.approx((0.85, 0.05))
    assert spread.low == pytest.approx(0.05 * np.sqrt(2 / 7.3778), rel=1e-3)
    assert spread.high == pytest.approx(0.05 * np.sqrt(2 / 0.05064), rel=1e-3)


def test_the_excess_beyond_noise_solves_its_equation() -> None:
    """With equal variances v Q(tau) is S / (v + tau^2): S = .02, v = .001 and 4 parts have tau^2 = S / 3 - v."""
    values = np.array([0.9, 0.8, 0.9, 0.7])
    squares = float(((values - values.mean()) ** 2).sum())
    estimate = excess_deviation(values, np.full(4, 0.001))
    assert estimate.value == pytest.approx(np.sqrt(squares / 3 - 0.001))
    upper, lower = stats.chi2.ppf([0.975, 0.025], 3)
    assert estimate.low == pytest.approx(np.sqrt(max(squares / upper - 0.001, 0)))
    assert estimate.high == pytest.approx(np.sqrt(squares / lower - 0.001))
    unequal = np.array([0.001, 0.002, 0.004, 0.001])
    tau = excess_deviation(values, unequal).value
    weights = 1 / (unequal + tau**2)
    mean = (weights * values).sum() / weights.sum()
    assert (weights * (values - mean) ** 2).sum() == pytest.approx(3.0)


def test_parts_that_differ_by_their_noise_alone_have_no_excess() -> None:
    estimate = excess_deviation(np.array([0.80, 0.81, 0.79]), np.full(3, 0.01))
    assert (estimate.value, estimate.low) == (0.0, 0.0)
    assert excess_deviation(np.full(3, 0.8), np.full(3, 0.01)) == Estimate(0.0, 0.0, 0.0)


def test_a_part_without_noise_takes_the_median_of_the_others() -> None:
    values, known = np.array([0.7, 0.8, 0.9, 1.0]), np.array([0.002, 0.001, 0.004, 0.0])
    assert excess_deviation(values, known) == excess_deviation(
        values, np.array([0.002, 0.001, 0.004, 0.002])
    )
    nothing_known = excess_deviation(values, np.zeros(4))
    assert nothing_known.value == pytest.approx(values.std(ddof=1), rel=1e-3)
