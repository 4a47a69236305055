"""The distance of rows to the training part: the mean distance to the nearest training rows.

Numbers are their ranks in the training part; categories and lists are marks of their most frequent words, and a
mark for anything else. A number, a category and a list weigh alike: two that have nothing in common are 1 apart.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.arrays import Array
from ml_platform.evaluation.dimensions.robustness.columns import Column, numbers_of
from ml_platform.models.tokens import token_column, token_matrix
from ml_platform.spec.feature import Kind

if TYPE_CHECKING:
    import pandas as pd

NEIGHBOURS = 5
REFERENCE = 1_000
"""The number of training rows, evenly spaced in time, that distances are measured to."""
WORDS = 20
_HALF = float(np.sqrt(0.5))


@dataclass(frozen=True)
class Distance:
    """Marks of the reference rows and of any others."""

    columns: tuple[Column, ...]
    grids: dict[str, Array]
    """The sorted numbers of the reference."""
    words: dict[str, tuple[str, ...]]
    marks: Array
    """(reference rows, width)."""

    def of(self, rows: "pd.DataFrame") -> Array:
        """Shape (rows,): the mean Euclidean distance to the `NEIGHBOURS` nearest reference rows."""
        from sklearn.neighbors import NearestNeighbors

        count = min(NEIGHBOURS, len(self.marks))
        index = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(self.marks)
        distances, _ = index.kneighbors(marks_of(rows, self.columns, self.grids, self.words))
        return np.asarray(distances.mean(axis=1), dtype=np.float64)


def distance_to(train: "pd.DataFrame", columns: tuple[Column, ...]) -> Distance:
    """Return a function of the distance to `REFERENCE` rows of ``train``."""
    places = np.linspace(0, len(train) - 1, min(len(train), REFERENCE)).astype(np.int64)
    rows = train.iloc[places]
    grids, words = {}, {}
    for column in columns:
        if column.kind is Kind.NUMBER:
            values = numbers_of(rows, column.name)
            grids[column.name] = np.sort(values[np.isfinite(values)])
            continue
        tokens = token_column(rows[column.name], lists=column.kind is Kind.TOKENS)
        counts = np.bincount(tokens.codes, minlength=len(tokens.words))
        order = np.argsort(-counts, kind="stable")[:WORDS].tolist()
        words[column.name] = tuple(tokens.words[i] for i in order if counts[i])
    return Distance(columns, grids, words, marks_of(rows, columns, grids, words))


def marks_of(
    rows: "pd.DataFrame",
    columns: tuple[Column, ...],
    grids: dict[str, Array],
    words: dict[str, tuple[str, ...]],
) -> Array:
    """Shape (rows, width), all in [0, 1]."""
    blocks: list[Array] = []
    for column in columns:
        if column.kind is Kind.NUMBER:
            values, grid = numbers_of(rows, column.name), grids[column.name]
            missing = np.isnan(values)
            below = np.searchsorted(grid, np.nan_to_num(values), side="left")
            upto = np.searchsorted(grid, np.nan_to_num(values), side="right")
            rank = (below + upto) / (2 * max(len(grid), 1))
            blocks += [np.where(missing, 0.5, rank)[:, None], missing[:, None].astype(np.float64)]
        else:
            blocks.append(_words(rows, column, words[column.name]))
    return np.hstack(blocks) if blocks else np.zeros((len(rows), 1))


def _words(rows: "pd.DataFrame", column: Column, words: tuple[str, ...]) -> Array:
    tokens = token_column(rows[column.name], lists=column.kind is Kind.TOKENS)
    index = {word: i for i, word in enumerate(words)}
    marks = np.asarray(token_matrix(tokens, words, index, 1.0).todense(), dtype=np.float64)
    known = np.array([word in index for word in tokens.words] + [True], dtype=bool)
    of_row = np.repeat(np.arange(len(rows)), np.diff(tokens.offsets))
    strange = np.bincount(of_row, weights=~known[tokens.codes], minlength=len(rows)) > 0
    marks = np.column_stack([marks, strange])
    length = np.sqrt(np.maximum((marks**2).sum(axis=1, keepdims=True), 1.0))
    return np.asarray(_HALF * marks / length, dtype=np.float64)
