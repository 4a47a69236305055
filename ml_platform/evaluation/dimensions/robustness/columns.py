"""The feature columns of a training set, with statistics of the training part."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ml_platform.arrays import Array
from ml_platform.models.tokens import token_column
from ml_platform.spec.feature import Kind
from ml_platform.training_sets.coded_column import MISSING

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.evaluation.dimensions.registry import EvaluationContext

DONORS = 20_000
"""The number of training rows, evenly spaced in time, from which words and quantiles are taken."""
FAR = 10.0
"""The factor on the largest training value that makes an extreme value."""
LARGE = 0.75
"""The share of the training values that lie below a large value."""


@dataclass(frozen=True)
class Column:
    """One feature that the candidate reads."""

    name: str
    kind: Kind
    family: str


@dataclass(frozen=True)
class Known:
    """Statistics of the training part's columns, by name."""

    spread: Mapping[str, float]
    """The standard deviation of each numeric column."""
    low: Mapping[str, float]
    high: Mapping[str, float]
    """The smallest and the largest value of each numeric column."""
    middle: Mapping[str, float]
    """The median of each numeric column."""
    large: Mapping[str, float]
    """The value of a number, or length of a list, from which on it belongs to the largest quarter."""
    words: Mapping[str, "np.ndarray"]
    """The words as often as they occur (categories, entries of lists), shape (occurrences,), strings."""
    usual: Mapping[str, str]
    """The most frequent category."""

    def extreme(self, name: str) -> float:
        """`FAR` times the largest magnitude, at least `FAR`."""
        return FAR * max(abs(self.low[name]), abs(self.high[name]), 1.0)


def columns_of(subject: "EvaluationContext") -> tuple[Column, ...]:
    """Return the columns of both parts that the artifact reads, in the training set's order."""
    training_set = subject.training_set
    declared = {feature.name: feature for feature in subject.spec.table.features}
    reads = subject.artifact.features if subject.artifact else training_set.record.features
    columns = []
    for name in training_set.record.features:
        if name not in reads or name not in training_set.train or name not in training_set.test:
            continue
        feature = declared.get(name)
        kind = feature.kind if feature else _kind(training_set.train[name])
        columns.append(Column(name, kind, feature.family.value if feature else "undeclared"))
    return tuple(columns)


def _kind(column: "pd.Series[Any]") -> Kind:
    from pandas.api.types import is_numeric_dtype

    if is_numeric_dtype(column.dtype):
        return Kind.NUMBER
    present = column.dropna()
    lists = len(present) and not isinstance(present.iloc[0], str)
    return Kind.TOKENS if lists else Kind.CATEGORY


def known_of(train: "pd.DataFrame", columns: tuple[Column, ...]) -> Known:
    """Compute `Known` from the training part; a numeric column without a value is 0 with a spread of 1."""
    places = np.linspace(0, len(train) - 1, min(len(train), DONORS)).astype(np.int64)
    donors = train.iloc[places]
    numbers = [column.name for column in columns if column.kind is Kind.NUMBER]
    low: dict[str, float] = {}
    high, middle, spread, large = dict(low), dict(low), dict(low), dict(low)
    for name in numbers:
        values = numbers_of(train, name)
        values = values[np.isfinite(values)]
        values = values if len(values) else np.zeros(1)
        low[name], high[name] = float(values.min()), float(values.max())
        middle[name] = float(np.median(values))
        spread[name] = float(values.std()) or 1.0
        large[name] = float(np.quantile(values, LARGE))
    words: dict[str, np.ndarray] = {}
    usual: dict[str, str] = {}
    for column in columns:
        if column.kind is Kind.NUMBER:
            continue
        tokens = token_column(donors[column.name], lists=column.kind is Kind.TOKENS)
        pool = np.array([*tokens.words, ""], dtype=object)[tokens.codes]
        words[column.name] = pool[pool != MISSING]
        if column.kind is Kind.TOKENS:
            large[column.name] = float(np.quantile(np.diff(tokens.offsets), LARGE))
        else:
            counts = np.bincount(tokens.codes, minlength=len(tokens.words))
            usual[column.name] = tokens.words[int(counts.argmax())] if len(counts) else MISSING
    return Known(spread, low, high, middle, large, words, usual)


def numbers_of(rows: "pd.DataFrame", name: str) -> Array:
    """Return the column as float64, shape (rows,); NaN where a value is missing."""
    values: Array = rows[name].to_numpy(dtype=np.float64, na_value=np.nan)
    return values
