"""The served side of a forest: encoding by declared arrays, scoring by ONNX Runtime."""

from dataclasses import dataclass
from math import gcd
from typing import TYPE_CHECKING, Any

import numpy as np

from ml_platform.arrays import Array
from ml_platform.models.chunks import in_chunks
from ml_platform.models.encoding import Encoding
from ml_platform.models.onnx_model import MODEL_FILE, PACKET, inference_session, run_in_packets
from ml_platform.models.random_forest.onnx_export import INPUT, OUTPUT
from ml_platform.spec.artifact import Artifact
from ml_platform.spec.model import PlainRow

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

    def score_row(self, row: PlainRow) -> Array:
        """Probabilities of one row of plain values, shape (classes,)."""
        scores: Array = self._of_matrix(self.encoding.transform_row(row))[0].astype(np.float64)
        return scores

    def _probabilities(self, rows: "pd.DataFrame") -> Array:
        return self._of_matrix(self.encoding.transform(rows))

    def _of_matrix(self, matrix: np.ndarray) -> Array:
        # The logarithm of the graph is taken of all classes of all rows, one after the other.
        packet = PACKET // gcd(PACKET, len(self.classes))
        probabilities: Array = run_in_packets(self.session, OUTPUT, {INPUT: matrix}, packet)
        return probabilities

    @classmethod
    def of(cls, artifact: Artifact) -> "ForestScorer":
        """The scorer of a forest's artifact."""
        session = inference_session(artifact.files[MODEL_FILE])
        return cls(artifact.classes, Encoding.from_files(artifact.files), session)
