"""Sufficient statistics of a next step out of many: counts by class, since a hundred steps have 10,000 cells.

Metrics that a classification has too are equal to those of
`ml_platform.evaluation.metrics.classification_statistics`.
"""

from dataclasses import dataclass

import numpy as np

from ml_platform.arrays import Array, Codes
from ml_platform.evaluation.metrics.calibration import bin_codes
from ml_platform.evaluation.metrics.classification import (
    TOP,
    among_first,
    brier_losses,
    log_losses,
    metrics_of_counts,
    ratio,
)
from ml_platform.evaluation.metrics.sufficient_statistics import sums_by_cluster_and_code


@dataclass(frozen=True)
class StepStatistics:
    """Sufficient statistics of the next step, ``sums`` (clusters, columns).

    Columns are hits, support and predictions by class, log loss, Brier loss, hits among the first `TOP`, and the
    gaps of the calibration bins.
    """

    classes: int
    sums: Array
    bare: bool = False

    def metrics(self, totals: Array) -> dict[str, Array]:
        """Compute the metrics by name, each of shape (r,), from ``totals`` (r, columns).

        Bare predictions have the metrics of the predicted class only.
        """
        width = self.classes
        hits, support, predicted = (totals[:, k * width : (k + 1) * width] for k in range(3))
        metrics = metrics_of_counts(hits, support, predicted)
        if self.bare:
            return metrics
        rows = support.sum(axis=1)
        log_loss, brier, first, *gaps = totals[:, 3 * width :].T
        top = {f"top_{TOP}_accuracy": ratio(first, rows)} if width > 2 * TOP else {}
        return (
            metrics
            | top
            | {
                "log_loss": ratio(log_loss, rows),
                "brier": ratio(brier, rows),
                "expected_calibration_error": ratio(np.abs(np.array(gaps)).sum(axis=0), rows),
            }
        )


def step_statistics(
    truth: Codes, probabilities: Array, clusters: Codes, count: int, *, bare: bool = False
) -> StepStatistics:
    """Compute the sufficient statistics over ``count`` clusters.

    Args:
        truth: shape (rows,), codes of the steps.
        probabilities: shape (rows, classes).
        clusters: shape (rows,), codes below ``count``.
        count: clusters.
        bare: whether only the most probable step has a meaning, not its probability.
    """
    classes = probabilities.shape[1]
    best = probabilities.argmax(axis=1)
    hit = best == truth
    blocks = [
        sums_by_cluster_and_code(truth[hit], classes, clusters[hit], count),
        sums_by_cluster_and_code(truth, classes, clusters, count),
        sums_by_cluster_and_code(best, classes, clusters, count),
    ]
    if not bare:
        confidence = probabilities.max(axis=1)
        bins, width = bin_codes(confidence)
        zero = np.zeros_like(truth)
        first = among_first(truth, probabilities, TOP).astype(np.float64)
        blocks += [
            sums_by_cluster_and_code(zero, 1, clusters, count, log_losses(truth, probabilities)),
            sums_by_cluster_and_code(zero, 1, clusters, count, brier_losses(truth, probabilities)),
            sums_by_cluster_and_code(zero, 1, clusters, count, first),
            sums_by_cluster_and_code(bins, width, clusters, count, hit - confidence),
        ]
    return StepStatistics(classes, np.concatenate(blocks, axis=1), bare)
