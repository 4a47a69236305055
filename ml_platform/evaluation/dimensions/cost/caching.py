"""The hit rate that a cache of predictions would have."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 20_000


def repeated_share(rows: "pd.DataFrame", features: Iterable[str]) -> float:
    """Share of ``rows`` (in order of time, at most the first 20,000) whose features an earlier row had alike.

    That is the hit rate of a cache without a limit to its size, in [0, 1]; lists count by their content.
    """
    import pandas as pd

    part = rows.iloc[:MOST_ROWS]
    columns = {name: _comparable(part[name]) for name in features}
    return float(pd.DataFrame(columns).duplicated().mean())


def _comparable(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return hashable values, with lists as tuples."""
    first = next((value for value in column if value is not None), None)
    if isinstance(first, list | tuple | np.ndarray):
        return column.map(
            lambda value: tuple(value) if isinstance(value, list | np.ndarray) else value
        )
    return column
