"""Scores rows some at a time, so that the memory of their encoding is bounded."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.arrays import Array

if TYPE_CHECKING:
    import pandas as pd


def in_chunks(
    rows: "pd.DataFrame", columns: int, size: int, score: "Callable[[pd.DataFrame], Array]"
) -> Array:
    """The results of ``score`` on at most ``size`` rows at a time, shape (rows, columns), float64."""
    scores = np.empty((len(rows), columns))
    for start in range(0, len(rows), size):
        # Slicing copies a row's every column, which would double the latency of a single row.
        part = rows if len(rows) <= size else rows.iloc[start : start + size]
        scores[start : start + size] = score(part)
    return scores
