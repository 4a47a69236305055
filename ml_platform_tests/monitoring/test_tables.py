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
    found = compare_columns(
        pieces[0].column,
        pieces[1].column,
        numbers=["number", "with_nan"],
        categories=["level"],
    )
    assert [entry.name for entry in found] == ["number", "with_nan", "level"]
    frames = [side.to_pandas() for side in sides]
    for entry in found[:2]:
        left, right = (frame[entry.name].dropna() for frame in frames)
        expected = stats.ks_2samp(left, right, method="asymp")
        assert entry.statistic == pytest.approx(expected.statistic)
        assert entry.p_value == pytest.approx(expected.pvalue)
    counts = np.array([frame["level"].value_counts().sort_index() for frame in frames])
    expected = stats.chi2_contingency(counts)
    assert found[2].statistic == pytest.approx(expected.statistic)
    assert found[2].p_value == pytest.approx(expected.pvalue)
    for entry in found:
        shares = [frame[entry.name].isna().mean() for frame in frames]
        assert [entry.missing_reference, entry.missing_current] == pytest.approx(shares)
        missing = np.array([[s * 5_000, 5_000 - s * 5_000] for s in shares])
        p_value = stats.chi2_contingency(missing, correction=False).pvalue
        assert entry.missing_p_value == pytest.approx(p_value, rel=1e-3)


def test_a_column_without_values_is_refused() -> None:
    one = table(1, 500)
    with pytest.raises(InsufficientData, match="there are 0 and 0"):
        compare_columns(one.column, one.column, numbers=["empty"], categories=[])
