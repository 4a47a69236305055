"""The served side of the isolation forest: deviations by declared numbers, the forest as ONNX, an alarm at .5."""

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ml_platform.arrays import Array
from ml_platform.models.isolation_forest.deviations import (
    DEVIATIONS_FILE,
    Deviations,
    Matrix,
    row_numbers,
)
from ml_platform.models.isolation_forest.onnx_export import INPUT, OUTPUT
from ml_platform.models.onnx_model import MODEL_FILE, inference_session
from ml_platform.spec.artifact import Artifact
from ml_platform.spec.model import PlainRow

if TYPE_CHECKING:
    import pandas as pd

ALARM_FILE = "alarm.json"
ALARM = 0.5
"""The threshold on the scale of the alarm."""
STEEPNESS = 6.0
"""Logits between a usual row and the alarm: the median of the training rows is at .0025."""


@dataclass(frozen=True)
class AlarmScale:
    """Puts isolation on a scale from 0 (usual) over .5 (the alarm) to 1; the order of rows stays."""

    usual: float
    """Median isolation of the training rows."""
    alarm: float
    """Isolation from which there is an alarm."""

    def of(self, isolation: Array) -> Array:
        """Shape (rows,), in (0, 1)."""
        width = max(self.alarm - self.usual, 1e-6)
        logit = np.clip(STEEPNESS * (isolation - self.alarm) / width, -500.0, 500.0)
        score: Array = 1.0 / (1.0 + np.exp(-logit))
        return score

    @classmethod
    def fit(cls, isolation: Array, alarm_rate: float) -> "AlarmScale":
        """The alarm so that ``alarm_rate`` of the training rows are at or above it.

        It lies halfway to the next lower score, so that a score that differs in its last digits falls on
        the same side.
        """
        ordered = np.sort(isolation)[::-1]
        count = int(np.clip(round(alarm_rate * len(ordered)), 1, max(len(ordered) - 1, 1)))
        pair = ordered[[count - 1, min(count, len(ordered) - 1)]]
        return cls(float(np.median(isolation)), float(pair.mean()))

    def to_file(self) -> bytes:
        """Canonical JSON."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":")).encode()


@dataclass(frozen=True)
class IsolationScorer:
    """Scores by the files of an artifact."""

    classes: tuple[str, ...]
    deviations: Deviations
    scale: AlarmScale
    session: Any
    threshold: float = ALARM

    def predict_proba(self, rows: "pd.DataFrame") -> Array:
        """Shape (rows, 2): one minus the score, and the score; from .5 on it is an alarm.

        Raises:
            IntegrityError: a feature of the manifest is not among the columns of ``rows``.
        """
        return self._of_matrix(self.deviations.transform(rows))

    def score_row(self, row: PlainRow) -> Array:
        """One minus the score, and the score, of one row of plain values, shape (2,)."""
        values = row_numbers(row, self.deviations.sides)
        scores: Array = self._of_matrix(self.deviations.of_numbers(values))[0]
        return scores

    def _of_matrix(self, matrix: Matrix) -> Array:
        isolation = self.session.run([OUTPUT], {INPUT: matrix})[0][:, 0].astype(np.float64)
        score = self.scale.of(isolation)
        return np.column_stack([1.0 - score, score])

    @classmethod
    def of(cls, artifact: Artifact) -> "IsolationScorer":
        """The scorer of an artifact."""
        session = inference_session(artifact.files[MODEL_FILE])
        scale = AlarmScale(**json.loads(artifact.files[ALARM_FILE]))
        deviations = Deviations.from_file(artifact.files[DEVIATIONS_FILE])
        return cls(artifact.classes, deviations, scale, session)
