"""The served side of a forest: encoding by declared arrays, scoring by ONNX Runtime."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_platform.arrays import Array
from ml_platform.models.chunks import in_chunks
from ml_platform.models.encoding import Encoding
from ml_platform.models.onnx_model import MODEL_FILE, inference_session
from ml_platform.models.random_forest.onnx_export import INPUT, OUTPUT
from ml_platform.spec.artifact import Artifact

if TYPE_CHECKING:
    import pandas as pd

CHUNK = 20_000
"""Rows that are encoded at a time, which bounds the matrix at about 20 MB."""


@dataclass(frozen=True)
class ForestScorer:
    """Scores by the files of an artifact."""

    classes: tuple[str, ...]
    encoding: Encoding
    session: Any

    def predict_proba(self, rows: "pd.DataFrame") -> Array:
        """Probabilities, shape (rows, classes), float64; missing and unseen values are allowed.

        Raises:
            IntegrityError: a feature of the manifest is not among the columns of ``rows``.
        """
        return in_chunks(rows, len(self.classes), CHUNK, self._probabilities)

    def _probabilities(self, rows: "pd.DataFrame") -> Array:
        probabilities: Array = self.session.run([OUTPUT], {INPUT: self.encoding.transform(rows)})[0]
        return probabilities

    @classmethod
    def of(cls, artifact: Artifact) -> "ForestScorer":
        """The scorer of a forest's artifact."""
        session = inference_session(artifact.files[MODEL_FILE])
        return cls(artifact.classes, Encoding.from_files(artifact.files), session)
