"""The estimator of a version, from its predictions of the test rows and their labels."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ml_platform.arrays import Array
from ml_platform.evaluation.tasks.adapter import MaturedPredictions, TaskAdapter
from ml_platform.monitoring.baseline import CONFIDENCE, PREDICTED
from ml_platform.monitoring.columns import cluster_codes
from ml_platform.monitoring.performance.estimator import (
    PerformanceEstimator,
    fit_estimator,
    no_estimator,
)
from ml_platform.monitoring.performance.expected import expected_metrics
from ml_platform.spec.training_set import ROW_ID, TIME

if TYPE_CHECKING:
    import pandas as pd


def estimator_of(
    adapter: TaskAdapter[Any], predictions: "pd.DataFrame", outcomes: "pd.DataFrame"
) -> PerformanceEstimator:
    """Fit the estimator on rows that the version was not trained on.

    Args:
        adapter: The adapter of the model's task.
        predictions: ``row_id``, ``cluster_id``, ``occurred_at``, ``predicted`` and ``confidence``.
        outcomes: ``row_id`` and ``label`` of the rows that have one.
    """
    labels = outcomes.set_index(ROW_ID)["label"]
    known = predictions[predictions[ROW_ID].isin(labels.index)].sort_values(TIME, kind="stable")
    matured = MaturedPredictions(
        predicted=known[PREDICTED].to_numpy(dtype=object),
        confidence=known[CONFIDENCE].to_numpy(dtype=np.float64),
        outcome=known[ROW_ID].map(labels).to_numpy(dtype=object),
    )
    came_true = adapter.estimated_outcomes(matured)
    if came_true is None:
        return no_estimator("its confidence cannot be calibrated to a probability", len(known))

    def influences(probabilities: Array) -> dict[str, Array]:
        expected = expected_metrics(
            matured.predicted, matured.confidence, probabilities, adapter.gains, adapter.what_if
        )
        return {name: each.influence for name, each in expected.items()}

    return fit_estimator(matured.confidence, came_true, cluster_codes(known), influences)
