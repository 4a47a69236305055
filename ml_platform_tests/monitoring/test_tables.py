import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from ml_platform.errors import InsufficientData
from ml_platform.monitoring.drift.tables import compare_columns


def table(seed: int, rows: int) -> pa.Table:
    draw = np.random.default_rng(seed)
    return pa.table(
        {
            "number": pa.array(draw.normal(0.02 * seed, 1, rows), mask=draw.random(rows) < 0.1),
            "with_nan": np.where(draw.random(rows) < 0.2, np.nan, draw.normal(size=rows).round(1)),
            "level": pa.array(draw.choice(["a", "b", "c", None], rows)),
            "empty": pa.nulls(rows, pa.float64()),
        }
    )


@pytest.mark.parametrize("chunks", [1, 7])
def test_equals_scipy_column_by_column(chunks: int) -> None:
    sides = [table(seed, 5_000) for seed in (1, 2)]
    pieces = [
        pa.concat_tables(
            [side.slice(start, 5_000 // chunks) for start in range(0, 5_000, 5_000 // chunks)]
        )
        for side in sides
    ]
    comparison = compare_columns(
        pieces[0].column,
        pieces[1].column,
        numbers=["number", "with_nan"],
        categories=["level"],
    )
    assert [entry.name for entry in comparison] == ["number", "with_nan", "level"]
    frames = [side.to_pandas() for side in sides]
    for entry in comparison[:2]:
        left, right = (frame[entry.name].dropna() for frame in frames)
        expected = stats.ks_2samp(left, right, method="asymp")
        assert entry.statistic == pytest.approx(expected.statistic)
        assert entry.p_value == pytest.approx(expected.pvalue)
    counts = np.array([frame["level"].value_counts().sort_index() for frame in frames])
    expected = stats.chi2_contingency(counts)
    assert comparison[2].statistic == pytest.approx(expected.statistic)
    assert comparison[2].p_value == pytest.approx(expected.pvalue)
    for entry in comparison:
        shares = [frame[entry.name].isna().mean() for frame in frames]
        assert [entry.missing_reference, entry.missing_current] == pytest.approx(shares)
        missing = np.array([[s * 5_000, 5_000 - s * 5_000] for s in shares])
        p_value = stats.chi2_contingency(missing, correction=False).pvalue
        assert entry.missing_p_value == pytest.approx(p_value, rel=1e-3)


def test_a_column_without_values_is_refused() -> None:
    one = table(1, 500)
    with pytest.raises(InsufficientData, match="there are 0 and 0"):
        compare_columns(one.column, one.column, numbers=["empty"], categories=[])


def test_the_index_of_a_column_is_over_deciles_of_the_reference() -> None:
    """1 to 1,000 in tenths; the current side has all its values in the lowest: by hand."""
    reference = pa.table({"n": np.arange(1.0, 1001.0)})
    now = pa.table({"n": np.arange(1.0, 101.0)})
    (entry,) = compare_columns(reference.column, now.column, numbers=["n"], categories=[])
    # a cut is itself in the lower bin: 101 of 1,000 up to the first one, 99 after the last, 100 in the others
    p = np.array([101, *[100] * 8, 99]) / 1_000
    q = np.array([100, *[0.5] * 9]) / 100
    raw = ((q - p) * np.log(q / p)).sum()
    assert entry.psi == pytest.approx(raw - 9 * (1 / 1_000 + 1 / 100))


def test_levels_that_nobody_has_and_nulls_are_no_levels() -> None:
    codes = pa.array([0, 1, None] * 200, pa.int32())
    coded = pa.DictionaryArray.from_arrays(codes, pa.array(["a", "b", "unused"]))
    nulls_inside = pa.DictionaryArray.from_arrays(
        pa.array([0, 1, 2] * 200, pa.int32()), pa.array(["a", "b", None])
    )
    reference, now = pa.table({"l": coded}), pa.table({"l": nulls_inside})
    (entry,) = compare_columns(reference.column, now.column, numbers=[], categories=["l"])
    assert (entry.statistic, entry.p_value) == (0.0, 1.0)
    assert entry.psi == pytest.approx(-(1 / 400 + 1 / 400))
    assert (entry.missing_reference, entry.missing_current) == (1 - 400 / 600, 1 - 400 / 600)


@pytest.mark.parametrize("swapped", [False, True])
def test_levels_of_one_side_alone_count_and_sides_may_differ_in_rows(swapped: bool) -> None:
    """a 60, b 40, 100 nulls against a 30, c 10, no null: expected by scipy from the same counts."""
    sides = [
        pa.table({"l": ["a"] * 60 + ["b"] * 40 + [None] * 100}),
        pa.table({"l": ["a"] * 30 + ["c"] * 10}),
    ]
    counts, missing = np.array([[60, 40, 0], [30, 0, 10]]), [[100, 100], [0, 40]]
    if swapped:
        sides, counts, missing = sides[::-1], counts[::-1], missing[::-1]
    (entry,) = compare_columns(sides[0].column, sides[1].column, numbers=[], categories=["l"])
    expected = stats.chi2_contingency(counts)
    assert entry.statistic == pytest.approx(expected.statistic)
    assert entry.p_value == pytest.approx(expected.pvalue)
    assert {entry.missing_reference, entry.missing_current} == {0.5, 0.0}
    p_value = stats.chi2_contingency(missing, correction=False).pvalue
    assert entry.missing_p_value == pytest.approx(p_value, rel=0.01)
