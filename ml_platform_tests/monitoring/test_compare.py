"""One feature against its baseline: statistics, p values and sentences, worked by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from ml_platform.monitoring.baseline import FeatureBaseline
from ml_platform.monitoring.compare import (
    compare,
)
from ml_platform.monitoring.distribution import Bins, Shares, pack
from ml_platform.monitoring.drift.chi_squared import clustered_chi_squared
from ml_platform.monitoring.drift.ks import clustered_ks
from ml_platform.monitoring.drift.largest_change import clustered_largest_change
from ml_platform.monitoring.drift.rank_shift import clustered_rank_shift
from ml_platform.monitoring.report import Severity
from ml_platform.monitoring.weeks import MANY, Inflation
from ml_platform.spec.feature import Comparison, Kind
from ml_platform.spec.monitoring_policy import MonitoringPolicy

POLICY = MonitoringPolicy(draws=2_000)
NONE, MODERATE, SIGNIFICANT, INSUFFICIENT = (
    Severity.NONE,
    Severity.MODERATE,
    Severity.SIGNIFICANT,
    Severity.INSUFFICIENT,
)
CALM = Inflation(1.0, MANY)
LEVELS = Bins(Kind.CATEGORY, levels=("a", "b"))
NUMBERS = Bins(Kind.NUMBER, cuts=(1.0, 2.0, 3.0))


def of_rows(shares: tuple[float, ...], rows: int, **changes: object) -> Shares:
    """Shares of independent rows: the covariance is the multinomial one."""
    p = np.array(shares)
    shares_of_rows = Shares(p, (np.diag(p) - np.outer(p, p)) / rows, rows, rows, rows, 0.0, 0.0)
    return replace(shares_of_rows, **changes)


def baseline(bins: Bins, measured: Shares, **inflations: Inflation) -> FeatureBaseline:
    return FeatureBaseline(
        name="tool",
        compare=Comparison.DISTRIBUTION,
        bins=bins,
        shares=tuple(measured.shares.tolist()),
        covariance=pack(measured.covariance),
        rows=measured.rows,
        total=measured.total,
        clusters=measured.clusters,
        missing=measured.missing,
        missing_variance=measured.missing_variance,
        inflation=inflations.get("shares", CALM),
        cumulative_inflation=inflations.get("cumulative", CALM),
        missing_inflation=inflations.get("missing", CALM),
    )


BEFORE = of_rows((0.5, 0.5, 0.0), 1_000)
NOW = of_rows((0.56, 0.44, 0.0), 1_000)


def compared(before: Shares, now: Shares, bins: Bins = LEVELS, **inflations: Inflation):
    return compare(baseline(bins, before, **inflations), now, clusters=now.clusters, policy=POLICY)


def test_two_levels_by_hand() -> None:
    """Half to .56 of 1,000 rows each: the variance is .25 / 1,000 twice, so z^2 = .06^2 / .0005 = 7.2."""
    drift = compared(BEFORE, NOW).drift
    assert (drift.name, drift.test) == ("tool", "chi2")
    assert drift.statistic == pytest.approx(7.2, rel=1e-4)
    assert drift.p_value == pytest.approx(2 * stats.t.sf(math.sqrt(7.2), 999), rel=1e-3)
    assert drift.size == pytest.approx(0.06)
    # (q - p) ln(q / p) over both levels, less the bias: the variance over the pooled shares .53 and .47
    raw = 0.06 * math.log(0.56 / 0.5) - 0.06 * math.log(0.44 / 0.5)
    assert drift.psi == pytest.approx(raw - 0.0005 * (1 / 0.53 + 1 / 0.47), rel=1e-3)


def test_restless_weeks_make_the_same_change_less_certain() -> None:
    """Quiet weeks that differ by four times the variance of their clusters: z^2 is a quarter."""
    calm = compared(BEFORE, NOW).drift
    restless = compared(BEFORE, NOW, shares=Inflation(4.0, 8.0)).drift
    assert restless.statistic == pytest.approx(7.2 / 4, rel=1e-4)
    assert restless.p_value == pytest.approx(2 * stats.t.sf(math.sqrt(1.8), 8), rel=1e-3)
    assert restless.psi == pytest.approx(calm.psi - 3 * 0.0005 * (1 / 0.53 + 1 / 0.47), rel=1e-3)
    assert restless.size == calm.size


def test_clusters_make_the_same_change_less_certain() -> None:
    """Rows in clusters of one mind, design effect 5: both covariances are five times as large."""
    clustered = [replace(side, covariance=5 * side.covariance) for side in (BEFORE, NOW)]
    assert compared(*clustered).drift.statistic == pytest.approx(7.2 / 5, rel=1e-4)


@pytest.mark.parametrize(("rows", "statistic"), [(1_000, 7.2), (250, 2.88)])
def test_a_window_that_looks_too_certain_is_as_uncertain_as_the_baseline(
    rows: int, statistic: float
) -> None:
    """Of 250 rows .25 / 250 is lent by the baseline: z^2 = .0036 / (.00025 + .001) = 2.88."""
    alike = of_rows((0.56, 0.44, 0.0), rows, covariance=np.zeros((3, 3)))
    assert compared(BEFORE, alike).drift.statistic == pytest.approx(statistic, rel=1e-3)


def test_what_a_window_is_lent_goes_by_clusters_and_not_by_rows() -> None:
    """The same users with a fifth of the rows: the baseline's variance is lent once, and not five times."""
    before = replace(BEFORE, rows=5_000, total=5_000, clusters=60)
    alike = replace(NOW, covariance=np.zeros((3, 3)), clusters=60)
    assert compared(before, alike).drift.statistic == pytest.approx(7.2, rel=1e-3)


def test_few_clusters_bring_students_tails() -> None:
    few = [replace(side, clusters=41) for side in (BEFORE, NOW)]
    p_value = compared(*few).drift.p_value
    assert p_value == pytest.approx(2 * stats.t.sf(math.sqrt(7.2), 40), rel=1e-3)


def test_shares_are_pooled_by_their_rows() -> None:
    """1,000 rows and 250: the pooled shares, which weigh the statistic and the PSI, are nearer the first."""
    before, now = of_rows((0.5, 0.3, 0.2), 1_000), of_rows((0.4, 0.3, 0.3), 250)
    drift = compared(before, now).drift
    pooled = np.array([0.48, 0.3, 0.22])
    lent = max(0.0, 1 - np.diag(now.covariance) @ (1 / pooled) / (
        4 * np.diag(before.covariance) @ (1 / pooled)))  # fmt: skip
    covariance = before.covariance * (1 + 4 * lent) + now.covariance
    statistic, p_value = clustered_chi_squared(
        now.shares - before.shares, covariance, pooled, freedom=249
    )
    _, of_one_level = clustered_largest_change(now.shares - before.shares, covariance, freedom=249)
    smallest = 2 * min(p_value, of_one_level)
    assert (drift.statistic, drift.p_value) == pytest.approx((statistic, smallest), rel=1e-4)
    raw = -0.1 * math.log(0.4 / 0.5) + 0.1 * math.log(0.3 / 0.2)
    assert drift.psi == pytest.approx(raw - np.diag(covariance) @ (1 / pooled), rel=1e-3)


def test_a_window_more_uncertain_than_the_baseline_is_believed() -> None:
    wide = replace(NOW, covariance=9 * of_rows((0.5, 0.5, 0.0), 1_000).covariance)
    assert compared(BEFORE, wide).drift.statistic == pytest.approx(0.0036 / 0.0025, rel=1e-3)


def test_missingness_by_hand() -> None:
    """.10 to .16 with variances .00005 each: 6 standard deviations; restless fourfold, 3."""
    before = replace(BEFORE, missing=0.10, missing_variance=5e-5)
    now = replace(NOW, missing=0.16, missing_variance=5e-5)
    comparison = compared(before, now)
    assert (comparison.drift.missing_baseline, comparison.drift.missing_current) == (0.10, 0.16)
    assert comparison.missing_p_value == pytest.approx(2 * stats.norm.sf(6), rel=1e-3)
    restless = compared(before, now, missing=Inflation(4.0, 8.0))
    assert restless.missing_p_value == pytest.approx(2 * stats.t.sf(3, 8), rel=1e-3)


@pytest.mark.parametrize(("total", "sigmas"), [(1_000, 6.0), (250, 6 / math.sqrt(2.5))])
def test_a_window_in_which_nothing_varies_is_lent_the_missing_variance_too(
    total: int, sigmas: float
) -> None:
    before = replace(BEFORE, missing=0.10, missing_variance=5e-5)
    now = replace(NOW, missing=0.16, missing_variance=0.0, total=total, clusters=total)
    p_value = compared(before, now).missing_p_value
    assert p_value == pytest.approx(2 * stats.norm.sf(sigmas), rel=1e-3)


def test_a_window_in_which_more_varies_is_believed_of_the_missing_too() -> None:
    before = replace(BEFORE, missing=0.10, missing_variance=5e-5)
    now = replace(NOW, missing=0.16, missing_variance=35e-5)
    p_value = compared(before, now).missing_p_value
    assert p_value == pytest.approx(2 * stats.norm.sf(3), rel=1e-3)


FOUR = of_rows((0.25, 0.25, 0.25, 0.25), 1_000)


def test_a_number_is_tested_by_its_distance_its_ranks_and_its_bins_and_pays_for_all() -> None:
    """Each with its own inflation: distance and ranks by the cumulative one, bins by that of the shares."""
    shares, cumulative = Inflation(3.0, 20.0), Inflation(2.0, 12.0)
    shifted, combed = (0.31, 0.27, 0.23, 0.19), (0.29, 0.21, 0.29, 0.21)
    for now in (of_rows(shifted, 1_000), of_rows(combed, 1_000)):
        drift = compared(FOUR, now, NUMBERS, shares=shares, cumulative=cumulative).drift
        gap, pooled = now.shares - FOUR.shares, (now.shares + FOUR.shares) / 2
        weighed = [float(np.diag(side.covariance) @ (1 / pooled)) for side in (now, FOUR)]
        by_bins = _lent(now, *weighed)
        spreads = [float(_process(side.covariance).sum()) for side in (now, FOUR)]
        by_distance = _lent(now, *spreads)
        _, chi_squared = clustered_chi_squared(gap, 3.0 * by_bins, pooled, freedom=20.0)
        distance, ks = clustered_ks(
            gap, 2.0 * by_distance, freedom=12.0, draws=POLICY.draws, seed=POLICY.seed
        )
        _, ranks = clustered_rank_shift(gap, 2.0 * by_distance, pooled, freedom=12.0)
        assert drift.test == "ks"
        assert drift.statistic == drift.size == pytest.approx(distance)
        assert drift.p_value == pytest.approx(3 * min(chi_squared, ks, ranks), rel=1e-4)
        assert (chi_squared < ks) == (now.shares[1] == 0.21)  # each test sees what the other misses


def _process(covariance: np.ndarray) -> np.ndarray:
    return np.diag(np.cumsum(np.cumsum(covariance, axis=0), axis=1))[:-1]


def _lent(now: Shares, observed: float, expected: float) -> np.ndarray:
    return FOUR.covariance * (1 + max(0.0, 1 - observed / expected)) + now.covariance


def test_a_p_value_is_no_more_than_one() -> None:
    assert compared(FOUR, FOUR, NUMBERS).drift.p_value == 1.0


@pytest.mark.parametrize(
    ("side", "change", "present"),
    [
        ("now", {"rows": 200, "total": 200, "clusters": 30}, True),
        ("now", {"rows": 199, "total": 200, "clusters": 30}, False),
        ("now", {"rows": 200, "total": 200, "clusters": 29}, False),
        ("before", {"rows": 200, "clusters": 30}, True),
        ("before", {"rows": 199, "clusters": 30}, False),
        ("before", {"rows": 200, "clusters": 29}, False),
    ],
)
def test_enough_rows_and_clusters_are_needed_on_both_sides(side, change, present) -> None:
    before = replace(BEFORE, **change) if side == "before" else BEFORE
    now = replace(NOW, **change) if side == "now" else NOW
    comparison = compared(before, now)
    assert comparison.present is present
    assert (comparison.drift.p_value < 1.0) is present
    assert (comparison.drift.size > 0.0) is present
    assert present or not comparison.tells


@pytest.mark.parametrize(
    ("total", "clusters", "watched"), [(200, 30, True), (199, 30, False), (200, 29, False)]
)
def test_missingness_counts_rows_and_clusters_without_a_value_too(total, clusters, watched) -> None:
    before = replace(BEFORE, missing_variance=1e-4)
    gone = replace(NOW, rows=0, total=total, clusters=0, missing=1.0)
    comparison = compare(baseline(LEVELS, before), gone, clusters=clusters, policy=POLICY)
    assert comparison.watched is watched
    assert comparison.missing_p_value == pytest.approx(0.0 if watched else 1.0)


@pytest.mark.parametrize(("noise", "tells"), [(0.0, True), (0.105, True), (0.11, False)])
def test_a_feature_tells_if_a_significant_shift_would_stand_out(noise: float, tells: bool) -> None:
    """.25 / .105 = 2.38 standard errors, beyond the 2.33 of 2 % on both sides; .25 / .11 = 2.27 is not."""
    variance = noise**2 / 2
    covariance = variance * np.array([[1.0, -1.0, 0.0], [-1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    sides = [replace(BEFORE, covariance=covariance) for _ in range(2)]
    assert compared(*sides).tells is tells


def test_the_noisiest_share_decides_whether_a_feature_tells() -> None:
    quiet, noisy = 0.01**2 / 2, 0.2**2 / 2
    covariance = np.diag([noisy, quiet, 0.0])
    sides = [replace(BEFORE, covariance=covariance) for _ in range(2)]
    assert compared(*sides).tells is False
    number = np.zeros((4, 4))
    number[0, 0], number[1, 1] = noisy, quiet
    sides = [replace(FOUR, covariance=number) for _ in range(2)]
    assert compared(*sides, NUMBERS).tells is False


def test_few_weeks_tell_less() -> None:
    """2.38 standard errors are beyond 2 % of a normal distribution, not of Student's with 5 degrees."""
    variance = 0.105**2 / 2
    covariance = variance * np.array([[1.0, -1.0, 0.0], [-1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    sides = [replace(BEFORE, covariance=covariance) for _ in range(2)]
    assert compared(*sides, cumulative=Inflation(1.0, 5.0)).tells is False


def test_a_change_of_levels_in_words() -> None:
    now = of_rows((0.65, 0.35, 0.0), 1_000, missing=0.2)
    assert compared(BEFORE, now).words == (
        "tool: the share of 'a' went from 50.0% to 65.0% (total variation 0.15, PSI 0.09); "
        "missing went from 0.0% to 20.0%"
    )
    assert compared(replace(BEFORE, missing=0.2), replace(BEFORE, missing=0.05)).words == (
        "tool: missing went from 20.0% to 5.0%"
    )
    assert compared(BEFORE, NOW).words == ""
    appeared = of_rows((0.475, 0.475, 0.05), 1_000)  # little of the mass, much of the divergence
    assert "the share of unseen levels went from 0.0% to 5.0%" in compared(BEFORE, appeared).words
    fallen = of_rows((0.2, 0.65, 0.15), 1_000)
    assert "the share of 'a' went from 50.0% to 20.0%" in compared(BEFORE, fallen).words


@pytest.mark.parametrize(
    ("shares", "way", "place"),
    [
        ((0.45, 0.25, 0.2, 0.1), "lower", "<= 1"),
        ((0.1, 0.2, 0.25, 0.45), "higher", "> 3"),
    ],
)
def test_a_change_of_numbers_in_words(shares, way, place) -> None:
    words = compared(FOUR, of_rows(shares, 1_000), NUMBERS).words
    assert words.startswith(f"tool: values are {way} (KS 0.20, PSI ")
    assert f"the share of {place} went from 25.0% to 45.0%" in words
