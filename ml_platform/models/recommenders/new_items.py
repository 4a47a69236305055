"""Columns for items that nobody has used yet: an average of those of items with similar names."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_WORD = re.compile(r"[^\W\d_]+")


def name_words(item: str) -> frozenset[str]:
    """The words of an item's name, in lower case, numbers left out: 'bug_fix-01' has 'bug' and 'fix'."""
    return frozenset(word.lower() for word in _WORD.findall(item))


def likeness(new: Sequence[str], known: Sequence[str]) -> NDArray[np.float64]:
    """(new, known) weights that sum to 1: shared words over all words of both names; equal where none is shared."""
    words = [name_words(item) for item in known]
    weights = np.zeros((len(new), len(known)))
    for row, item in enumerate(new):
        new_words = name_words(item)
        weights[row] = [len(new_words & other) / max(len(new_words | other), 1) for other in words]
        if not weights[row].any():
            weights[row] = 1.0
    normalised: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
    return normalised


def filled(columns: np.ndarray, items: Sequence[str], seen: NDArray[np.bool_]) -> np.ndarray:
    """``columns`` (any, items) with those of items not ``seen`` (items,) by their likeness to the seen ones."""
    if seen.all() or not seen.any():
        return columns
    known = [item for item, has in zip(items, seen, strict=True) if has]
    new = [item for item, has in zip(items, seen, strict=True) if not has]
    completed = columns.copy()
    completed[:, ~seen] = columns[:, seen] @ likeness(new, known).T
    return completed


def joined(columns: np.ndarray, items: Sequence[str], new: Sequence[str]) -> np.ndarray:
    """``columns`` (any, items) followed by columns for ``new`` items, by their likeness to the others."""
    return np.hstack([columns, columns @ likeness(new, items).T])
