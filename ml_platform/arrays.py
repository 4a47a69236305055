"""The three kinds of numpy array that signatures name, and sums that do not depend on other rows."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
"""Numbers."""
Codes = npt.NDArray[np.int64]
"""Whole numbers from 0 that stand for words: classes, clusters, users; -1 where there is none."""
Flags = npt.NDArray[np.bool_]
"""Yes or no."""


def row_products(rows: Array, matrix: Array) -> Array:
    """``rows @ matrix``, (n, k) times (k, m), each row by itself: to the bit the same whatever rows come with it.

    BLAS adds in one order for a single row and in another for several, so that ``@`` gives a row other last digits
    in a batch than alone.
    """
    if len(rows) == 1:  # the same product of a vector and a matrix, in half the time
        return np.asarray(rows[0].dot(matrix)[None, :])
    products: Array = (rows[:, None, :] @ matrix)[:, 0, :]
    return products


def zero_where_missing(values: Array) -> Array:
    """The ``values`` with 0 for NaN; for a single row `numpy.nan_to_num` takes four times as long."""
    return np.where(np.isnan(values), 0.0, values)
