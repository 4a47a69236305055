"""A bounded sample of rows that does not depend on their order, and lists of tokens as Python's."""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


def hashed_sample(rows: "pd.DataFrame", key: str, most: int) -> "pd.DataFrame":
    """At most ``most`` rows, those with the smallest hash of ``key``: the same whatever the order."""
    import pandas as pd

    if len(rows) <= most:
        return rows
    hashes = pd.util.hash_pandas_object(rows[key], index=False).to_numpy()
    chosen = np.sort(np.argpartition(hashes, most)[:most])
    return rows.iloc[chosen]


def holds_lists(values: "pd.Series[Any]") -> bool:
    """Whether the first value that is not missing is a list of tokens."""
    held = values.head(1) if values.head(1).notna().all() else values.dropna().head(1)
    return len(held) > 0 and isinstance(held.iloc[0], list | tuple | np.ndarray)


def token_lists(values: "pd.Series[Any]") -> list[list[str]]:
    """Each row's tokens; a missing list has none."""
    rows: list[Any] = values.astype(object).tolist()
    return [list(row) if isinstance(row, list | tuple | np.ndarray) else [] for row in rows]
