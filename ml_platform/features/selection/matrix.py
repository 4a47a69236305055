"""A bounded sample of the training part as a matrix: a feature is one column, or a few where it is a list."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ml_platform.errors import InsufficientData
from ml_platform.features.leakage_report import KeyColumns
from ml_platform.features.leaking_labels import with_classes
from ml_platform.features.quality.column import kind_of
from ml_platform.features.sample import token_lists
from ml_platform.spec.feature import Kind

if TYPE_CHECKING:
    import pandas as pd

ROWS = 5_000
HELD_OUT = 0.25
MINIMUM_ROWS = 200
CLASSES = 12
"""The most frequent ones; the others are one class more."""
VALUES = 30
TOKENS = 8
"""Most frequent tokens of a list whose presence is a column each."""
_BINS = 5
_MISSING = -0.25
"""Below the ranks, which lie in [0, 1]."""


@dataclass(frozen=True)
class Sample:
    """Rows in order of time, the newest quarter of them held out.

    ``columns`` (rows, k) are ranks in [0, 1] of numbers and codes by frequency of categories; ``bins`` (rows, k)
    are the same as few codes; ``owner`` (k,) is the place of the feature in ``features``; ``ordered`` (k,) says
    whether a column is a number. ``target`` (rows, m) is the number, or the classes one-hot; ``classes`` (rows,)
    are the codes, or tenths of the number. ``first`` marks one row per cluster.
    """

    features: tuple[str, ...]
    columns: np.ndarray
    bins: np.ndarray
    owner: np.ndarray
    ordered: np.ndarray
    target: np.ndarray
    classes: np.ndarray
    clusters: np.ndarray
    first: np.ndarray
    fitted: int
    """Rows before those held out."""

    def of(self, feature: int) -> np.ndarray:
        """The columns of the feature."""
        return np.flatnonzero(self.owner == feature)


def take_sample(
    train: "pd.DataFrame", label: str, features: tuple[str, ...], keys: KeyColumns
) -> Sample:
    """At most `ROWS` labelled rows, one of each cluster before a second of any.

    Raises:
        InsufficientData: no feature, fewer than `MINIMUM_ROWS` labelled rows, or one class (or number) alone.
    """
    import pandas as pd

    known = train[train[label].notna()]
    if not features:
        raise InsufficientData(
            "No feature is left to select from.", remedy="materialise the features of the model"
        )
    if len(known) < MINIMUM_ROWS:
        raise InsufficientData(
            f"{len(known)} labelled training rows are too few to select features, needed are {MINIMUM_ROWS}.",
            remedy="ingest more labelled events",
        )
    rows, first = _spread(known, keys)
    classes = pd.factorize(with_classes(rows, rows, label)[0][label], sort=True)[0]
    classes = _frequent(classes, CLASSES)
    if pd.api.types.is_numeric_dtype(rows[label]):
        target = rows[label].to_numpy(dtype=np.float64)[:, None]
    else:
        target = np.eye(int(classes.max()) + 1)[classes]
    fitted = len(rows) - int(len(rows) * HELD_OUT)
    if target[:fitted].std(axis=0).max() == 0 or target[fitted:].std(axis=0).max() == 0:
        raise InsufficientData(
            f"{label} has one value alone in {len(rows)} training rows.",
            remedy="ingest a longer period, in which the label varies",
        )
    parts = [_columns(rows[name]) for name in features]
    widths = [part[0].shape[1] for part in parts]
    return Sample(
        features=features,
        columns=np.hstack([part[0] for part in parts]),
        bins=np.hstack([part[1] for part in parts]),
        owner=np.repeat(np.arange(len(features)), widths),
        ordered=np.concatenate([part[2] for part in parts]),
        target=target,
        classes=classes,
        clusters=pd.factorize(rows[keys.cluster])[0],
        first=first,
        fitted=fitted,
    )


def _spread(known: "pd.DataFrame", keys: KeyColumns) -> tuple["pd.DataFrame", np.ndarray]:
    """The sample in order of time, and which of its rows is the one of its cluster."""
    import pandas as pd

    hashes = pd.util.hash_pandas_object(known[keys.row], index=False).to_numpy()
    mixed = known.iloc[np.argsort(hashes, kind="stable")]
    again = mixed[keys.cluster].duplicated().to_numpy()
    order = np.argsort(again, kind="stable")[:ROWS]
    chosen, first = mixed.iloc[order], ~again[order]
    by_time = np.lexsort((chosen[keys.row].to_numpy(str), chosen[keys.time].astype("int64")))
    return chosen.iloc[by_time], first[by_time]


def _frequent(codes: np.ndarray, most: int) -> np.ndarray:
    """Codes by frequency (0: the most frequent), those beyond ``most`` as one; ties by the code."""
    values, counts = np.unique(codes, return_counts=True)
    place = np.empty(len(values), dtype=np.int64)
    place[np.lexsort((values, -counts))] = np.arange(len(values))
    merged: np.ndarray = np.minimum(place[np.searchsorted(values, codes)], most)
    return merged


def _columns(values: "pd.Series[Any]") -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Columns, bins and whether each is ordered, of one feature."""
    import pandas as pd

    kind = kind_of(values)
    if kind is Kind.NUMBER:
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        parts = [_number(np.where(np.isfinite(numbers), numbers, np.nan))]
    elif kind is Kind.CATEGORY:
        parts = [_category(pd.factorize(values.astype(object), sort=True)[0])]
    else:
        parts = _of_lists(token_lists(values))
    return (
        np.stack([part[0] for part in parts], axis=1),
        np.stack([part[1] for part in parts], axis=1),
        np.array([part[2] for part in parts]),
    )


def _number(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray, bool]:
    import pandas as pd

    ranks = pd.Series(numbers).rank(pct=True).to_numpy()
    held = np.where(np.isnan(ranks), _MISSING, ranks)
    bins = np.where(np.isnan(ranks), _BINS, np.ceil(np.nan_to_num(ranks) * _BINS) - 1)
    return held, bins.astype(np.int64), True


def _category(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray, bool]:
    return _frequent(codes, VALUES).astype(np.float64), _frequent(codes, 2 * _BINS), False


def _of_lists(lists: list[list[str]]) -> list[tuple[np.ndarray, np.ndarray, bool]]:
    """Length, first and last token, presence of the most frequent ones."""
    import pandas as pd

    first = pd.factorize(np.array([row[0] if row else "" for row in lists], dtype=object))[0]
    last = pd.factorize(np.array([row[-1] if row else "" for row in lists], dtype=object))[0]
    parts = [_number(np.array([len(row) for row in lists], dtype=np.float64))]
    parts += [_category(first), _category(last)]
    counts: dict[str, int] = {}
    for row in lists:
        for word in set(row):
            counts[word] = counts.get(word, 0) + 1
    frequent = sorted(counts, key=lambda word: (-counts[word], word))[:TOKENS]
    for word in frequent:
        held = np.array([word in row for row in lists])
        parts.append((held.astype(np.float64), held.astype(np.int64), True))
    return parts
