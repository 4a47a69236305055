import numpy as np
import pandas as pd
import pytest

from ml_platform.monitoring.distribution import (
    category_bins,
    category_codes,
    clustered_shares,
    number_bins,
    number_codes,
    pack,
    unpack,
    without,
)


def test_quantile_bins_hold_equal_shares() -> None:
    values = np.random.default_rng(1).permutation(np.arange(1000.0))
    bins = number_bins(values, 4)
    assert bins.cuts == (249.0, 499.0, 749.0)
    assert np.bincount(number_codes(bins, values)).tolist() == [250] * 4


def test_an_atom_has_its_own_bin_and_moves_in_either_direction() -> None:
    values = np.concatenate([np.zeros(60), np.linspace(1, 2, 40)])
    bins = number_bins(values, 10)
    atom = number_codes(bins, np.array([0.0]))[0]
    assert (number_codes(bins, values) == atom).sum() == 60
    assert number_codes(bins, np.array([-0.01]))[0] < atom < number_codes(bins, np.array([0.01]))[0]


def test_a_constant_has_three_bins_and_nothing_present_one() -> None:
    bins = number_bins(np.full(50, 7.0))
    assert number_codes(bins, np.array([6.0, 7.0, 8.0, np.nan])).tolist() == [0, 1, 2, -1]
    assert number_bins(np.array([np.nan])).count == 1


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([7.0] * 50, ["< 7", "7", "> 7"]),
        ([0.0] * 60 + [1.0] * 40, ["< 0", "0", "(0, 1)", "1", "> 1"]),
        ([0.0] * 10 + list(range(1, 11)), ["< 0", "0", "(0, 5]", "> 5"]),
        (list(range(100)), ["<= 24", "(24, 49]", "(49, 74]", "> 74"]),
        ([np.nan], ["any"]),
    ],
)
def test_a_bin_of_one_value_is_named_by_it(values: list[float], labels: list[str]) -> None:
    bins = number_bins(np.array(values, dtype=float), 4)
    assert [bins.label(place) for place in range(bins.count)] == labels


def test_levels_rare_ones_pooled_unseen_apart() -> None:
    values = ["a"] * 700 + ["b"] * 298 + ["rare", "rarer", None]
    bins = category_bins(values)
    assert bins.levels == ("a", "b")
    assert bins.rare == ("rare", "rarer")
    codes = category_codes(bins, ["a", "b", "rare", "rarer", "new", None, np.nan])
    assert codes.tolist() == [0, 1, 2, 2, 3, -1, -1]
    assert [bins.label(code) for code in (0, 2, 3)] == ["'a'", "rare levels", "unseen levels"]


def test_a_heavy_tail_is_pooled_in_buckets_where_moved_mass_shows() -> None:
    values = [f"path_{number}" for number in range(2_000)] + ["common"] * 2_000
    bins = category_bins(values)
    assert not bins.closed
    assert bins.buckets == 8
    codes = category_codes(bins, values)
    shares = np.bincount(codes, minlength=bins.count) / len(values)
    assert shares[1:9].max() < 0.09
    assert shares[-1] == 0.0  # a new path is usual, not 'unseen'
    assert category_codes(bins, ["path_never_seen"])[0] in range(1, 9)


def test_shares_and_covariance_by_hand() -> None:
    # clusters {a, a}, {b}, {a, missing}: p = (3, 1) / 4; residuals s - n p of bin a:
    # 2 - 2 * .75 = .5, 0 - .75 = -.75, 1 - .75 = .25; sum of squares .875; / 16 * 3 / 2
    codes = np.array([0, 0, 1, 0, -1])
    shares = clustered_shares(codes, np.array([0, 0, 1, 2, 2]), 2)
    assert shares.shares.tolist() == [0.75, 0.25]
    assert shares.covariance[0, 0] == pytest.approx(0.875 / 16 * 1.5)
    assert shares.covariance[0, 1] == pytest.approx(-shares.covariance[0, 0])
    assert (shares.rows, shares.total, shares.clusters, shares.missing) == (4, 5, 3, 0.2)


def test_rows_of_their_own_give_the_multinomial_covariance() -> None:
    draw = np.random.default_rng(1)
    codes = draw.integers(0, 3, 5_000)
    shares = clustered_shares(codes, np.arange(5_000), 3)
    p = shares.shares
    assert shares.covariance == pytest.approx((np.diag(p) - np.outer(p, p)) / 4_999)


def test_covariance_is_that_of_repeated_windows() -> None:
    draw = np.random.default_rng(4)

    def window() -> tuple[np.ndarray, np.ndarray]:
        taste = draw.beta(1, 2, size=200)
        clusters = np.repeat(np.arange(200), draw.integers(1, 9, 200))
        codes = (draw.random(clusters.size) < taste[clusters]).astype(np.int64)
        distribution = clustered_shares(codes, clusters, 2)
        return distribution.shares[1], distribution.covariance[1, 1]

    windows = np.array([window() for _ in range(600)])
    assert windows[:, 1].mean() == pytest.approx(windows[:, 0].var(), rel=0.15)


def test_nothing_present() -> None:
    shares = clustered_shares(np.array([-1, -1]), np.array([0, 1]), 3)
    assert (shares.rows, shares.missing, shares.shares.sum()) == (0, 1.0, 0.0)
    empty = clustered_shares(np.array([], dtype=np.int64), np.array([], dtype=np.int64), 3)
    assert (empty.rows, empty.total) == (0, 0)


def test_without_takes_rows_out() -> None:
    draw = np.random.default_rng(3)
    codes, clusters = draw.integers(-1, 3, 3_000), np.repeat(np.arange(600), 5)
    whole = clustered_shares(codes, clusters, 3)
    part = clustered_shares(codes[:500], clusters[:500], 3)
    rest = clustered_shares(codes[500:], clusters[500:] - 100, 3)
    remaining = without(whole, part)
    assert remaining.shares == pytest.approx(rest.shares)
    assert remaining.missing == pytest.approx(rest.missing)
    assert (remaining.rows, remaining.total, remaining.clusters) == (
        rest.rows,
        rest.total,
        rest.clusters,
    )
    assert np.diag(remaining.covariance) == pytest.approx(np.diag(rest.covariance), rel=0.1)
    assert without(whole, whole).rows == 0


def test_packed_matrix_comes_back() -> None:
    half = np.random.default_rng(1).normal(size=(5, 5))
    matrix = half + half.T
    assert unpack(pack(matrix), 5) == pytest.approx(matrix, rel=1e-6)


def test_categories_are_binned_as_the_words_they_stand_for() -> None:
    words = [f"path_{number % 300}" if number % 7 else None for number in range(3_000)] + ["a"] * 90
    coded = pd.Series(pd.Categorical(words, categories=["never", *sorted(set(words) - {None})]))
    bins = category_bins(coded)
    assert bins == category_bins(words)
    assert category_codes(bins, coded).tolist() == category_codes(bins, words).tolist()
