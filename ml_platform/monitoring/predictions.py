"""Drift of predictions: the mix of predicted classes, the confidence, and how often it is low."""

from typing import TYPE_CHECKING

from ml_platform.monitoring.baseline import Baseline, prediction_columns
from ml_platform.monitoring.columns import cluster_codes
from ml_platform.monitoring.compare import FeatureComparison, compare
from ml_platform.spec.monitoring_policy import MonitoringPolicy

if TYPE_CHECKING:
    import pandas as pd


def compare_predictions(
    baseline: Baseline, predictions: "pd.DataFrame", policy: MonitoringPolicy
) -> tuple[FeatureComparison, ...]:
    """Predicted class, confidence and low confidence against the baseline's out-of-sample predictions.

    Empty when the baseline holds none (a version registered without test predictions).
    """
    if not baseline.predictions:
        return ()
    derived = prediction_columns(predictions, policy)
    clusters = cluster_codes(derived)
    count = int(clusters.max()) + 1 if clusters.size else 0
    return tuple(
        compare(entry, entry.measure(derived, clusters), clusters=count, policy=policy)
        for entry in baseline.predictions
    )
