"""Two whole tables of independent rows against each other: exact figures of every column, fast.

For a one-off comparison without a stored baseline. Rows that come in clusters need the report
(``monitoring.monitor``): its p-values hold for them, these do not.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ml_platform.monitoring.drift.chi_squared import Floats, two_sample_chi_squared
from ml_platform.monitoring.drift.ks import sorted_ks
from ml_platform.monitoring.drift.missingness import missingness
from ml_platform.monitoring.drift.psi import population_stability_index
from ml_platform.monitoring.weeks import MANY

_BINS = 10


@dataclass(frozen=True)
class ColumnDrift:
    """One column: 'ks' or 'chi2' of the present values, PSI (over deciles, or levels), missingness."""

    name: str
    test: str
    statistic: float
    p_value: float
    psi: float
    missing_reference: float
    missing_current: float
    missing_p_value: float


Columns = Callable[[str], pa.ChunkedArray]
"""Gives a column by its name: ``table.column``, or a reader of a Parquet file."""


def compare_columns(
    reference: Columns,
    current: Columns,
    *,
    numbers: Sequence[str],
    categories: Sequence[str],
    threads: int = 2,
) -> tuple[ColumnDrift, ...]:
    """Every column of ``numbers`` and ``categories``, in that order; both sides are asked from threads.

    The work is sorting, which NumPy does outside the interpreter lock: threads help. Columns are asked
    for one at a time and let go, so with a reader of files a few columns are all the memory it takes.

    Raises:
        InsufficientData: a column has no values, or too few for the PSI, on a side.
    """
    with ThreadPoolExecutor(threads) as pool:
        tests = [pool.submit(_number, name, reference, current) for name in numbers]
        tests += [pool.submit(_category, name, reference, current) for name in categories]
        return tuple(entry.result() for entry in tests)


def _number(name: str, reference: Columns, current: Columns) -> ColumnDrift:
    (left, before), (right, now) = _sorted(reference(name)), _sorted(current(name))
    statistic, p_value = sorted_ks(left, right)
    cuts = np.unique(left[(left.size * np.arange(1, _BINS)) // _BINS])
    psi = population_stability_index(_counts(left, cuts), _counts(right, cuts))
    kept = (left.size, right.size)
    return _column(name, "ks", statistic, p_value, psi, kept, (before, now))


def _sorted(column: pa.ChunkedArray) -> tuple[Floats, int]:
    """Present values in order, and the rows; NumPy sorts NaN (nulls, too) to the end, which is cut off."""
    values = np.empty(len(column))
    start = 0
    for chunk in column.chunks:
        values[start : start + len(chunk)] = chunk.to_numpy(zero_copy_only=False)
        start += len(chunk)
    values.sort()
    present: Floats = values[: int(np.searchsorted(values, np.nan))]
    return present, len(values)


def _counts(ordered: Floats, cuts: Floats) -> Floats:
    edges = np.concatenate([[0], np.searchsorted(ordered, cuts, "right"), [ordered.size]])
    return np.diff(edges).astype(np.float64)


def _category(name: str, reference: Columns, current: Columns) -> ColumnDrift:
    (left, before), (right, now) = _levels(reference(name)), _levels(current(name))
    levels = sorted({*left, *right})
    counts = [np.array([side.get(level, 0.0) for level in levels]) for side in (left, right)]
    statistic, p_value = two_sample_chi_squared(counts[0], counts[1])
    psi = population_stability_index(counts[0], counts[1])
    kept = (int(counts[0].sum()), int(counts[1].sum()))
    return _column(name, "chi2", statistic, p_value, psi, kept, (before, now))


def _levels(column: pa.ChunkedArray) -> tuple[dict[str, float], int]:
    """Present rows by level, and all rows; chunks may have dictionaries of their own."""
    level_counts: dict[str, float] = {}
    for chunk in column.chunks:
        coded = chunk if pa.types.is_dictionary(chunk.type) else chunk.dictionary_encode()
        codes = coded.indices.drop_null().to_numpy(zero_copy_only=False)
        counts = np.bincount(codes, minlength=len(coded.dictionary))
        for level, count in zip(coded.dictionary.to_pylist(), counts.tolist(), strict=True):
            if level is not None and count:
                level_counts[str(level)] = level_counts.get(str(level), 0.0) + count
    return level_counts, len(column)


def _column(
    name: str,
    test: str,
    statistic: float,
    p_value: float,
    psi: float,
    kept: tuple[int, int],
    rows: tuple[int, int],
) -> ColumnDrift:
    pooled = 1 - sum(kept) / sum(rows)
    shares = 1 - kept[0] / rows[0], 1 - kept[1] / rows[1]
    variance = pooled * (1 - pooled) * (1 / rows[0] + 1 / rows[1])
    _, missing_p = missingness(*shares, variance, freedom=MANY)
    return ColumnDrift(name, test, statistic, p_value, psi, *shares, missing_p)
