"""Labels of any kind as classes, for checks that ask whether a column predicts the label."""

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.features.sample import holds_lists, token_lists

if TYPE_CHECKING:
    import pandas as pd

TENTHS = np.arange(1, 10) / 10


def with_classes(
    train: "pd.DataFrame", test: "pd.DataFrame", label: str
) -> tuple["pd.DataFrame", "pd.DataFrame"]:
    """Both parts without rows that have no label, their ``label`` as classes.

    A number becomes the tenth of the training part's values that it lies in, a list its first item (or
    nothing, where it is empty).
    """
    import pandas as pd

    train, test = train[train[label].notna()], test[test[label].notna()]
    if pd.api.types.is_numeric_dtype(train[label]):
        edges = np.unique(np.quantile(train[label], TENTHS)) if len(train) else np.zeros(0)
        return _in_tenths(train, label, edges), _in_tenths(test, label, edges)
    if holds_lists(train[label]):
        return _by_first(train, label), _by_first(test, label)
    return train, test


def _in_tenths(rows: "pd.DataFrame", label: str, edges: np.ndarray) -> "pd.DataFrame":
    tenth = np.searchsorted(edges, rows[label].to_numpy(dtype=np.float64), side="left")
    return rows.assign(**{label: tenth.astype(str)})


def _by_first(rows: "pd.DataFrame", label: str) -> "pd.DataFrame":
    first = [items[0] if items else "" for items in token_lists(rows[label])]
    return rows.assign(**{label: np.array(first, dtype=object)})
