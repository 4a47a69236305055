"""One yes or no a row: what alarms are worth, from sums by cluster, as scikit-learn defines the metrics.

The alarm is the scorer's own (its threshold was chosen before the test); ranks look at the scores alone.
Every metric of a resample is a function of sums over clusters, exact for what counts and for losses, to
first order for ranks (`ml_platform.evaluation.metrics.ranking_curves`).
"""

from dataclasses import dataclass

import numpy as np

from ml_platform.arrays import Array, Codes, Flags
from ml_platform.evaluation.metrics.classification import ratio
from ml_platform.evaluation.metrics.ranking_curves import rank_class

COUNTED = (
    "precision",
    "recall",
    "f1",
    "specificity",
    "false_alarm_rate",
    "alarm_rate",
    "balanced_accuracy",
    "matthews",
)
"""Metrics of the alarms alone, in [0, 1], Matthews' correlation in [-1, 1]; 0 where the denominator is 0."""
_CELLS = slice(0, 4)
_RANKS = slice(4, 7)
_LOSSES = slice(7, 9)


@dataclass(frozen=True)
class BinaryRows:
    """Predictions of one scorer on n rows."""

    positive: Flags
    """Shape (n,): the truth."""
    alarm: Flags
    """Shape (n,): what the scorer says at its threshold."""
    scores: Array | None
    """Shape (n,), higher is more likely; ``None`` for a bare yes or no, which has no ranks and no losses."""
    clusters: Codes
    """Shape (n,): rows of one cluster depend on each other."""
    probabilities: bool = True
    """Whether the scores claim to be probabilities; of others brier and log_loss say nothing."""


@dataclass(frozen=True)
class BinaryStatistics:
    """Additive statistics ``sums`` (clusters, 9), and the metrics that follow from weighted totals of them."""

    sums: Array
    roc_auc: float | None
    """Of all rows; ``None`` without scores, or where the truth is always yes or always no."""
    average_precision: float | None
    probabilities: bool
    prefix: str = ""

    def metrics(self, totals: Array) -> dict[str, Array]:
        """Metrics by name, each of shape (r,), from ``totals`` (r, 9).

        `COUNTED`; with scores also roc_auc and average_precision (where defined); with probabilities also
        brier (the mean square, in [0, 1]) and log_loss. ``prefix`` stands before each name.
        """
        found = metrics_of_counts(*totals[:, _CELLS].T)
        if self.roc_auc is not None and self.average_precision is not None:
            found |= self._ranks(totals, self.roc_auc, self.average_precision)
        if self.probabilities:
            rows = totals[:, _CELLS].sum(axis=1)
            brier, log_loss = totals[:, _LOSSES].T
            found |= {"brier": ratio(brier, rows), "log_loss": ratio(log_loss, rows)}
        return {self.prefix + name: values for name, values in found.items()}

    def row_counts(self) -> dict[str, float]:
        """Rows that precision, recall, specificity and the rate of false alarms are shares of."""
        hits, false_alarms, misses, passes = self.sums[:, _CELLS].sum(axis=0).tolist()
        counts = {
            "precision": hits + false_alarms,
            "recall": hits + misses,
            "specificity": false_alarms + passes,
            "false_alarm_rate": false_alarms + passes,
        }
        return {self.prefix + name: count for name, count in counts.items()}

    def _ranks(self, totals: Array, auc: float, precision: float) -> dict[str, Array]:
        hits, false_alarms, misses, passes = totals[:, _CELLS].T
        positives, negatives = hits + misses, false_alarms + passes
        among_positives, among_negatives, moved = totals[:, _RANKS].T
        area = ratio(among_positives, positives) + ratio(among_negatives, negatives) - auc
        average = precision + ratio(moved, positives)
        both = (positives > 0) & (negatives > 0)
        return {
            "roc_auc": np.where(both, np.clip(area, 0.0, 1.0), 0.0),
            "average_precision": np.where(both, np.clip(average, 0.0, 1.0), 0.0),
        }


def binary_statistics(rows: BinaryRows, count: int, prefix: str = "") -> BinaryStatistics:
    """SufficientStatistics over ``count`` clusters of hits, false alarms, misses, passes, ranks and losses."""
    cells = (
        rows.positive & rows.alarm,
        ~rows.positive & rows.alarm,
        rows.positive & ~rows.alarm,
        ~rows.positive & ~rows.alarm,
    )
    columns: list[Array] = [cell.astype(np.float64) for cell in cells]
    ranking = None if rows.scores is None else rank_class(rows.positive, rows.scores)
    nothing = np.zeros(len(rows.positive))
    if ranking is None:
        columns += [nothing] * 3
    else:
        columns += [
            ranking.placements * rows.positive,
            ranking.placements * ~rows.positive,
            ranking.precision_influence,
        ]
    losses = rows.probabilities and rows.scores is not None
    columns += list(_losses(rows.positive, rows.scores)) if losses else [nothing] * 2
    sums = [np.bincount(rows.clusters, weights=column, minlength=count) for column in columns]
    return BinaryStatistics(
        sums=np.column_stack(sums).astype(np.float64),
        roc_auc=None if ranking is None else ranking.roc_auc,
        average_precision=None if ranking is None else ranking.average_precision,
        probabilities=losses,
        prefix=prefix,
    )


def metrics_of_counts(
    hits: Array, false_alarms: Array, misses: Array, passes: Array
) -> dict[str, Array]:
    """`COUNTED` by name from true positives, false positives, false negatives and true negatives."""
    positives, negatives = hits + misses, false_alarms + passes
    alarms, silent = hits + false_alarms, misses + passes
    product = np.sqrt(positives * negatives) * np.sqrt(alarms * silent)
    sides = (positives > 0).astype(np.float64) + (negatives > 0)
    sensitivity, specificity = ratio(hits, positives), ratio(passes, negatives)
    return {
        "precision": ratio(hits, alarms),
        "recall": sensitivity,
        "f1": ratio(2 * hits, positives + alarms),
        "specificity": specificity,
        "false_alarm_rate": ratio(false_alarms, negatives),
        "alarm_rate": ratio(alarms, positives + negatives),
        "balanced_accuracy": ratio(sensitivity + specificity, sides),
        "matthews": ratio(hits * passes - false_alarms * misses, product),
    }


def _losses(positive: Flags, scores: Array | None) -> tuple[Array, Array]:
    """Squared error and minus the log of the probability of the truth (clipped at 2.2e-16), a row."""
    chances = np.asarray(scores, dtype=np.float64)
    tiny = np.finfo(np.float64).eps
    of_truth = np.clip(np.where(positive, chances, 1.0 - chances), tiny, 1.0 - tiny)
    return (chances - positive) ** 2, -np.log(of_truth)
