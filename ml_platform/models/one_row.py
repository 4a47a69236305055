"""One row of plain values, without a data frame: what may stand in it, and its scores by any scorer.

`RowFields` reads what somebody sends and refuses what is not in the contract of the artifact. A scorer of the
platform answers the row itself (`ml_platform.spec.model.RowScorer`); a scorer that cannot, such as one of a
plug-in, is asked for a batch of one row, which takes milliseconds and gives the same numbers.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ml_platform.arrays import Array
from ml_platform.errors import RowRefused
from ml_platform.models.artifact_kinds import scorer_of
from ml_platform.models.encoding import require_features
from ml_platform.models.tokens import word_of
from ml_platform.spec.artifact import Artifact
from ml_platform.spec.feature import Kind
from ml_platform.spec.model import PlainRow, RowScorer, Scorer

if TYPE_CHECKING:
    import pandas as pd

_LISTS = (list, tuple, np.ndarray)
_TEXT = {str}
_MOST_NAMED = 5
"""Fields at fault that a refusal names."""


@dataclass(frozen=True)
class RowFields:
    """The fields of a row: each name with its kind, 'number', 'category' or 'tokens'."""

    kinds: Mapping[str, str]

    def read(self, values: Mapping[str, object]) -> PlainRow:
        """The values as scorers take them: finite floats, texts, lists of texts, ``None`` where there is none.

        Raises:
            RowRefused: a field is missing or unknown, has a value of another kind, or a number that is not finite.
        """
        if values.keys() != self._names:
            raise self._refusal(values)
        row: dict[str, float | str | list[str] | None] = {}
        for name in self._of[Kind.NUMBER]:
            value = values[name]
            if value is not None and type(value) is not float:
                value = _as_float(value)
            if value is not None and not math.isfinite(value):
                raise self._refusal(values)
            row[name] = value
        for name in self._of[Kind.CATEGORY]:
            word = values[name]
            if word is not None and not isinstance(word, str):
                raise self._refusal(values)
            row[name] = word
        for name in self._of[Kind.TOKENS]:
            words = values[name]
            if words is not None and not _is_list_of_texts(words):
                raise self._refusal(values)
            row[name] = cast("list[str] | None", words)
        return row

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(self.kinds)

    @cached_property
    def _of(self) -> dict[Kind, tuple[str, ...]]:
        return {kind: tuple(name for name, of in self.kinds.items() if of == kind) for kind in Kind}

    def _refusal(self, values: Mapping[str, object]) -> RowRefused:
        """The error that names every field at fault, the first few by name."""
        problems = [f"{name} is missing" for name in self.kinds if name not in values]
        problems += [f"{name} is no feature" for name in values if name not in self.kinds]
        for name, kind in self.kinds.items():
            if name in values and (problem := _problem(values[name], Kind(kind))):
                problems.append(f"{name} {problem}")
        left = len(problems) - _MOST_NAMED
        more = [f"{left} more"] if left > 0 else []
        return RowRefused(
            (*problems[:_MOST_NAMED], *more),
            remedy="send every feature of the model and nothing else: finite numbers, texts, lists of texts, "
            "and null where there is none",
        )


def _as_float(value: object) -> float:
    """The number as a float; NaN, which is refused, for what is none (``True`` is none) or too large."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.nan


def _is_list_of_texts(value: object) -> bool:
    if not isinstance(value, _LISTS):
        return False
    return {*map(type, value)} <= _TEXT or all(isinstance(word, str) for word in value)


def _problem(value: object, kind: Kind) -> str:
    """What is wrong with a value of a feature of this ``kind``; empty if nothing is."""
    if value is None:
        return ""
    shown = repr(value)[:40]
    if kind is Kind.NUMBER:
        return "" if math.isfinite(_as_float(value)) else f"is {shown}, not a finite number"
    if kind is Kind.CATEGORY:
        return "" if isinstance(value, str) else f"is {shown}, not a text"
    return "" if _is_list_of_texts(value) else f"is {shown}, not a list of texts"


@dataclass(frozen=True)
class BatchOfOne:
    """Answers one row by the batch path of a scorer that knows no other."""

    scorer: Scorer
    kinds: Mapping[str, str]

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of the scorer."""
        return self.scorer.classes

    def predict_proba(self, rows: "pd.DataFrame") -> Array:
        """The scores of the scorer itself."""
        scores: Array = self.scorer.predict_proba(rows)
        return scores

    def score_row(self, row: PlainRow) -> Array:
        """Its scores for a data frame of this one row, shape (classes,)."""
        scores: Array = np.asarray(self.scorer.predict_proba(self.frame(row)), dtype=np.float64)[0]
        return scores

    def frame(self, row: PlainRow) -> "pd.DataFrame":
        """The row as a data frame: numbers are float64, texts and lists objects."""
        import pandas as pd

        types = {
            name: np.float64 if kind == Kind.NUMBER else object for name, kind in self.kinds.items()
        }
        columns = {}
        for name, of in types.items():
            column = np.empty(1, dtype=of)
            column[0] = row[name]
            columns[name] = column
        return pd.DataFrame(columns)


@dataclass(frozen=True)
class OneRow:
    """The scores of one row of plain values, by the scorer of an artifact."""

    fields: RowFields
    scorer: Scorer

    def scores(self, values: Mapping[str, object]) -> Array:
        """One number per class, shape (classes,), float64: to the bit what the batch path gives.

        Raises:
            RowRefused: see `RowFields.read`.
        """
        scores: Array = self.row_scorer.score_row(self.fields.read(values))
        return scores

    @cached_property
    def row_scorer(self) -> RowScorer:
        """The scorer itself if it answers rows, else its batch path."""
        if hasattr(self.scorer, "score_row"):
            return cast(RowScorer, self.scorer)
        return BatchOfOne(self.scorer, self.fields.kinds)


def one_row_of(artifact: Artifact) -> OneRow:
    """What answers rows of plain values for ``artifact``.

    Raises:
        IntegrityError: the kind of the artifact is unknown.
    """
    return OneRow(RowFields(artifact.features), scorer_of(artifact))


def plain_rows(rows: "pd.DataFrame", kinds: Mapping[str, str]) -> list[dict[str, Any]]:
    """The rows as plain values by feature; ``None`` where a value is missing or a number is not finite.

    Raises:
        IntegrityError: a feature is not among the columns of ``rows``.
    """
    require_features(rows, kinds)
    columns = [_plain_column(rows[name], Kind(kind)) for name, kind in kinds.items()]
    return [dict(zip(kinds, values, strict=True)) for values in zip(*columns, strict=True)]


def _plain_column(column: "pd.Series[Any]", kind: Kind) -> list[Any]:
    if kind is Kind.NUMBER:
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan).tolist()
        return [number if math.isfinite(number) else None for number in numbers]
    known = column.notna().tolist()
    values = column.tolist()
    if kind is Kind.CATEGORY:
        return [str(value) if there else None for value, there in zip(values, known, strict=True)]
    return [
        [word_of(word) for word in value] if there else None
        for value, there in zip(values, known, strict=True)
    ]
