"""ROC AUC and average precision of one class against the rest, with the influence of each row.

The area under the ROC curve is the mean placement of the positives among the negatives. When rows are weighted
it changes, to first order, by the changes of the mean placements of positives and of negatives (DeLong, DeLong and
Clarke-Pearson 1988; with clusters, Obuchowski 1997). Average precision is differentiated in the
weight of a row in the same way. One sort for each class replaces a sort for each resample.
"""

from dataclasses import dataclass

import numpy as np

from ml_platform.arrays import Array, Codes, Flags


@dataclass(frozen=True)
class Ranking:
    """The rank metrics of one class against the rest over n rows; defined where both sides occur."""

    roc_auc: float
    """In [0, 1]; 0.5 is chance, and ties count half."""
    average_precision: float
    """In [0, 1]; chance is the share of positives."""
    placements: Array
    """Shape (n,): for a positive the share of negatives below it, for a negative that of positives above it."""
    precision_influence: Array
    """Shape (n,): the derivative of average precision in the weight of the row, times the number of positives."""

    def row_terms(self, positive: Flags) -> tuple[Array, Array, Array]:
        """Return, each (n,), the terms whose sums over rows give both metrics of a resample to first order.

        They are the placements of the ``positive`` rows (0 for others), those of the negatives, and the influence
        on average precision.
        """
        return (
            self.placements * positive,
            self.placements * ~positive,
            self.precision_influence,
        )


def rank_class(positive: np.ndarray, scores: Array) -> Ranking | None:
    """Compute ROC AUC and average precision of ``scores`` for the rows marked ``positive`` (bool, shape (n,)).

    ``None`` is returned where one side is empty, since the metrics are not defined there.
    """
    n_positive = int(positive.sum())
    n_negative = len(positive) - n_positive
    if n_positive == 0 or n_negative == 0:
        return None
    values, group = np.unique(scores, return_inverse=True)
    positives: Array = np.bincount(group, weights=positive, minlength=len(values)).astype(
        np.float64
    )
    negatives: Array = np.bincount(group, minlength=len(values)) - positives
    placements = _placements(positive, group, positives, negatives)
    precision, influence = _average_precision(positive, group, positives, negatives)
    return Ranking(
        roc_auc=float(placements[positive].mean()),
        average_precision=precision,
        placements=placements,
        precision_influence=influence,
    )


def _placements(positive: np.ndarray, group: Codes, positives: Array, negatives: Array) -> Array:
    below = (np.cumsum(negatives) - negatives + negatives / 2) / negatives.sum()
    above = (positives.sum() - np.cumsum(positives) + positives / 2) / positives.sum()
    placements: Array = np.where(positive, below[group], above[group])
    return placements


def _average_precision(
    positive: np.ndarray, group: Codes, positives: Array, negatives: Array
) -> tuple[float, Array]:
    """Compute average precision, the sum over thresholds of precision times gain in recall, and its influence.

    With AP the average precision, P_i the precision at the threshold of row i and N_i the rows at or above it,
    the derivative in the weight of row m, times the number of positives, is
    y_m (P_m - AP) + sum over positives i at or below m of (y_m - P_i) / N_i.
    """
    rows_above = np.cumsum((positives + negatives)[::-1])[::-1]
    precision = np.cumsum(positives[::-1])[::-1] / rows_above
    average = float((positives * precision).sum() / positives.sum())
    per_row = np.cumsum(positives / rows_above)
    per_precision = np.cumsum(positives * precision / rows_above)
    row_terms = np.where(positive, (precision - average + per_row)[group], 0.0)
    influence: Array = row_terms - per_precision[group]
    return average, influence
