"""Columns of strings, or of lists of strings, as sparse matrices over a vocabulary."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ml_platform.training_sets.coded_column import MISSING, coded_column

if TYPE_CHECKING:
    import pandas as pd
    from scipy import sparse


@dataclass(frozen=True)
class TokenColumn:
    """Row ``i`` holds ``words[codes[offsets[i]:offsets[i + 1]]]``, in the order of the list."""

    words: tuple[str, ...]
    codes: np.ndarray
    offsets: np.ndarray


def token_column(column: "pd.Series[Any]", *, lists: bool) -> TokenColumn:
    """The tokens of each row; a missing list has none, a missing string is the word `MISSING`.

    Args:
        column: shape (rows,), lists of strings (Python's, numpy's or Arrow's), or strings (also as categories).
        lists: whether it holds lists.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if not lists:
        coded = coded_column(column)
        return TokenColumn(coded.words, coded.codes, np.arange(len(column) + 1, dtype=np.int64))
    array = pa.Array.from_pandas(column, type=None if len(column) else pa.list_(pa.string()))
    if isinstance(array, pa.ChunkedArray):
        array = array.unify_dictionaries().combine_chunks()
    if pa.types.is_null(array.type) or pa.types.is_null(array.type.value_type):
        return TokenColumn((), np.empty(0, np.int64), np.zeros(len(column) + 1, np.int64))
    lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False)
    encoded = pc.list_flatten(array)
    if not pa.types.is_dictionary(encoded.type):
        encoded = encoded.cast(pa.string()).dictionary_encode()
    offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    words = encoded.dictionary.to_pylist()
    codes = pc.fill_null(encoded.indices, len(words)).to_numpy(zero_copy_only=False)
    return TokenColumn((*words, MISSING), codes.astype(np.int64), offsets)


def word_of(value: object) -> str:
    """The word of a category's plain value."""
    return value if isinstance(value, str) else MISSING


def words_of(value: Any) -> Sequence[str]:
    """The words of a plain list; none where it is missing."""
    return () if value is None else value


def vocabulary(tokens: TokenColumn, weights: np.ndarray, minimum: float) -> tuple[str, ...]:
    """The words, sorted, that occur in rows of at least ``minimum`` weight together."""
    rows = np.repeat(np.arange(len(tokens.offsets) - 1), np.diff(tokens.offsets))
    weight = np.bincount(tokens.codes, weights=weights[rows], minlength=len(tokens.words))
    kept = np.flatnonzero(weight >= minimum - 1e-9)
    return tuple(sorted({tokens.words[i] for i in kept.tolist()}))


def token_matrix(
    tokens: TokenColumn, words: Sequence[str], index: dict[str, int], decay: float
) -> "sparse.csr_matrix":
    """Shape (rows, words): ``decay`` to the power of the token's place in its list; unknown words left out.

    A word that occurs again in a list counts at most once. Its places are added from the first to the last, so that
    a row has the same numbers in every batch.
    """
    from scipy import sparse

    place = np.array([index.get(word, -1) for word in tokens.words] + [-1], dtype=np.int64)
    known = place[tokens.codes]
    lengths = np.diff(tokens.offsets)
    rows = np.repeat(np.arange(len(lengths)), lengths)
    positions = np.arange(len(known)) - np.repeat(tokens.offsets[:-1], lengths)
    keep = known >= 0
    width = max(len(words), 1)
    entries, entry = np.unique(rows[keep] * width + known[keep], return_inverse=True)
    data = np.minimum(np.bincount(entry, weights=faded(decay, positions[keep])), 1.0)
    ends = np.cumsum(np.bincount(entries // width, minlength=len(lengths)))
    offsets = np.concatenate([[0], ends])
    return sparse.csr_matrix((data, entries % width, offsets), shape=(len(lengths), len(words)))


def word_row(
    words: Sequence[str], index: Mapping[str, int], decay: float
) -> tuple[list[int], np.ndarray]:
    """The row of `token_matrix` for one list: columns, ascending, and how much the word of each counts."""
    fading = faded(decay, np.arange(len(words))).tolist() if decay != 1.0 else None
    counts: dict[int, float] = {}
    for place, word in enumerate(words):
        column = index.get(word)
        if column is not None:
            counts[column] = counts.get(column, 0.0) + (fading[place] if fading else 1.0)
    columns = sorted(counts)
    return columns, np.array([min(counts[column], 1.0) for column in columns])


def faded(decay: float, places: np.ndarray) -> np.ndarray:
    """What a word counts at each of ``places`` of its list, from 0: ``decay`` to the power of the place."""
    counts: np.ndarray = np.power(decay, places).astype(np.float64)
    return counts
