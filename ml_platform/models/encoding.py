"""Rows to a float32 matrix, by declared arrays that were fitted on the training part alone.

Columns, in this order: numbers; categories as their rank by frequency (0: the most frequent, the number of
kept values: any other); for each evidence column one number a class
(`ml_platform.models.random_forest.target_encoding`, or
`ml_platform.models.random_forest.linear_target_encoding`); and the belief in each class from the remembered moments
(`ml_platform.models.random_forest.hidden_markov`).

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
from ml_platform.models.random_forest.hidden_markov import Memory, RememberedWords
from ml_platform.models.random_forest.target_encoding import evidence
from ml_platform.models.tokens import token_column, token_matrix

if TYPE_CHECKING:
    import pandas as pd
    from scipy import sparse

GRID = 1024.0
SENTINEL = -32.0
"""Stands for a missing number; finite values lie in [-31, 31] (asinh of 1e13 is 30.6)."""
ENCODING_FILE = "encoding.json"
EVIDENCE_FILE = "evidence.npy"


@dataclass(frozen=True)
class EvidenceColumn:
    """A column whose words are evidence. ``decay`` < 1: later places in the list count less."""

    feature: str
    lists: bool
    an_change_set: bool = False
    """All rows of a change set hold the same words, so the change set counts once."""
    jointly: bool = False
    """Weights are learned together (`ml_platform.models.random_forest.linear_target_encoding`), not counted one
    by one."""
    decay: float = 1.0
    minimum: float = 3.0
    """Weight of rows (or change sets) below which a word is not kept."""


@dataclass(frozen=True)
class EncodingPlan:
    """Which features are encoded how."""

    numbers: tuple[str, ...]
    categories: tuple[str, ...]
    evidence: tuple[EvidenceColumn, ...]
    memory: tuple[RememberedWords, ...] = ()

    @property
    def features(self) -> dict[str, str]:
        """Input columns and their kinds."""
        kinds = dict.fromkeys(self.numbers, "number") | dict.fromkeys(self.categories, "category")
        for column in self.evidence:
            kinds.setdefault(column.feature, "tokens" if column.lists else "category")
        for words in self.memory:
            kinds.setdefault(words.feature, "tokens")
            for _, name in words.parts:
                kinds.setdefault(name, "category")
        return kinds


@dataclass(frozen=True)
class Encoding:
    """A plan with what it has learned."""

    plan: EncodingPlan
    classes: int
    categories: tuple[tuple[str, ...], ...]
    """Kept values of each category, the most frequent first."""
    words: tuple[tuple[str, ...], ...]
    """Vocabulary of each evidence column, sorted."""
    weights: tuple[np.ndarray, ...]
    """Of each evidence column, shape (words, classes), float32."""
    memory: Memory | None = None

    @property
    def width(self) -> int:
        """Columns of the matrix."""
        plain = len(self.plan.numbers) + len(self.plan.categories)
        return plain + (len(self.plan.evidence) + bool(self.plan.memory)) * self.classes

    def transform(self, rows: "pd.DataFrame") -> np.ndarray:
        """Shape (rows, width), float32, finite.

        Raises:
            IntegrityError: a feature is not among the columns of ``rows``, or a number is none.
        """
        require_features(rows, self.plan.features)
        plain = encode_plain(rows, self.plan, self.categories)
        found = [
            to_grid(evidence(self._matrix(rows, i), self.weights[i]), scale=False)
            for i in range(len(self.plan.evidence))
        ]
        if self.memory is not None:
            found.append(to_grid(self.memory.beliefs(rows), scale=False))
        return np.hstack([plain, *found])

    def _matrix(self, rows: "pd.DataFrame", position: int) -> "sparse.csr_matrix":
        column = self.plan.evidence[position]
        words = self.words[position]
        tokens = token_column(rows[column.feature], lists=column.lists)
        index = self.indices[position]
        return token_matrix(tokens, words, index, column.decay)

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
            "evidence": [
                {**asdict(column), "words": words}
                for column, words in zip(self.plan.evidence, self.words, strict=True)
            ],
            "memory": [],
            "classes": self.classes,
        }
        arrays = list(self.weights)
        if self.memory is not None:
            content["memory"] = [
                {"feature": kind.feature, "parts": kind.parts, "words": words}
                for kind, words in zip(self.memory.kinds, self.memory.words, strict=True)
            ]
            arrays += [*self.memory.weights, self.memory.transitions, self.memory.shares[None, :]]
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
        stacked = np.vstack([*arrays, np.zeros((0, self.classes), np.float32)])
        buffer = io.BytesIO()
        np.save(buffer, stacked.astype("<f4"), allow_pickle=False)
        return {ENCODING_FILE: text.encode(), EVIDENCE_FILE: buffer.getvalue()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> "Encoding":
        """The encoding that `to_files` wrote."""
        content = json.loads(files[ENCODING_FILE])
        stacked = np.load(io.BytesIO(files[EVIDENCE_FILE]), allow_pickle=False)
        words = tuple(tuple(column.pop("words")) for column in content["evidence"])
        heard = tuple(tuple(kind.pop("words")) for kind in content["memory"])
        ends = np.cumsum([len(each) for each in (*words, *heard)]).tolist()
        tables = [
            stacked[end - len(each) : end] for each, end in zip((*words, *heard), ends, strict=True)
        ]
        kinds = tuple(
            RememberedWords(kind["feature"], tuple((a, b) for a, b in kind["parts"]))
            for kind in content["memory"]
        )
        memory = None
        if kinds:
            memory = Memory(
                kinds, heard, tuple(tables[len(words) :]), stacked[ends[-1] : -1], stacked[-1]
            )
        return cls(
            plan=EncodingPlan(
                numbers=tuple(content["numbers"]),
                categories=tuple(column["feature"] for column in content["categories"]),
                evidence=tuple(EvidenceColumn(**column) for column in content["evidence"]),
                memory=kinds,
            ),
            classes=content["classes"],
            categories=tuple(tuple(column["values"]) for column in content["categories"]),
            words=words,
            weights=tuple(tables[: len(words)]),
            memory=memory,
        )


def to_grid(values: np.ndarray, *, scale: bool = True) -> np.ndarray:
    """Values on the grid, float32; ``scale`` applies the inverse hyperbolic sine first; NaN: `SENTINEL`."""
    scaled = np.arcsinh(values) if scale else values
    rounded = np.clip(np.round(scaled * GRID) / GRID, -31.0, 31.0)
    found: np.ndarray = np.where(np.isnan(rounded), SENTINEL, rounded).astype(np.float32)
    return found


def encode_plain(
    rows: "pd.DataFrame", plan: EncodingPlan, categories: tuple[tuple[str, ...], ...]
) -> np.ndarray:
    """Numbers and categories, shape (rows, numbers + categories), float32."""
    made = np.empty((len(rows), len(plan.numbers) + len(plan.categories)), dtype=np.float32)
    for position, name in enumerate(plan.numbers):
        made[:, position] = to_grid(_number(rows, name))
    for position, (name, values) in enumerate(zip(plan.categories, categories, strict=True)):
        tokens = token_column(rows[name], lists=False)
        rank = {value: i for i, value in enumerate(values)}
        place = np.array([rank.get(word, len(values)) for word in tokens.words], dtype=np.float32)
        made[:, len(plan.numbers) + position] = place[tokens.codes]
    return made


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
        found = sorted(zip(counts, tokens.words, strict=True), key=lambda pair: (-pair[0], pair[1]))
        kept.append(tuple(word for count, word in found[:most] if count >= minimum))
    return tuple(kept)


def require_features(rows: "pd.DataFrame", features: Mapping[str, str]) -> None:
    """Raises `IntegrityError` that names the features that ``rows`` lack."""
    missing = [name for name in features if name not in rows.columns]
    if missing:
        raise IntegrityError(
            f"The rows lack {len(missing)} feature(s): {', '.join(missing[:5])}.",
            remedy="send every feature of the model's manifest; a missing value is null, not absent",
        )
