"""Rows and a scorer to predictions: the class, and how confident the scorer is of it."""

from typing import TYPE_CHECKING

from ml_platform.models.spec import Scorer
from ml_platform.training_sets.training_set import CLUSTER, ROW_ID, TIME, USER

if TYPE_CHECKING:
    import pandas as pd

CHUNK = 20_000
"""Rows scored at once, so that the matrix of a window stays below 10 MB."""


def predicted(scorer: Scorer, rows: "pd.DataFrame") -> "pd.DataFrame":
    """Keys of ``rows`` with ``predicted`` (a class) and ``confidence`` (its probability, in [0, 1])."""
    import numpy as np

    parts = [
        scorer.predict_proba(rows.iloc[start : start + CHUNK])
        for start in range(0, len(rows), CHUNK)
    ]
    probabilities = np.concatenate(parts) if parts else np.zeros((0, len(scorer.classes)))
    keys = rows[[ROW_ID, USER, CLUSTER, TIME]].reset_index(drop=True)
    best = probabilities.argmax(axis=1)
    return keys.assign(
        predicted=np.asarray(scorer.classes, dtype=object)[best],
        confidence=np.clip(probabilities[np.arange(len(rows)), best], 0.0, 1.0),
    )
