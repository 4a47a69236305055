"""The rule baseline: class shares by (tool, operation), else by extension, else overall, as declared arrays.

It is what a person would write down after a look at a table: "commits through the web are mostly fixes".
Its most probable class is the most frequent one of the first key that was seen often enough.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.models.artifact_kinds import ArtifactKindSpec
from ml_platform.models.encoding import require_features
from ml_platform.models.tokens import token_column, word_of
from ml_platform.spec.artifact import Artifact
from ml_platform.spec.model import PlainRow

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.spec.training_set import TrainingSet

RULES_FILE = "rules.json"
CLASSIFICATION_RULES = ArtifactKindSpec(
    name="classification_rules",
    scorer="ml_platform.models.rules:RulesScorer",
    files="rules.json: class shares by declared keys",
)
KINDS = (CLASSIFICATION_RULES,)
ENOUGH = 20
"""Rows that a key needs to have a rule of its own."""
PRIOR_ROWS = 10.0
"""Rows of average classes that are added to the shares of a key."""
RULE_KEYS = (("tool", "operation"), ("extension",))
_SEPARATOR = "\x1f"


@dataclass(frozen=True)
class RulesScorer:
    """Class shares by the first key that has a rule, else overall; see the module."""

    classes: tuple[str, ...]
    overall: tuple[float, ...]
    keys: tuple[tuple[str, ...], ...]
    """Columns of each table, in the order in which they are asked."""
    tables: tuple[Mapping[str, tuple[float, ...]], ...]

    def predict_proba(self, rows: "pd.DataFrame") -> np.ndarray:
        """Probabilities, shape (rows, classes).

        Raises:
            IntegrityError: a column of a key is not among those of ``rows``.
        """
        require_features(rows, _features(self.keys))
        probabilities = np.tile(np.array(self.overall), (len(rows), 1))
        open_rows = np.ones(len(rows), dtype=bool)
        for key, table in zip(self.keys, self.tables, strict=True):
            words, codes = _joined(rows, key)
            shares = np.array([table.get(word, self.overall) for word in words])
            known = np.array([word in table for word in words], dtype=bool)
            if len(words):
                hit = open_rows & known[codes]
                probabilities[hit] = shares[codes[hit]]
                open_rows &= ~hit
        return probabilities

    def score_row(self, row: PlainRow) -> np.ndarray:
        """Probabilities of one row of plain values, shape (classes,)."""
        for key, table in zip(self.keys, self.tables, strict=True):
            shares = table.get(_SEPARATOR.join(word_of(row[name]) for name in key))
            if shares is not None:
                return np.array(shares)
        return np.array(self.overall)

    @classmethod
    def of(cls, artifact: Artifact) -> "RulesScorer":
        """The rules in the files of ``artifact``."""
        content = json.loads(artifact.files[RULES_FILE])
        return cls(
            classes=artifact.classes,
            overall=tuple(content["overall"]),
            keys=tuple(tuple(table["columns"]) for table in content["tables"]),
            tables=tuple(
                {word: tuple(shares) for word, shares in table["shares"].items()}
                for table in content["tables"]
            ),
        )


def fit_rules(
    training_set: "TrainingSet", keys: tuple[tuple[str, ...], ...] = RULE_KEYS
) -> Artifact:
    """Class shares of the training part by ``keys``, smoothed by `PRIOR_ROWS` average rows.

    ``keys`` are groups of category features, the most telling first: a row is answered by the first group whose
    values were seen often enough together, and by the shares of all rows where there is none.
    """
    record, rows = training_set.record, training_set.train
    truth = class_codes(rows, record.label, record.classes)
    counts = np.bincount(truth, minlength=len(record.classes))
    overall = (counts + 1.0) / (counts.sum() + len(counts))
    tables = []
    for key in keys:
        words, codes = _joined(rows, key)
        by_word = np.zeros((len(words), len(record.classes)))
        np.add.at(by_word, (codes, truth), 1.0)
        smoothed = by_word + PRIOR_ROWS * overall
        shares = smoothed / smoothed.sum(axis=1, keepdims=True)
        enough = by_word.sum(axis=1) >= ENOUGH
        chosen = {w: _rounded(shares[i]) for i, w in enumerate(words) if enough[i]}
        tables.append({"columns": list(key), "shares": chosen})
    content = {"overall": _rounded(overall), "tables": tables}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return Artifact(
        kind=CLASSIFICATION_RULES.name,
        classes=record.classes,
        features=MappingProxyType(_features(keys)),
        files=MappingProxyType({RULES_FILE: text.encode()}),
    )


def class_codes(rows: "pd.DataFrame", label: str, classes: tuple[str, ...]) -> np.ndarray:
    """Index in ``classes`` of each row's label."""
    tokens = token_column(rows[label], lists=False)
    place = np.array([classes.index(word) for word in tokens.words], dtype=np.int64)
    return np.asarray(place[tokens.codes])


def _features(keys: tuple[tuple[str, ...], ...]) -> dict[str, str]:
    return {name: "category" for key in keys for name in key}


def _joined(rows: "pd.DataFrame", key: tuple[str, ...]) -> tuple[list[str], np.ndarray]:
    """The distinct values of several columns together, and the code of each row's."""
    parts = [token_column(rows[name], lists=False) for name in key]
    combined = np.column_stack([part.codes for part in parts])
    distinct, codes = np.unique(combined, axis=0, return_inverse=True)
    words = [
        _SEPARATOR.join(part.words[c] for part, c in zip(parts, row, strict=True))
        for row in distinct.tolist()
    ]
    return words, np.asarray(codes).ravel()


def _rounded(shares: np.ndarray) -> list[float]:
    return [round(float(share), 9) for share in shares]
