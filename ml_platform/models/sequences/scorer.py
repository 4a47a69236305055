"""The served side of a sequence network: declared data encode, ONNX Runtime scores; torch is not needed."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ml_platform.arrays import Array
from ml_platform.models.chunks import in_chunks
from ml_platform.models.onnx_model import MODEL_FILE, inference_session, run_in_packets
from ml_platform.models.sequences.encoding import ENCODING_FILE, EncodedRows, SequenceEncoding
from ml_platform.spec.artifact import Artifact
from ml_platform.spec.model import PlainRow

if TYPE_CHECKING:
    import pandas as pd

STEPS, NUMBERS, OUTPUT = "steps", "numbers", "probabilities"
PACKET = 2
"""Rows that a matrix product has at least: with a single one ONNX Runtime adds in another order."""
CHUNK = 1_024
"""Rows that are scored at a time; with more, what lies between two layers leaves the cache."""


def network_file(encoding: SequenceEncoding, threshold: float) -> dict[str, bytes]:
    """The file ``encoding.json``: the encoding, and the probability of "soon" from which there is an alarm."""
    content = {"encoding": encoding.to_json(), "threshold": threshold}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return {ENCODING_FILE: text.encode()}


@dataclass(frozen=True)
class NetworkScorer:
    """Scores by the files of an artifact."""

    classes: tuple[str, ...]
    encoding: SequenceEncoding
    threshold: float
    """Probability of soon at or above which there is an alarm."""
    session: Any

    def predict_proba(self, rows: "pd.DataFrame") -> Array:
        """Shape (rows, classes), float64: the next steps sum to one, the last column is that of soon.

        Raises:
            IntegrityError: a feature of the manifest is not among the columns of ``rows``.
        """
        return in_chunks(rows, len(self.classes), CHUNK, self._probabilities)

    def _probabilities(self, rows: "pd.DataFrame") -> Array:
        return self._of_encoded(self.encoding.transform(rows))

    def score_row(self, row: PlainRow) -> Array:
        """The next steps and soon for one row of plain values, shape (classes,)."""
        scores: Array = self._of_encoded(self.encoding.transform_row(row))[0].astype(np.float64)
        return scores

    def _of_encoded(self, encoded: EncodedRows) -> Array:
        inputs = {STEPS: encoded.steps.astype(np.int64), NUMBERS: encoded.numbers}
        probabilities: Array = run_in_packets(self.session, OUTPUT, inputs, PACKET)
        return probabilities

    @classmethod
    def of(cls, artifact: Artifact) -> "NetworkScorer":
        """The scorer of a network's artifact."""
        session = inference_session(artifact.files[MODEL_FILE])
        content = json.loads(artifact.files[ENCODING_FILE])
        return cls(
            classes=artifact.classes,
            encoding=SequenceEncoding.of_json(content["encoding"]),
            threshold=float(content["threshold"]),
            session=session,
        )
