"""How far rows lie on the suspicious side of the usual: the scaler of the anomaly detector, as declared numbers.

A number is centred at the median of the training rows and divided by their interquartile range (scikit-learn's
`RobustScaler`, which a few anomalies in the training part do not move). Of a feature with a suspicious side
what lies on the other side counts as 0, and so does a missing number.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ml_platform.arrays import Array, zero_where_missing
from ml_platform.models.encoding import require_features
from ml_platform.spec.model import PlainRow

if TYPE_CHECKING:
    import pandas as pd

Matrix = npt.NDArray[np.float32]

DEVIATIONS_FILE = "deviations.json"
HIGH, LOW, BOTH = 1, -1, 0
"""Which side of the usual is suspicious."""


@dataclass(frozen=True)
class Deviations:
    """``sides`` by feature, and what was learned of each."""

    sides: Mapping[str, int]
    centres: tuple[float, ...]
    scales: tuple[float, ...]

    @property
    def features(self) -> dict[str, str]:
        """Input columns and their kinds."""
        return dict.fromkeys(self.sides, "number")

    def transform(self, rows: "pd.DataFrame") -> Matrix:
        """Shape (rows, features), float32, finite.

        Raises:
            IntegrityError: a feature is not among the columns of ``rows``.
        """
        require_features(rows, self.features)
        return self.of_numbers(numbers(rows, tuple(self.sides)))

    def of_numbers(self, values: Array) -> Matrix:
        """`transform` for ``values`` (rows, features) in the order of ``sides``; NaN stands for a missing value."""
        scaled = (values - np.array(self.centres)) / np.array(self.scales)
        side = np.array(list(self.sides.values()))
        scaled = np.where(side == BOTH, scaled, np.maximum(scaled * side, 0.0))
        matrix: Matrix = np.clip(zero_where_missing(scaled), -1e30, 1e30).astype(np.float32)
        return matrix

    def to_file(self) -> bytes:
        """Canonical JSON."""
        content = {**asdict(self), "sides": list(self.sides.items())}
        return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()

    @classmethod
    def from_file(cls, content: bytes) -> "Deviations":
        """The scaler that `to_file` wrote."""
        loaded = json.loads(content)
        return cls(dict(loaded["sides"]), tuple(loaded["centres"]), tuple(loaded["scales"]))


def fit_deviations(values: Array, sides: Mapping[str, int]) -> Deviations:
    """Medians and interquartile ranges of ``values`` (rows, features).

    A constant column has a range of 1, one without any value a median of 0 as well.
    """
    from sklearn.preprocessing import RobustScaler

    scaler = RobustScaler().fit(np.where(np.isnan(values).all(axis=0), 0.0, values))
    return Deviations(dict(sides), tuple(scaler.center_.tolist()), tuple(scaler.scale_.tolist()))


def row_numbers(row: PlainRow, names: Iterable[str]) -> Array:
    """`numbers` of one row of plain values, shape (1, names)."""
    return np.array([[row[name] for name in names]], dtype=np.float64)


def numbers(rows: "pd.DataFrame", names: tuple[str, ...]) -> Array:
    """The columns as float64, NaN where one is missing; shape (rows, names)."""
    columns = [rows[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in names]
    return np.column_stack(columns) if columns else np.empty((len(rows), 0))
