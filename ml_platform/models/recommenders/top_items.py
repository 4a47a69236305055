"""The first k items of a ranking and which of them were wanted: shared by fits and evaluators.

A scorer of a ranking predicts one number per item: the higher, the more recommended; an item with a negative
number is not offered at all (the user has it already). Of equal numbers the item that comes first wins, so a
ranking is the same every time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml_platform.models.tokens import token_column

if TYPE_CHECKING:
    import pandas as pd

_FEW = 32
"""Rows up to which plain Python is faster than Arrow."""
NOT_OFFERED = -1.0
"""The number of an item that must not be recommended."""


@dataclass(frozen=True)
class Wanted:
    """The items that turned out to be wanted, row by row."""

    known: NDArray[np.bool_]
    """(rows, items) whether the item was."""
    total: NDArray[np.int64]
    """(rows,) how many were, with those that are no item of the scorer: nobody could have recommended them."""


def wanted(label: "pd.Series[Any]", items: Sequence[str]) -> Wanted:
    """What the lists of ``label`` (rows,) name; a name twice in a list counts once."""
    rows, codes, words = listed(label, items)
    known = np.zeros((len(label), len(items)), dtype=bool)
    inside = codes >= 0
    known[rows[inside], codes[inside]] = True
    # Names that are no item have codes below 0, a different one each.
    pairs = np.unique(np.column_stack([rows, codes]), axis=0)
    total = np.bincount(pairs[:, 0], minlength=len(label)) if words else np.zeros(len(label))
    return Wanted(known, total.astype(np.int64))


def listed(
    column: "pd.Series[Any]", items: Sequence[str], index: dict[str, int] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Row and item of every entry of the lists of ``column``, and how many entries there are.

    An entry that is no item has a code below 0, its own for each name.
    """
    place = {item: i for i, item in enumerate(items)} if index is None else index
    if len(column) <= _FEW and column.dtype == object:
        return _listed_few(column.tolist(), place)
    tokens = token_column(column, lists=True)
    codes = np.array(
        [place.get(word, -1 - i) for i, word in enumerate(tokens.words)] or [0], dtype=np.int64
    )
    rows = np.repeat(np.arange(len(column)), np.diff(tokens.offsets))
    return rows, codes[tokens.codes], len(rows)


def listed_row(words: Sequence[str], place: Mapping[str, int]) -> list[int]:
    """The items of one list of plain values, in its order; an entry that is no item is left out."""
    return [place[word] for word in words if word in place]


def _listed_few(
    lists: list[Any], place: dict[str, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """`listed` without Arrow: a tenth of the time for one row."""
    others: dict[str, int] = {}
    rows, codes = [], []
    for row, entries in enumerate(lists):
        for entry in () if entries is None else entries:
            code = place.get(entry)
            codes.append(others.setdefault(entry, -1 - len(others)) if code is None else code)
            rows.append(row)
    return np.array(rows, dtype=np.int64), np.array(codes, dtype=np.int64), len(rows)


def top_items(scores: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    """(rows, k) the items with the highest numbers, best first; -1 where fewer are offered."""
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    offered = np.take_along_axis(scores, order, axis=1) >= 0.0
    top = np.where(offered, order, -1)
    if top.shape[1] < k:
        top = np.pad(top, ((0, 0), (0, k - top.shape[1])), constant_values=-1)
    return top.astype(np.int64)


def hits(top: NDArray[np.int64], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(rows, k) 1 where the item at that place of the list was wanted, else 0."""
    hit = np.take_along_axis(known, np.maximum(top, 0), axis=1) & (top >= 0)
    return hit.astype(np.float64)


def ndcg_rows(hit: NDArray[np.float64], total: NDArray[np.int64]) -> NDArray[np.float64]:
    """Normalised discounted cumulative gain of each row, gains 0 or 1; 0 where nothing was wanted.

    Source: Jarvelin and Kekalainen (2002); logarithm of base 2 of one plus the place, as in scikit-learn.
    """
    k = hit.shape[1]
    discount = 1.0 / np.log2(np.arange(2, k + 2))
    ideal = np.concatenate([[0.0], np.cumsum(discount)])[np.minimum(total, k)]
    gained = hit @ discount
    ndcg: NDArray[np.float64] = np.zeros(len(hit))
    np.divide(gained, ideal, out=ndcg, where=ideal > 0)
    return ndcg
