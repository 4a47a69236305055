"""The served side of a sequence network: encoding by declared data, scoring by ONNX Runtime. No torch."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ml_platform.models.onnx_model import MODEL_FILE, inference_session
from ml_platform.models.sequences.encoding import ENCODING_FILE, SequenceEncoding
from ml_platform.spec.artifact import Artifact

if TYPE_CHECKING:
    import pandas as pd

STEPS, NUMBERS, OUTPUT = "steps", "numbers", "probabilities"
CHUNK = 8_192
"""Rows that are encoded at a time, which bounds memory."""


def network_file(encoding: SequenceEncoding, threshold: float) -> dict[str, bytes]:
    """``encoding.json``: the encoding and the threshold of soon."""
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

    def predict_proba(self, rows: "pd.DataFrame") -> np.ndarray:
        """Shape (rows, classes), float64: the next steps sum to one, the last column is that of soon.

        Raises:
            IntegrityError: a feature of the manifest is not among the columns of ``rows``.
        """
        probabilities = np.empty((len(rows), len(self.classes)))
        for start in range(0, len(rows), CHUNK):
            encoded = self.encoding.transform(rows.iloc[start : start + CHUNK])
            inputs = {STEPS: encoded.steps.astype(np.int64), NUMBERS: encoded.numbers}
            probabilities[start : start + CHUNK] = self.session.run([OUTPUT], inputs)[0]
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
