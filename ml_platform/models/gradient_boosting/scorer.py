"""The served side of boosted trees: declared arrays encode, ONNX Runtime scores, SHAP values give reasons."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ml_platform.arrays import Array
from ml_platform.models.chunks import in_chunks
from ml_platform.models.encoding import Encoding
from ml_platform.models.gradient_boosting.reasons import Paths, Reasons, paths_of, reasons_of
from ml_platform.models.gradient_boosting.trees import INPUT, OUTPUT, TREES_FILE, BoostedTrees
from ml_platform.models.onnx_model import MODEL_FILE, inference_session
from ml_platform.spec.artifact import Artifact

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

    def _proportions(self, rows: "pd.DataFrame") -> Array:
        proportions: Array = self.session.run([OUTPUT], {INPUT: self.encoding.transform(rows)})[0]
        return proportions

    def reasons(self, rows: "pd.DataFrame") -> tuple[Reasons, ...]:
        """Why each row has its score: one reason a feature, the strongest first; they sum to the score.

        Raises:
            IntegrityError: as `predict_proba`.
        """
        matrix = self.encoding.transform(rows)
        plan = self.encoding.plan
        names = (*plan.numbers, *plan.categories)
        return reasons_of(self._paths, matrix, rows, names)

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
