"""One column as the checks need it: numbers, or codes of values, beside what is missing of it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ml_platform.features.sample import holds_lists, token_lists
from ml_platform.spec.feature import Kind

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Column:
    """The sampled rows of a feature.

    ``codes`` is -1 where the value is missing (a list: where it is empty), else its number from 0.
    """

    name: str
    kind: Kind
    codes: np.ndarray
    numbers: np.ndarray | None
    """float64, NaN where missing or infinite; of numbers alone."""
    tokens: int = 0
    """Tokens of all lists."""
    distinct_tokens: int = 0

    @property
    def known(self) -> np.ndarray:
        """Codes of the values that are not missing."""
        held: np.ndarray = self.codes[self.codes >= 0]
        return held

    @property
    def distinct(self) -> int:
        """Values that differ."""
        return int(self.codes.max()) + 1 if len(self.codes) else 0

    @property
    def top_share(self) -> float:
        """Share of the most frequent value among those that are not missing; 0 without any."""
        known = self.known
        return float(np.bincount(known).max() / len(known)) if len(known) else 0.0


def kind_of(values: "pd.Series[Any]") -> Kind:
    """The kind of a column without a `FeatureSpec`, told by its values."""
    import pandas as pd

    if holds_lists(values):
        return Kind.TOKENS
    return Kind.NUMBER if pd.api.types.is_numeric_dtype(values) else Kind.CATEGORY


def column(values: "pd.Series[Any]", kind: Kind) -> Column:
    """The column as codes."""
    import pandas as pd

    name = str(values.name)
    if kind is Kind.TOKENS:
        lists = token_lists(values)
        joined = pd.Series(["\x1f".join(row) if row else None for row in lists], dtype=object)
        words = [word for row in lists for word in row]
        codes = pd.factorize(joined)[0]
        return Column(name, kind, codes, None, len(words), len(set(words)))
    if kind is Kind.NUMBER:
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        finite = np.where(np.isfinite(numbers), numbers, np.nan)
        return Column(name, kind, pd.factorize(finite)[0], finite)
    return Column(name, kind, pd.factorize(values.astype(object))[0], None)
