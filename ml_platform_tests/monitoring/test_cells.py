"""Cells of six hours make the week to the bit, and a session across a boundary counts once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_platform.errors import IntegrityError
from ml_platform.monitoring.cells import Cell, count_cell, counted_window, merge_cells
from ml_platform.monitoring.distribution import clustered_shares

BINS = (3, 1, 5)
Rows = tuple[np.ndarray, np.ndarray, list[np.ndarray]]


def cells_of(cell: np.ndarray, clusters: np.ndarray, codes: list[np.ndarray]) -> list[Cell]:
    """The cells of some rows; the clusters of several cells are left open."""
    keys = np.unique(clusters)
    crossing = keys[[np.unique(cell[clusters == key]).size > 1 for key in keys]]
    return [
        count_cell(
            [code[cell == number] for code in codes], BINS, clusters[cell == number], crossing
        )
        for number in np.unique(cell)
    ]


def test_a_session_across_a_boundary_counts_once_by_hand() -> None:
    # cluster 7: bins 0, 1 | 1, and cluster 8 alone in the second cell: counts (1, 2) and (0, 1)
    first = count_cell(
        [np.array([0, 1])], [2], np.array([7, 7], np.uint64), np.array([7], np.uint64)
    )
    second = count_cell(
        [np.array([1, 1])], [2], np.array([7, 8], np.uint64), np.array([7], np.uint64)
    )
    week = merge_cells([first, second])
    (sums,) = week.totals()
    assert (week.rows, week.clusters, sums.clusters, sums.filled) == (4, 2, 2, 2)
    assert sums.counts.tolist() == [0, 1, 3]
    assert sums.products.tolist() == [[0, 0, 0], [0, 1, 2], [0, 2, 5]]


@st.composite
def rows_in_cells(draw: st.DrawFn) -> Rows:
    count = draw(st.integers(1, 60))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    clusters = generator.integers(0, draw(st.integers(1, 30)), count).astype(np.uint64)
    cell = generator.integers(0, draw(st.integers(1, 6)), count)
    return cell, clusters, [generator.integers(-1, bins, count) for bins in BINS]


@given(rows_in_cells(), st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_merged_cells_are_the_cell_of_all_rows(rows: Rows, order) -> None:
    cell, clusters, codes = rows
    cells = cells_of(cell, clusters, codes)
    order.shuffle(cells)
    half = len(cells) // 2
    merged = [merge_cells(part) for part in (cells[:half], cells[half:]) if part]
    week, whole = merge_cells(merged), count_cell(codes, BINS, clusters)
    assert (
        (week.rows, week.clusters)
        == (whole.rows, whole.clusters)
        == (
            len(cell),
            np.unique(clusters).size,
        )
    )
    for mine, other in zip(week.totals(), whole.totals(), strict=True):
        assert np.array_equal(mine.counts, other.counts)
        assert np.array_equal(mine.products, other.products)
        assert (mine.clusters, mine.filled) == (other.clusters, other.filled)


@given(rows_in_cells())
@settings(max_examples=100, deadline=None)
def test_their_shares_are_those_of_the_rows_to_the_bit(rows: Rows) -> None:
    cell, clusters, codes = rows
    names = ["a", "b", "c"]
    merged = merge_cells(cells_of(cell, clusters, codes))
    counted = counted_window({"cluster_id": merged}, {"cluster_id": names})
    numbers = np.unique(clusters, return_inverse=True)[1]
    for name, code, bins in zip(names, codes, BINS, strict=True):
        mine, direct = counted.shares[name], clustered_shares(code, numbers, bins)
        assert np.array_equal(mine.shares, direct.shares)
        assert np.array_equal(mine.covariance, direct.covariance)
        assert (mine.rows, mine.total, mine.clusters) == (
            direct.rows,
            direct.total,
            direct.clusters,
        )
        assert (mine.missing, mine.missing_variance) == (direct.missing, direct.missing_variance)


def test_sums_beyond_single_precision_are_exact() -> None:
    clusters = np.zeros(20_001, dtype=np.uint64)
    (sums,) = count_cell([np.zeros(20_001, dtype=np.int64)], [1], clusters).totals()
    assert sums.products[1, 1] == 20_001**2


@pytest.mark.parametrize("crossing", [None, np.array([7], np.uint64)])
def test_a_closed_cluster_with_rows_in_another_cell_is_refused(crossing) -> None:
    codes, keys = [np.array([0])], np.array([7], np.uint64)
    cells = [count_cell(codes, [2], keys), count_cell(codes, [2], keys, crossing)]
    with pytest.raises(IntegrityError, match="1 clusters of a cell that had closed them"):
        merge_cells(cells)


def test_cells_of_other_bins_are_refused() -> None:
    keys = np.array([7], np.uint64)
    cells = [count_cell([np.array([0])], [bins], keys + np.uint64(bins)) for bins in (2, 3)]
    with pytest.raises(IntegrityError, match="2 cells have 2 kinds of bins"):
        merge_cells(cells)
