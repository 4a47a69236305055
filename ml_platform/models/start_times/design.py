"""Rows of candidate times to the columns of a logistic model, by declared arrays learned in training.

A number becomes a line with one bend at its median (and a mark where it is missing), on a logarithm where
it has no upper bound. The local hour becomes a short Fourier series: smooth, and the same at 24 as at 0. A
workflow has a series of its own beside the common one; how far it may lie from it is a prior.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml_platform.arrays import Array, Codes, zero_where_missing
from ml_platform.models.encoding import require_features
from ml_platform.models.tokens import token_column, word_of
from ml_platform.spec.model import PlainRow

if TYPE_CHECKING:
    import pandas as pd


UNIT = "workflow"
"""The feature that names what is started; each value has an hour pattern of its own."""
HOUR_SIN, HOUR_COS = "hour_sin", "hour_cos"
DESIGN_FILE = "design.json"
_TRIM = (0.001, 0.999)
"""Quantiles of the training rows beyond which a number counts as at the quantile."""
_FEW = 32
_ENOUGH = 20
"""Training rows that a category value needs for a column of its own."""


@dataclass(frozen=True)
class NumberColumns:
    """How one number becomes columns: the line, the bend and, if ``missing``, the mark."""

    name: str
    logarithm: bool
    low: float
    high: float
    bend: float
    centre: float
    scale: float
    missing: bool


@dataclass(frozen=True)
class StartTimeDesign:
    """The columns of the model; ``words`` are the values of `UNIT` that training has seen, sorted."""

    numbers: tuple[NumberColumns, ...]
    categories: tuple[tuple[str, tuple[str, ...]], ...]
    """Name and values with a column each; any other value has none."""
    plain: tuple[str, ...]
    """Numbers in [-1, 1] taken as they are; missing is 0."""
    harmonics: int
    words: tuple[str, ...]
    without_spread: tuple[str, ...] = ()
    """Numbers that did not vary in training: inputs like the others, without a column of the model."""

    @property
    def features(self) -> dict[str, str]:
        """Input columns and their kinds, whatever the training rows held in them."""
        lines = (*(each.name for each in self.numbers), *self.without_spread)
        numbers = (*lines, *self.plain, HOUR_SIN, HOUR_COS)
        categories = (UNIT, *(name for name, _ in self.categories))
        return dict.fromkeys(categories, "category") | dict.fromkeys(numbers, "number")

    @property
    def width(self) -> int:
        """Common columns: numbers, categories, then the basis."""
        numbers = sum(3 if each.missing else 2 for each in self.numbers)
        categories = sum(len(values) for _, values in self.categories)
        return numbers + categories + len(self.plain) + self.basis_width

    @property
    def basis_width(self) -> int:
        """1, then a cosine and a sine for each harmonic."""
        return 1 + 2 * self.harmonics

    @cached_property
    def _table(self) -> dict[str, NDArray[Any]]:
        """The numbers as arrays, one entry a number: a row is encoded without a loop over its numbers."""
        kinds = dict.fromkeys(
            ("low", "high", "bend", "centre", "scale"), np.float64
        ) | dict.fromkeys(("logarithm", "missing"), np.bool_)
        return {
            name: np.array([getattr(each, name) for each in self.numbers], dtype=kind)
            for name, kind in kinds.items()
        }

    @cached_property
    def _places(self) -> dict[str, dict[str, int]]:
        listed = (*self.categories, (UNIT, self.words))
        return {name: {word: place for place, word in enumerate(words)} for name, words in listed}

    def transform(self, rows: "pd.DataFrame") -> tuple[Array, Codes]:
        """Common columns (rows, width), the last ``basis_width`` of which are the basis; and unit codes (rows,).

        The code of a unit that training has not seen is the number of units.

        Raises:
            IntegrityError: a feature is not among the columns of ``rows``.
        """
        require_features(rows, self.features)
        names = self._number_names
        numbers = np.empty((len(rows), len(names)))
        for place, name in enumerate(names):
            numbers[:, place] = _numbers(rows, name)
        codes = [_codes(rows[name], self._places[name]) for name, _ in self.categories]
        return self._columns(numbers, codes), _codes(rows[UNIT], self._places[UNIT])

    def transform_row(self, row: PlainRow) -> tuple[Array, Codes]:
        """`transform` of one row of plain values: shapes (1, width) and (1,), to the bit."""
        numbers = np.array([[row[name] for name in self._number_names]], dtype=np.float64)
        codes = [self._row_codes(row, name) for name, _ in self.categories]
        return self._columns(numbers, codes), self._row_codes(row, UNIT)

    def _row_codes(self, row: PlainRow, name: str) -> Codes:
        places = self._places[name]
        return np.array([places.get(word_of(row[name]), len(places))], dtype=np.int64)

    @cached_property
    def _number_names(self) -> tuple[str, ...]:
        """What the columns are made of: those with lines, those taken as they are, then the hour."""
        return (*(each.name for each in self.numbers), *self.plain, HOUR_SIN, HOUR_COS)

    def _columns(self, numbers: Array, codes: Sequence[Codes]) -> Array:
        """Shape (rows, width), from the numbers of `_number_names` and the codes of each of ``categories``."""
        lines, known = len(self.numbers), zero_where_missing(numbers)
        marks = [
            np.eye(len(values) + 1)[code][:, :-1]
            for code, (_, values) in zip(codes, self.categories, strict=True)
        ]
        basis = self._basis(known[:, -2], known[:, -1])
        columns: Array = np.column_stack(
            [self._lines(numbers[:, :lines]), *marks, known[:, lines:-2], *basis]
        )
        return columns

    def _lines(self, values: Array) -> Array:
        """Lines, then bends, then marks, of ``values`` (rows, numbers): standardised, 0 where missing."""
        table = self._table
        unknown = np.isnan(values)
        values = values.copy()
        logarithm = table["logarithm"]
        values[:, logarithm] = _scaled(values[:, logarithm], True)
        values = np.where(unknown, table["centre"], np.clip(values, table["low"], table["high"]))
        lines = (values - table["centre"]) / table["scale"]
        bends = np.where(unknown, 0.0, np.maximum(values - table["bend"], 0.0) / table["scale"])
        return np.concatenate([lines, bends, unknown[:, table["missing"]]], axis=1)

    def _basis(self, sine: Array, cosine: Array) -> list[Array]:
        """cos(k x) and sin(k x) by the recurrence of the angle sum; ``sine`` and ``cosine`` are 0 where missing."""
        basis = [np.ones(len(sine))]
        c, s = cosine, sine
        for _ in range(self.harmonics):
            basis.extend((c, s))
            c, s = c * cosine - s * sine, s * cosine + c * sine
        return basis

    def to_file(self) -> bytes:
        """Canonical JSON."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":")).encode()

    @classmethod
    def from_file(cls, content: bytes) -> "StartTimeDesign":
        """The inverse of `to_file`."""
        loaded = json.loads(content)
        return cls(
            numbers=tuple(NumberColumns(**each) for each in loaded["numbers"]),
            categories=tuple((name, tuple(values)) for name, values in loaded["categories"]),
            plain=tuple(loaded["plain"]),
            harmonics=loaded["harmonics"],
            words=tuple(loaded["words"]),
            without_spread=tuple(loaded["without_spread"]),
        )


def fit_design(
    rows: "pd.DataFrame",
    unbounded: tuple[str, ...],
    shares: tuple[str, ...],
    plain: tuple[str, ...],
    categories: tuple[str, ...],
    harmonics: int,
) -> StartTimeDesign:
    """Centres, scales, bends and words of the training ``rows``; numbers without spread have no columns."""
    numbers = {name: _number_columns(rows, name, True) for name in unbounded}
    numbers |= {name: _number_columns(rows, name, False) for name in shares}
    units = token_column(rows[UNIT], lists=False)
    seen = np.unique(units.codes)
    return StartTimeDesign(
        numbers=tuple(each for each in numbers.values() if each is not None),
        categories=tuple((name, _frequent(rows, name)) for name in categories),
        plain=plain,
        harmonics=harmonics,
        words=tuple(sorted(units.words[code] for code in seen.tolist())),
        without_spread=tuple(name for name, each in numbers.items() if each is None),
    )


def _number_columns(rows: "pd.DataFrame", name: str, logarithm: bool) -> NumberColumns | None:
    values = _numbers(rows, name)
    known = _scaled(values[~np.isnan(values)], logarithm)
    if not len(known) or np.ptp(known) == 0:
        return None
    low, bend, high = np.quantile(known, (_TRIM[0], 0.5, _TRIM[1])).tolist()
    kept = np.clip(known, low, high)
    scale = float(kept.std())
    if scale == 0:
        return None
    missing = bool(len(known) < len(values))
    return NumberColumns(name, logarithm, low, high, bend, float(kept.mean()), scale, missing)


def _frequent(rows: "pd.DataFrame", name: str) -> tuple[str, ...]:
    tokens = token_column(rows[name], lists=False)
    counts = np.bincount(tokens.codes, minlength=len(tokens.words))
    return tuple(
        sorted(word for word, count in zip(tokens.words, counts, strict=True) if count >= _ENOUGH)
    )


def _scaled(values: Array, logarithm: bool) -> Array:
    return np.log1p(np.maximum(values, 0.0)) if logarithm else values


def _numbers(rows: "pd.DataFrame", name: str) -> Array:
    """The column; NaN where it is missing or infinite: both are treated alike."""
    values: Array = rows[name].to_numpy()
    if values.dtype != np.float64:
        values = rows[name].to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isfinite(values), values, np.nan)


def _codes(column: "pd.Series[Any]", place: dict[str, int]) -> Codes:
    """The place of each value, the number of places for any other; few rows take no detour over Arrow."""
    if len(column) <= _FEW:
        words = map(word_of, column.tolist())
        return np.array([place.get(word, len(place)) for word in words], dtype=np.int64)
    tokens = token_column(column, lists=False)
    places = [place.get(word, len(place)) for word in tokens.words]
    codes: Codes = np.array(places, dtype=np.int64)[tokens.codes]
    return codes
