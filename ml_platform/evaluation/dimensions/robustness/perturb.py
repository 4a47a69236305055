"""Rows made worse on purpose: every function returns new rows and leaves those it was given alone.

What is drawn depends on the seed and on the name of the column, not on the other columns: the same column is
perturbed alike in a model that has others beside it.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np

from ml_platform.arrays import Array, Codes
from ml_platform.evaluation.dimensions.robustness.columns import Column, Known, numbers_of
from ml_platform.models.tokens import TokenColumn, token_column
from ml_platform.spec.feature import Kind

if TYPE_CHECKING:
    import pandas as pd

UNSEEN = "(never seen in training)"
Flags = np.ndarray


def noisy(
    rows: "pd.DataFrame", columns: Iterable[Column], known: Known, level: float, seed: int
) -> "pd.DataFrame":
    """Normal noise of ``level`` standard deviations on numbers, words swapped for others at a like rate.

    Like means: the value before and after have the same correlation, 1 / sqrt(1 + level^2), which a word that
    is replaced by a random one of the training part with probability 1 minus that has.
    """
    rate = swap_rate(level)
    changed: dict[str, Any] = {}
    for column in columns:
        draw = _generator(seed, column.name)
        if column.kind is Kind.NUMBER:
            values = numbers_of(rows, column.name)
            changed[column.name] = values + draw.normal(size=len(values)) * (
                level * known.spread[column.name]
            )
        else:
            changed[column.name] = _swapped(rows, column, known.words[column.name], rate, draw)
    return replaced(rows, changed)


def swap_rate(level: float) -> float:
    """Probability of a swap that keeps the correlation which normal noise of ``level`` keeps: .29 at 1."""
    return 1.0 - 1.0 / float(np.sqrt(1.0 + level**2))


def blanked(rows: "pd.DataFrame", columns: Iterable[Column]) -> "pd.DataFrame":
    """Nothing in any of ``columns``: NaN, no string, an empty list."""
    every = np.ones(len(rows), dtype=bool)
    return replaced(rows, {column.name: blank(rows, column, every) for column in columns})


def blanked_at_random(
    rows: "pd.DataFrame", columns: Iterable[Column], share: float, seed: int
) -> "pd.DataFrame":
    """Each cell missing with probability ``share``, whatever its value."""
    return replaced(
        rows,
        {
            column.name: blank(
                rows, column, _generator(seed, column.name).random(len(rows)) < share
            )
            for column in columns
        },
    )


def blanked_large(rows: "pd.DataFrame", columns: Iterable[Column], known: Known) -> "pd.DataFrame":
    """Numbers, and lists by their length, missing where they are above three quarters of the training part's."""
    changed = {}
    for column in columns:
        if column.kind is Kind.NUMBER:
            size = numbers_of(rows, column.name)
        elif column.kind is Kind.TOKENS:
            size = np.diff(token_column(rows[column.name], lists=True).offsets).astype(np.float64)
        else:
            continue
        changed[column.name] = blank(rows, column, size > known.large[column.name])
    return replaced(rows, changed)


def one_of_each_row(
    rows: "pd.DataFrame",
    columns: tuple[Column, ...],
    spoil: Callable[["pd.DataFrame", Column, Flags], Any],
    seed: int,
) -> "pd.DataFrame":
    """One of ``columns``, drawn row by row, spoilt by ``spoil`` in the rows it was drawn for."""
    drawn = _generator(seed, "one of each row").integers(0, len(columns), len(rows))
    return replaced(
        rows,
        {column.name: spoil(rows, column, drawn == i) for i, column in enumerate(columns)},
    )


def filled(column: Column, rows: "pd.DataFrame", where: Flags, value: Any) -> Any:
    """The column with ``value`` in the rows ``where``."""
    if column.kind is Kind.NUMBER:
        values = numbers_of(rows, column.name)
        return np.where(where, value, values)
    texts = rows[column.name].astype(object).to_numpy(copy=True)
    texts[where] = value
    return texts


def blank(rows: "pd.DataFrame", column: Column, where: Flags) -> Any:
    """Nothing in the rows ``where``: NaN, no string, an empty list."""
    if column.kind is Kind.NUMBER:
        return filled(column, rows, where, np.nan)
    if column.kind is Kind.CATEGORY:
        return filled(column, rows, where, None)
    tokens: TokenColumn = token_column(rows[column.name], lists=True)
    lengths = np.diff(tokens.offsets)
    kept = np.repeat(~where, lengths)
    offsets = np.concatenate([[0], np.cumsum(np.where(where, 0, lengths))]).astype(np.int64)
    return _lists(rows, tokens.words, tokens.codes[kept], offsets)


def unseen(rows: "pd.DataFrame", column: Column, where: Flags) -> Any:
    """A category, or every entry of a list, that the training part does not have."""
    if column.kind is Kind.CATEGORY:
        return filled(column, rows, where, UNSEEN)
    tokens = token_column(rows[column.name], lists=True)
    hit = np.repeat(where, np.diff(tokens.offsets))
    words = (*tokens.words, UNSEEN)
    return _lists(
        rows, words, np.where(hit, len(words) - 1, tokens.codes).astype(np.int64), tokens.offsets
    )


def permuted(rows: "pd.DataFrame", columns: Iterable[Column], seed: int) -> "pd.DataFrame":
    """Each column in an order of its own: every value is ordinary, no row is."""
    changed = {}
    for column in columns:
        order = _generator(seed, column.name).permutation(len(rows))
        changed[column.name] = rows[column.name].iloc[order].set_axis(rows.index)
    return replaced(rows, changed)


def replaced(rows: "pd.DataFrame", changed: dict[str, Any]) -> "pd.DataFrame":
    """``rows`` with the columns ``made`` instead of their own."""
    import pandas as pd

    series = {
        name: values if isinstance(values, pd.Series) else pd.Series(values, index=rows.index)
        for name, values in changed.items()
    }
    return rows.assign(**series)


def _generator(seed: int, name: str) -> np.random.Generator:
    return np.random.default_rng([seed, crc32(name.encode())])


def _swapped(
    rows: "pd.DataFrame", column: Column, pool: Array, rate: float, draw: np.random.Generator
) -> Any:
    if not len(pool):
        return rows[column.name]
    if column.kind is Kind.CATEGORY:
        where = draw.random(len(rows)) < rate
        texts = rows[column.name].astype(object).to_numpy(copy=True)
        texts[where] = pool[draw.integers(0, len(pool), int(where.sum()))]
        return texts
    tokens = token_column(rows[column.name], lists=True)
    hit = draw.random(len(tokens.codes)) < rate
    others, code = np.unique(
        pool[draw.integers(0, len(pool), int(hit.sum()))].astype(str), return_inverse=True
    )
    codes = tokens.codes.copy()
    codes[hit] = len(tokens.words) + code
    return _lists(rows, (*tokens.words, *others.tolist()), codes, tokens.offsets)


def _lists(rows: "pd.DataFrame", words: tuple[str, ...], codes: Codes, offsets: Codes) -> Any:
    """A column of lists as the training set's file has them: Arrow lists of dictionary strings."""
    import pandas as pd
    import pyarrow as pa

    entries = pa.DictionaryArray.from_arrays(
        pa.array(codes.astype(np.int32)), pa.array(words, type=pa.string())
    )
    lists = pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), entries)
    return pd.Series(pd.arrays.ArrowExtensionArray(pa.chunked_array([lists])), index=rows.index)
