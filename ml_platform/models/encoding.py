"""Rows to a float32 matrix, by declared arrays that were fitted on the training part alone.

Columns, in this order: numbers; categories as their rank by frequency (0: the most frequent, the number of
kept values: any other); one number per class for each target-encoded column (`ml_platform.models.target_encoding`,
or `ml_platform.models.linear_target_encoding`); and the belief in each class by the hidden Markov filter over the
earlier moments of the user (`ml_platform.models.hidden_markov_filter`).

Trees look only at the order of values, so every value is put on a grid without any loss to them: the inverse
hyperbolic sine, rounded to 1/1024. On that grid a threshold halfway between two values is exact in float32,
and a row goes the same way in scikit-learn (double thresholds) and in ONNX (single ones).
"""

import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.errors import IntegrityError
from ml_platform.models.hidden_markov_filter import HiddenMarkovFilter, ObservedWords
from ml_platform.models.target_encoding import target_encode, target_encode_row
from ml_platform.models.tokens import token_column, token_matrix, word_of, word_row, words_of
from ml_platform.spec.model import PlainRow

if TYPE_CHECKING:
    import pandas as pd
    from scipy import sparse

GRID = 1024.0
SENTINEL = -32.0
"""Stands for a missing number; finite values lie in [-31, 31] (asinh of 1e13 is 30.6)."""
ENCODING_FILE = "encoding.json"
TARGET_ENCODING_FILE = "target_encoding.npy"


@dataclass(frozen=True)
class TargetEncodedColumn:
    """A column whose words are encoded by the classes of the rows that hold them."""

    feature: str
    lists: bool
    """Whether the column holds lists of words rather than one word a row."""
    per_change_set: bool = False
    """All rows of a change set hold the same words, so the change set counts once."""
    jointly: bool = False
    """Weights are learned together (`ml_platform.models.linear_target_encoding`), not counted word by word."""
    decay: float = 1.0
    """Below 1: a word counts this much less with each place further back in its list."""
    minimum: float = 3.0
    """Weight of rows (or change sets) below which a word is not kept."""


@dataclass(frozen=True)
class EncodingPlan:
    """Which features are encoded how."""

    numbers: tuple[str, ...]
    categories: tuple[str, ...]
    target_encoded: tuple[TargetEncodedColumn, ...]
    observed: tuple[ObservedWords, ...] = ()
    """What the hidden Markov filter observes; empty: there is no filter."""

    @property
    def features(self) -> dict[str, str]:
        """Input columns and their kinds."""
        kinds = dict.fromkeys(self.numbers, "number") | dict.fromkeys(self.categories, "category")
        for column in self.target_encoded:
            kinds.setdefault(column.feature, "tokens" if column.lists else "category")
        for words in self.observed:
            kinds.setdefault(words.feature, "tokens")
            for _, name in words.parts:
                kinds.setdefault(name, "category")
        return kinds


@dataclass(frozen=True)
class Encoding:
    """A plan with the values, words and weights that it has learned from the training rows."""

    plan: EncodingPlan
    classes: int
    categories: tuple[tuple[str, ...], ...]
    """Kept values of each category, the most frequent first."""
    words: tuple[tuple[str, ...], ...]
    """Vocabulary of each target-encoded column, sorted."""
    weights: tuple[np.ndarray, ...]
    """The weights of the words of each target-encoded column, shape (words, classes), float32."""
    filter: HiddenMarkovFilter | None = None

    @property
    def width(self) -> int:
        """Columns of the matrix."""
        plain = len(self.plan.numbers) + len(self.plan.categories)
        return plain + (len(self.plan.target_encoded) + bool(self.plan.observed)) * self.classes

    def transform(self, rows: "pd.DataFrame") -> np.ndarray:
        """The matrix of ``rows``: shape (rows, width), float32, finite.

        Raises:
            IntegrityError: a feature is not among the columns of ``rows``, or a number is none.
        """
        require_features(rows, self.plan.features)
        parts = [encode_plain(rows, self.plan, self.categories)]
        for position, weights in enumerate(self.weights):
            encoded = target_encode(self._word_matrix(rows, position), weights)
            parts.append(to_grid(encoded, scale=False))
        if self.filter is not None:
            parts.append(to_grid(self.filter.log_beliefs(rows), scale=False))
        return np.hstack(parts)

    def transform_row(self, row: PlainRow) -> np.ndarray:
        """The matrix of one row of plain values, shape (1, width): to the bit that of `transform`."""
        plan = self.plan
        numbers = np.array([row[name] for name in plan.numbers], dtype=np.float64)
        ranks = [
            rank.get(word_of(row[name]), len(rank))
            for name, rank in zip(plan.categories, self._ranks, strict=True)
        ]
        parts = [to_grid(numbers), np.array(ranks, dtype=np.float32)]
        encoded = [self._encoded_words(row, position) for position in range(len(self.weights))]
        if self.filter is not None:
            encoded.append(self.filter.log_belief(row))
        if encoded:
            parts.append(to_grid(np.concatenate(encoded), scale=False))
        return np.concatenate(parts)[None, :]

    def _encoded_words(self, row: PlainRow, position: int) -> np.ndarray:
        column, weights = self.plan.target_encoded[position], self.weights[position]
        index = self.indices[position]
        words = words_of(row[column.feature]) if column.lists else (word_of(row[column.feature]),)
        entries, counts = word_row(words, index, column.decay)
        return target_encode_row(entries, counts, weights)

    @cached_property
    def _ranks(self) -> tuple[dict[str, int], ...]:
        """Rank by frequency of each kept value of each category."""
        return tuple({value: i for i, value in enumerate(values)} for values in self.categories)

    def _word_matrix(self, rows: "pd.DataFrame", position: int) -> "sparse.csr_matrix":
        column = self.plan.target_encoded[position]
        tokens = token_column(rows[column.feature], lists=column.lists)
        return token_matrix(tokens, self.words[position], self.indices[position], column.decay)

    @cached_property
    def indices(self) -> tuple[dict[str, int], ...]:
        """Place of each word in its vocabulary; made once."""
        return tuple({word: i for i, word in enumerate(words)} for words in self.words)

    def to_files(self) -> dict[str, bytes]:
        """The declared arrays: JSON for plan and words, one .npy (no pickle) for the weights."""
        content: dict[str, object] = {
            "numbers": self.plan.numbers,
            "categories": [
                {"feature": name, "values": values}
                for name, values in zip(self.plan.categories, self.categories, strict=True)
            ],
            "target_encoded": [
                {**asdict(column), "words": words}
                for column, words in zip(self.plan.target_encoded, self.words, strict=True)
            ],
            "observed": [],
            "classes": self.classes,
        }
        arrays = list(self.weights)
        if self.filter is not None:
            content["observed"] = [
                {"feature": observed.feature, "parts": observed.parts, "words": words}
                for observed, words in zip(self.filter.observed, self.filter.words, strict=True)
            ]
            arrays += [*self.filter.weights, self.filter.transitions, self.filter.shares[None, :]]
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
        stacked = np.vstack([*arrays, np.zeros((0, self.classes), np.float32)])
        buffer = io.BytesIO()
        np.save(buffer, stacked.astype("<f4"), allow_pickle=False)
        return {ENCODING_FILE: text.encode(), TARGET_ENCODING_FILE: buffer.getvalue()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> "Encoding":
        """The encoding that `to_files` wrote."""
        content = json.loads(files[ENCODING_FILE])
        stacked = np.load(io.BytesIO(files[TARGET_ENCODING_FILE]), allow_pickle=False)
        words = tuple(tuple(column.pop("words")) for column in content["target_encoded"])
        observed_words = tuple(tuple(each.pop("words")) for each in content["observed"])
        vocabularies = (*words, *observed_words)
        ends = np.cumsum([len(vocabulary) for vocabulary in vocabularies]).tolist()
        tables = [
            stacked[end - len(vocabulary) : end]
            for vocabulary, end in zip(vocabularies, ends, strict=True)
        ]
        observed = tuple(
            ObservedWords(each["feature"], tuple((prefix, name) for prefix, name in each["parts"]))
            for each in content["observed"]
        )
        hidden_markov = None
        if observed:
            hidden_markov = HiddenMarkovFilter(
                observed=observed,
                words=observed_words,
                weights=tuple(tables[len(words) :]),
                transitions=stacked[ends[-1] : -1],
                shares=stacked[-1],
            )
        return cls(
            plan=EncodingPlan(
                numbers=tuple(content["numbers"]),
                categories=tuple(column["feature"] for column in content["categories"]),
                target_encoded=tuple(
                    TargetEncodedColumn(**column) for column in content["target_encoded"]
                ),
                observed=observed,
            ),
            classes=content["classes"],
            categories=tuple(tuple(column["values"]) for column in content["categories"]),
            words=words,
            weights=tuple(tables[: len(words)]),
            filter=hidden_markov,
        )


def to_grid(values: np.ndarray, *, scale: bool = True) -> np.ndarray:
    """Values on the grid, float32; ``scale`` applies the inverse hyperbolic sine first; NaN: `SENTINEL`."""
    scaled = np.arcsinh(values) if scale else values
    rounded = np.clip(np.round(scaled * GRID) / GRID, -31.0, 31.0)
    on_grid: np.ndarray = np.where(np.isnan(rounded), SENTINEL, rounded).astype(np.float32)
    return on_grid


def encode_plain(
    rows: "pd.DataFrame", plan: EncodingPlan, categories: tuple[tuple[str, ...], ...]
) -> np.ndarray:
    """Numbers and categories, shape (rows, numbers + categories), float32."""
    matrix = np.empty((len(rows), len(plan.numbers) + len(plan.categories)), dtype=np.float32)
    for position, name in enumerate(plan.numbers):
        matrix[:, position] = to_grid(_number(rows, name))
    for position, (name, values) in enumerate(zip(plan.categories, categories, strict=True)):
        tokens = token_column(rows[name], lists=False)
        rank = {value: i for i, value in enumerate(values)}
        place = np.array([rank.get(word, len(values)) for word in tokens.words], dtype=np.float32)
        matrix[:, len(plan.numbers) + position] = place[tokens.codes]
    return matrix


def _number(rows: "pd.DataFrame", name: str) -> np.ndarray:
    try:
        return rows[name].to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise IntegrityError(
            f"Feature {name} should be a number: {error}.",
            remedy="send numbers, or nothing where there is none",
        ) from error


def fit_categories(
    rows: "pd.DataFrame", plan: EncodingPlan, *, minimum: int = 10, most: int = 255
) -> tuple[tuple[str, ...], ...]:
    """Values of each category that occur ``minimum`` times, at most ``most``, by (frequency, name)."""
    kept = []
    for name in plan.categories:
        tokens = token_column(rows[name], lists=False)
        counts = np.bincount(tokens.codes, minlength=len(tokens.words)).tolist()
        frequent = sorted(
            zip(counts, tokens.words, strict=True), key=lambda pair: (-pair[0], pair[1])
        )
        kept.append(tuple(word for count, word in frequent[:most] if count >= minimum))
    return tuple(kept)


def require_features(rows: "pd.DataFrame", features: Mapping[str, str]) -> None:
    """Check that every one of ``features`` is among the columns of ``rows``.

    Raises:
        IntegrityError: it names the features that are missing.
    """
    missing = [name for name in features if name not in rows.columns]
    if missing:
        raise IntegrityError(
            f"The rows lack {len(missing)} feature(s): {', '.join(missing[:5])}.",
            remedy="send every feature of the model's manifest; a missing value is null, not absent",
        )
