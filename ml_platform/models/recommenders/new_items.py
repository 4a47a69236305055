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


def filled(columns: np.ndarray, items: Sequence[str], has_users: NDArray[np.bool_]) -> np.ndarray:
    """Replace the columns of items that nobody uses by averages of the others, by likeness of the names.

    Args:
        columns: the columns of all items, shape (any, items).
        items: the names of the items.
        has_users: whether anybody uses the item, shape (items,); all or none: the columns stay as they are.
    """
    if has_users.all() or not has_users.any():
        return columns
    known = [item for item, used in zip(items, has_users, strict=True) if used]
    new = [item for item, used in zip(items, has_users, strict=True) if not used]
    completed = columns.copy()
    completed[:, ~has_users] = columns[:, has_users] @ likeness(new, known).T
    return completed
