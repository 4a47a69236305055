"""A simple method beside the anomaly detector: the largest robust z-score of a session, without trees."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.arrays import Array
from ml_platform.models.isolation_forest.deviations import Deviations, fit_deviations, numbers
from ml_platform.spec.task import NO, YES

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.spec.training_set import TrainingSet


@dataclass(frozen=True)
class RobustZScores:
    """The largest deviation of a row from the median, in interquartile ranges, on a scale where ``limit`` is .5."""

    deviations: Deviations
    limit: float
    threshold: float = 0.5
    classes: tuple[str, ...] = (NO, YES)

    def predict_proba(self, rows: "pd.DataFrame") -> Array:
        """Shape (rows, 2): one minus the score, and the score."""
        largest = self.deviations.transform(rows).max(axis=1).astype(np.float64)
        score = 1.0 / (1.0 + np.exp(-np.clip(largest - self.limit, -50.0, 30.0)))
        return np.column_stack([1.0 - score, score])


def fit_robust_z_scores(
    training_set: "TrainingSet", sides: Mapping[str, int], alarm_rate: float
) -> RobustZScores:
    """Medians and ranges of the training rows; the limit lets the ``alarm_rate`` of them, in (0, 1), be alarms."""
    deviations = fit_deviations(numbers(training_set.train, tuple(sides)), sides)
    largest = deviations.transform(training_set.train).max(axis=1)
    return RobustZScores(deviations, float(np.quantile(largest, 1.0 - alarm_rate)))
