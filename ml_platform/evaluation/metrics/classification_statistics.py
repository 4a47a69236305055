"""Sufficient statistics of a classification by cluster; their weighted sums give every metric of a resample."""

from dataclasses import dataclass

import numpy as np

from ml_platform.arrays import Array, Codes
from ml_platform.evaluation.metrics.calibration import bin_codes
from ml_platform.evaluation.metrics.classification import (
    TOP,
    among_first,
    brier_losses,
    log_losses,
    metrics_of_cells,
    ratio,
)
from ml_platform.evaluation.metrics.ranking_curves import rank_class
from ml_platform.evaluation.metrics.sufficient_statistics import joined, sums_by_cluster_and_code
from ml_platform.spec.metric_declarations.labels import CHANGE_SET_PREFIX


@dataclass(frozen=True)
class ClassPredictions:
    """The truth and the predictions of one scorer on n rows, or on n change sets.

    ``truth`` and ``clusters`` are codes of shape (n,), ``probabilities`` have the shape (n, classes). With
    ``bare`` they are unit vectors of predicted classes, and only metrics of the predicted class are defined.
    """

    truth: Codes
    probabilities: Array
    clusters: Codes
    bare: bool = False
    label_shares: Array | None = None
    """The share of each class among the labels of a change set's rows, shape (n, classes); None of single rows."""

    @property
    def predicted(self) -> Codes:
        """The most probable class of each row; of equals, the first."""
        codes: Codes = self.probabilities.argmax(axis=1)
        return codes

    @property
    def classes(self) -> int:
        """The number of classes: the columns of ``probabilities``."""
        return int(self.probabilities.shape[1])


@dataclass(frozen=True)
class ClassStatistics:
    """Sufficient statistics ``sums`` (clusters, columns), whose named blocks of columns ``columns`` lists."""

    classes: int
    sums: Array
    columns: dict[str, slice]
    roc_auc: Array
    """Shape (classes,): ROC AUC of all rows, one class against the rest; NaN where either is absent."""
    average_precision: Array
    bare: bool = False

    def metrics(self, totals: Array) -> dict[str, Array]:
        """Compute the metrics by name, each of shape (r,), from weighted sums ``totals`` (r, columns)."""
        cells = self._cells(totals, "cells")
        metrics = metrics_of_cells(cells)
        if not self.bare:
            metrics |= self._of_probabilities(totals, cells)
        if "change_set_cells" in self.columns:
            of_change_sets = metrics_of_cells(self._cells(totals, "change_set_cells"))
            metrics |= {
                f"{CHANGE_SET_PREFIX}{name}": of_change_sets[name]
                for name in ("accuracy", "macro_f1")
            }
        if "change_set_calibration" in self.columns:
            change_sets = self._cells(totals, "change_set_cells").sum(axis=(1, 2))
            gaps = np.abs(totals[:, self.columns["change_set_calibration"]]).sum(axis=1)
            error = ratio(gaps, change_sets)
            metrics[f"{CHANGE_SET_PREFIX}expected_calibration_error"] = error
        return metrics

    def _cells(self, totals: Array, name: str) -> Array:
        return totals[:, self.columns[name]].reshape(-1, self.classes, self.classes)

    def _of_probabilities(self, totals: Array, cells: Array) -> dict[str, Array]:
        support = cells.sum(axis=2)
        rows = support.sum(axis=1)
        gaps = np.abs(totals[:, self.columns["calibration"]]).sum(axis=1)
        metrics = {
            "log_loss": ratio(totals[:, self.columns["log_loss"]][:, 0], rows),
            "brier": ratio(totals[:, self.columns["brier"]][:, 0], rows),
            "expected_calibration_error": ratio(gaps, rows),
        }
        if "top" in self.columns:
            metrics[f"top_{TOP}_accuracy"] = ratio(totals[:, self.columns["top"]][:, 0], rows)
        defined = ~np.isnan(self.roc_auc)
        if defined.any():
            metrics |= self._of_ranks(totals, support[:, defined], rows[:, None], defined)
        return metrics

    def _of_ranks(
        self, totals: Array, positives: Array, rows: Array, defined: np.ndarray
    ) -> dict[str, Array]:
        """Compute first-order ROC AUC and average precision: means over the classes that occur, and by support."""
        positive_placement = ratio(totals[:, self.columns["positives"]][:, defined], positives)
        negative_placement = ratio(
            totals[:, self.columns["negatives"]][:, defined], rows - positives
        )
        influence = ratio(totals[:, self.columns["precision"]][:, defined], positives)
        auc = positive_placement + negative_placement - self.roc_auc[defined]
        precision = self.average_precision[defined] + influence
        occurs = (positives > 0) & (positives < rows)
        metrics = {}
        for name, macro, values in (
            ("roc_auc_ovr", "roc_auc_ovr", auc),
            ("average_precision", "average_precision_macro", precision),
        ):
            clipped = np.clip(values, 0.0, 1.0) * occurs
            weighted_sum = (clipped * positives).sum(axis=1)
            metrics[macro] = ratio(clipped.sum(axis=1), occurs.sum(axis=1))
            metrics[f"{name}_weighted"] = ratio(weighted_sum, (positives * occurs).sum(axis=1))
        return metrics


def class_statistics(
    rows: ClassPredictions, count: int, change_sets: ClassPredictions | None = None
) -> ClassStatistics:
    """Compute the sufficient statistics of ``rows`` over ``count`` clusters.

    ``change_sets`` holds one prediction for each change set, whose confusion cells and calibration are added.
    """
    classes = rows.classes
    blocks = {"cells": _cells_by_cluster(rows, count)}
    roc_auc = np.full(classes, np.nan)
    average_precision = np.full(classes, np.nan)
    if not rows.bare:
        blocks |= _losses_by_cluster(rows, count)
        blocks |= _ranks_by_cluster(rows, count, roc_auc, average_precision)
    if change_sets is not None:
        blocks["change_set_cells"] = _cells_by_cluster(change_sets, count)
        if not change_sets.bare:
            blocks["change_set_calibration"] = _gaps_by_cluster(change_sets, count)
    sums, columns = joined(blocks)
    return ClassStatistics(classes, sums, columns, roc_auc, average_precision, rows.bare)


def _cells_by_cluster(predictions: ClassPredictions, count: int) -> Array:
    cells = predictions.truth * predictions.classes + predictions.predicted
    width = predictions.classes * predictions.classes
    return sums_by_cluster_and_code(cells, width, predictions.clusters, count)


def _losses_by_cluster(rows: ClassPredictions, count: int) -> dict[str, Array]:
    zero = np.zeros_like(rows.truth)
    log_loss = log_losses(rows.truth, rows.probabilities)
    brier = brier_losses(rows.truth, rows.probabilities)
    blocks = {
        "log_loss": sums_by_cluster_and_code(zero, 1, rows.clusters, count, log_loss),
        "brier": sums_by_cluster_and_code(zero, 1, rows.clusters, count, brier),
        "calibration": _gaps_by_cluster(rows, count),
    }
    if rows.classes > 2 * TOP:
        first = among_first(rows.truth, rows.probabilities, TOP).astype(np.float64)
        blocks["top"] = sums_by_cluster_and_code(zero, 1, rows.clusters, count, first)
    return blocks


def _gaps_by_cluster(predictions: ClassPredictions, count: int) -> Array:
    """Sum what came true less what was claimed, by cluster and calibration bin."""
    confidence = predictions.probabilities.max(axis=1)
    bins, width = bin_codes(confidence)
    if predictions.label_shares is None:
        came_true = (predictions.predicted == predictions.truth).astype(np.float64)
    else:
        came_true = predictions.label_shares[np.arange(len(confidence)), predictions.predicted]
    gap = came_true - confidence
    return sums_by_cluster_and_code(bins, width, predictions.clusters, count, gap)


def _ranks_by_cluster(
    rows: ClassPredictions, count: int, roc_auc: Array, average_precision: Array
) -> dict[str, Array]:
    """Fill ``roc_auc`` and ``average_precision`` (classes,), and return each cluster's contributions by class."""
    names = ("positives", "negatives", "precision")
    blocks = {name: np.zeros((count, rows.classes)) for name in names}
    for code in range(rows.classes):
        positive = rows.truth == code
        ranking = rank_class(positive, rows.probabilities[:, code])
        if ranking is None:
            continue
        roc_auc[code] = ranking.roc_auc
        average_precision[code] = ranking.average_precision
        for name, weights in zip(names, ranking.row_terms(positive), strict=True):
            blocks[name][:, code] = np.bincount(rows.clusters, weights, minlength=count)
    return blocks
