"""A column as a lookup table: codes of its values, and how well a lookup by code predicts a label."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.features.sample import holds_lists

if TYPE_CHECKING:
    import pandas as pd

MINIMUM_ROWS = 200
"""Rows on either side below which no lookup is evaluated."""
_BINS = 200


@dataclass(frozen=True)
class LookupLabels:
    """The labels of the training and the test rows as codes from 0, for lookups by another column."""

    train: np.ndarray
    test: np.ndarray
    classes: int

    @classmethod
    def of(cls, train: "pd.Series[str]", test: "pd.Series[str]") -> "LookupLabels":
        """The labels of both sides under the same codes."""
        import pandas as pd

        codes, values = pd.factorize(pd.concat([train, test], ignore_index=True), sort=True)
        return cls(codes[: len(train)], codes[len(train) :], len(values))

    def shares(self, train_codes: np.ndarray, width: int) -> np.ndarray:
        """Shares of the classes for each value, shape (values, classes), shrunk by one average row."""
        flat = np.bincount(train_codes * self.classes + self.train, minlength=width * self.classes)
        prior = np.bincount(self.train, minlength=self.classes) / len(self.train)
        counts = flat.reshape(width, self.classes) + prior
        shares: np.ndarray = counts / counts.sum(axis=1, keepdims=True)
        return shares

    def skill(self, train_codes: np.ndarray, test_codes: np.ndarray) -> float:
        """Share of the majority's errors on the test rows that the lookup avoids; 0 without any."""
        majority = np.bincount(self.test, minlength=self.classes).max() / len(self.test)
        best = self.shares(train_codes, _width(train_codes, test_codes)).argmax(axis=1)
        accuracy = (best[test_codes] == self.test).mean()
        return float((accuracy - majority) / (1 - majority)) if majority < 1 else 0.0

    def macro_auc(self, train_codes: np.ndarray, test_codes: np.ndarray) -> float:
        """Mean over the classes with ten test rows on either side; 0 without any.

        Rows of one value are tied, so the areas follow from counts by value.
        """
        shares = self.shares(train_codes, _width(train_codes, test_codes))
        flat = test_codes * self.classes + self.test
        counts = np.bincount(flat, minlength=shares.size).reshape(shares.shape)
        rows, areas = counts.sum(axis=1), []
        for code in range(self.classes):
            count = int(counts[:, code].sum())
            if min(count, len(self.test) - count) < 10:
                continue
            values, tied = np.unique(shares[:, code], return_inverse=True)
            positives = np.bincount(tied, weights=counts[:, code], minlength=len(values))
            negatives = np.bincount(tied, weights=rows, minlength=len(values)) - positives
            below = np.cumsum(negatives) - negatives / 2
            areas.append(float((positives * below).sum() / (count * (len(self.test) - count))))
        return float(np.mean(areas)) if areas else 0.0


def codes_of(train: "pd.Series[str]", test: "pd.Series[str]") -> tuple[np.ndarray, np.ndarray]:
    """Each row's value as a code from 0: numbers with many values by quantile bins of training."""
    import pandas as pd

    both = pd.concat([train, test], ignore_index=True)
    if pd.api.types.is_numeric_dtype(both):
        numbers = both.to_numpy(dtype=np.float64)
        if len(np.unique(numbers[: len(train)])) > _BINS:
            known = numbers[: len(train)]
            edges = np.nanquantile(known, np.arange(1, _BINS) / _BINS)
            numbers = np.where(np.isnan(numbers), -1, np.searchsorted(edges, numbers))
        both = pd.Series(numbers)
    elif holds_lists(both):
        both = both.map(lambda tokens: tokens[0] if len(tokens) else "")
    codes = pd.factorize(both, use_na_sentinel=False)[0]
    return codes[: len(train)], codes[len(train) :]


def _width(train_codes: np.ndarray, test_codes: np.ndarray) -> int:
    return int(max(train_codes.max(), test_codes.max())) + 1
