"""The served side of boosted trees: declared arrays encode, ONNX Runtime scores, SHAP values give reasons."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ml_platform.arrays import Array
from ml_platform.models.chunks import in_chunks
from ml_platform.models.encoding import Encoding
from ml_platform.models.gradient_boosting.reasons import (
    Paths,
    Reasons,
    paths_of,
    reasons_of,
    values_of,
)
from ml_platform.models.gradient_boosting.trees import INPUT, OUTPUT, TREES_FILE, BoostedTrees
from ml_platform.models.onnx_model import MODEL_FILE, inference_session
from ml_platform.spec.artifact import Artifact
from ml_platform.spec.model import PlainRow

if TYPE_CHECKING:
    import pandas as pd

CHUNK = 20_000
"""Rows that are encoded at a time."""


@dataclass(frozen=True)
class BoostingScorer:
    """Scores by the files of an artifact, and gives the reasons of each score."""

    classes: tuple[str, ...]
    encoding: Encoding
    session: Any
    trees: BoostedTrees

    def predict_proba(self, rows: "pd.DataFrame") -> Array:
        """Expected proportions, shape (rows, 1), float64, in [0, 1]; missing and unseen values are allowed.

        Raises:
            IntegrityError: a feature of the manifest is not among the columns of ``rows``.
        """
        return in_chunks(rows, 1, CHUNK, self._proportions)

    def score_row(self, row: PlainRow) -> Array:
        """The expected proportion of one row of plain values, shape (1,)."""
        scores: Array = self._of_matrix(self.encoding.transform_row(row))[0].astype(np.float64)
        return scores

    def _proportions(self, rows: "pd.DataFrame") -> Array:
        return self._of_matrix(self.encoding.transform(rows))

    def _of_matrix(self, matrix: np.ndarray) -> Array:
        proportions: Array = self.session.run([OUTPUT], {INPUT: matrix})[0]
        return proportions

    def row_reasons(self, row: PlainRow) -> Reasons:
        """`reasons` of one row of plain values."""
        names = self._names
        values = [[row[name]] for name in names]
        (reasons,) = reasons_of(self._paths, self.encoding.transform_row(row), values, names)
        return reasons

    def reasons(self, rows: "pd.DataFrame") -> tuple[Reasons, ...]:
        """Why each row has its score: one reason a feature, the strongest first; they sum to the score.

        Raises:
            IntegrityError: as `predict_proba`.
        """
        matrix = self.encoding.transform(rows)
        names = self._names
        return reasons_of(self._paths, matrix, values_of(rows, names), names)

    @property
    def _names(self) -> tuple[str, ...]:
        """The features, in the order of the columns of the matrix."""
        return (*self.encoding.plan.numbers, *self.encoding.plan.categories)

    @cached_property
    def _paths(self) -> Paths:
        return paths_of(self.trees)

    @classmethod
    def of(cls, artifact: Artifact) -> "BoostingScorer":
        """The scorer of an artifact of boosted trees."""
        return cls(
            classes=artifact.classes,
            encoding=Encoding.from_files(artifact.files),
            session=inference_session(artifact.files[MODEL_FILE]),
            trees=BoostedTrees.from_bytes(artifact.files[TREES_FILE]),
        )
