"""Metrics of a binary label from sums by cluster, as scikit-learn defines them.

Alarms are raised at the scorer's own threshold, which was chosen before the test; rank metrics use the scores
alone. Every metric of a resample is a function of sums over clusters: exact for counts and losses, to first
order for rank metrics (`ml_platform.evaluation.metrics.ranking_curves`).
"""

from dataclasses import dataclass

import numpy as np

from ml_platform.arrays import Array, Codes, Flags
from ml_platform.evaluation.metrics.classification import ratio
from ml_platform.evaluation.metrics.ranking_curves import rank_class
from ml_platform.evaluation.metrics.sufficient_statistics import sums_by_cluster

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
"""Metrics of the alarms alone. All lie in [0, 1], Matthews' correlation in [-1, 1]; a ratio over 0 is 0."""
_CELLS = slice(0, 4)
_RANKS = slice(4, 7)
_LOSSES = slice(7, 9)


@dataclass(frozen=True)
class BinaryRows:
    """The truth and the predictions of one scorer on n rows."""

    positive: Flags
    """Shape (n,): the truth."""
    alarm: Flags
    """Shape (n,): whether the scorer raises an alarm at its threshold."""
    scores: Array | None
    """Shape (n,), higher is more likely; ``None`` where there are only alarms, so neither ranks nor losses."""
    clusters: Codes
    """Shape (n,): the code of each row's cluster; rows of one cluster depend on each other."""
    probabilities: bool = True
    """Whether the scores claim to be probabilities; otherwise brier and log_loss are not defined."""


@dataclass(frozen=True)
class BinaryStatistics:
    """Sufficient statistics of a binary label, ``sums`` (clusters, 9), and the metrics of their weighted totals."""

    sums: Array
    roc_auc: float | None
    """ROC AUC of all rows; ``None`` without scores, or where the truth is always yes or always no."""
    average_precision: float | None
    probabilities: bool
    prefix: str = ""

    def metrics(self, totals: Array) -> dict[str, Array]:
        """Compute the metrics by name, each of shape (r,), from ``totals`` (r, 9).

        They are those of `COUNTED`; with scores also roc_auc and average_precision (where defined); with
        probabilities also brier (the mean square, in [0, 1]) and log_loss. ``prefix`` stands before each name.
        """
        metrics = metrics_of_counts(*totals[:, _CELLS].T)
        if self.roc_auc is not None and self.average_precision is not None:
            metrics |= self._ranks(totals, self.roc_auc, self.average_precision)
        if self.probabilities:
            rows = totals[:, _CELLS].sum(axis=1)
            brier, log_loss = totals[:, _LOSSES].T
            metrics |= {"brier": ratio(brier, rows), "log_loss": ratio(log_loss, rows)}
        return {self.prefix + name: values for name, values in metrics.items()}

    def row_counts(self) -> dict[str, float]:
        """Return the number of rows of which precision, recall, specificity and false alarm rate are shares."""
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
        positive_placements, negative_placements, influence = totals[:, _RANKS].T
        area = ratio(positive_placements, positives) + ratio(negative_placements, negatives) - auc
        average = precision + ratio(influence, positives)
        both = (positives > 0) & (negatives > 0)
        return {
            "roc_auc": np.where(both, np.clip(area, 0.0, 1.0), 0.0),
            "average_precision": np.where(both, np.clip(average, 0.0, 1.0), 0.0),
        }


def binary_statistics(rows: BinaryRows, count: int, prefix: str = "") -> BinaryStatistics:
    """Sum hits, false alarms, misses, passes, ranks and losses over each of ``count`` clusters.

    ``prefix`` is put before the name of each metric.
    """
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
        columns += ranking.row_terms(rows.positive)
    losses = rows.probabilities and rows.scores is not None
    columns += list(_losses(rows.positive, rows.scores)) if losses else [nothing] * 2
    return BinaryStatistics(
        sums=sums_by_cluster(columns, rows.clusters, count),
        roc_auc=None if ranking is None else ranking.roc_auc,
        average_precision=None if ranking is None else ranking.average_precision,
        probabilities=losses,
        prefix=prefix,
    )


def metrics_of_counts(
    hits: Array, false_alarms: Array, misses: Array, passes: Array
) -> dict[str, Array]:
    """Compute `COUNTED` by name from true positives, false positives, false negatives and true negatives."""
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
    """Return each row's squared error, and minus the log of the true class's probability (clipped at 2.2e-16)."""
    probabilities = np.asarray(scores, dtype=np.float64)
    tiny = np.finfo(np.float64).eps
    truth_probability = np.clip(
        np.where(positive, probabilities, 1.0 - probabilities), tiny, 1.0 - tiny
    )
    return (probabilities - positive) ** 2, -np.log(truth_probability)
