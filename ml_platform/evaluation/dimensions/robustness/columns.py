"""The feature columns of a training set, and what the training part says of each."""

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
"""Training rows, evenly spaced in time, that words and quantiles are taken from."""
FAR = 10.0
"""Times the largest training value: an extreme."""
LARGE = 0.75
"""Share of the training values below a large one."""


@dataclass(frozen=True)
class Column:
    """One feature that the candidate reads."""

    name: str
    kind: Kind
    family: str


@dataclass(frozen=True)
class Known:
    """What the training part says of the columns, by name."""

    spread: Mapping[str, float]
    """Standard deviation of a number."""
    low: Mapping[str, float]
    high: Mapping[str, float]
    """Smallest and largest number."""
    middle: Mapping[str, float]
    """Median of a number."""
    large: Mapping[str, float]
    """From where a number, or the length of a list, belongs to the largest quarter."""
    words: Mapping[str, "np.ndarray"]
    """Words as often as they occur (categories, entries of lists), shape (occurrences,), strings."""
    usual: Mapping[str, str]
    """The most frequent category."""

    def extreme(self, name: str) -> float:
        """`FAR` times the largest magnitude, at least `FAR`."""
        return FAR * max(abs(self.low[name]), abs(self.high[name]), 1.0)


def columns_of(subject: "EvaluationContext") -> tuple[Column, ...]:
    """What the artifact reads of the columns that both parts have, in the training set's order."""
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
    """What `Known` holds, of the training part; a number that is never there is 0 with spread 1."""
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
    """The column as float64, NaN where one is missing; shape (rows,)."""
    values: Array = rows[name].to_numpy(dtype=np.float64, na_value=np.nan)
    return values
