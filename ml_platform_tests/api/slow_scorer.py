"""A kind of artifact that takes as long for a row as its file says."""

import time
from dataclasses import dataclass

import numpy as np

from ml_platform.models.artifact_kinds import ArtifactKindSpec
from ml_platform.spec.artifact import Artifact

SLOW = ArtifactKindSpec(
    name="slow", scorer="ml_platform_tests.api.slow_scorer:SlowScorer", files="seconds.txt"
)


@dataclass(frozen=True)
class SlowScorer:
    """Says ``b``, after some seconds, and gives the same reason for each row."""

    classes: tuple[str, ...]
    seconds: float

    def predict_proba(self, rows):
        return np.tile([0.1, 0.9], (len(rows), 1))

    def score_row(self, row):
        time.sleep(self.seconds)
        return np.array([0.1, 0.9])

    def row_reasons(self, row):
        return ["slow"]

    @classmethod
    def of(cls, artifact: Artifact) -> "SlowScorer":
        return cls(artifact.classes, float(artifact.files["seconds.txt"]))
