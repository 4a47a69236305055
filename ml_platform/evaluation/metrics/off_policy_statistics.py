"""Sufficient statistics of a start-time model by cluster, and the metrics that follow from them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ml_platform.arrays import Array, Codes
from ml_platform.evaluation.metrics.calibration import bin_codes
from ml_platform.evaluation.metrics.classification import ratio
from ml_platform.evaluation.metrics.off_policy import Launches, policy_terms
from ml_platform.evaluation.metrics.ranking_curves import rank_class
from ml_platform.evaluation.metrics.sufficient_statistics import (
    joined,
    sums_by_cluster,
    sums_by_cluster_and_code,
)


@dataclass(frozen=True)
class OffPolicyStatistics:
    """Sufficient statistics ``sums`` (clusters, columns), whose named blocks of columns ``columns`` lists."""

    sums: Array
    columns: dict[str, slice]
    roc_auc: float | None
    """ROC AUC of all rows; ``None`` where one outcome is absent."""
    average_precision: float | None = None

    def metrics(self, totals: Array) -> dict[str, Array]:
        """Compute the metrics by name, each (r,), from ``totals`` (r, columns).

        Those of policies need logged launches. ``policy_success``, ``fixed_success`` (both doubly robust) and
        ``logged_success`` are successes per launch; ``relative_success`` is the first over the second, minus 1.
        Metrics that end with ``_ips`` are self-normalised inverse propensity estimates.
        """
        metrics = self._of_probabilities(totals)
        if "policy" in self.columns:
            metrics |= self._of_policies(totals)
        return metrics

    def _block(self, totals: Array, name: str) -> Array:
        return totals[:, self.columns[name]]

    def _of_policies(self, totals: Array) -> dict[str, Array]:
        policy, fixed = (self._block(totals, name) for name in ("policy", "fixed"))
        launches, success = self._block(totals, "launches").T
        robust, fixed_robust = ratio(policy[:, 0], launches), ratio(fixed[:, 0], launches)
        weighed, fixed_weighed = ratio(policy[:, 1], policy[:, 2]), ratio(fixed[:, 1], fixed[:, 2])
        return {
            "relative_success": ratio(robust - fixed_robust, fixed_robust),
            "relative_success_ips": ratio(weighed - fixed_weighed, fixed_weighed),
            "policy_success": robust,
            "policy_success_ips": weighed,
            "fixed_success": fixed_robust,
            "logged_success": ratio(success, launches),
            "mean_weight": ratio(policy[:, 2], launches),
            "effective_launches": ratio(policy[:, 2] ** 2, policy[:, 3]),
        }

    def _of_probabilities(self, totals: Array) -> dict[str, Array]:
        positives, negatives, brier, dummy_brier, log_loss = self._block(totals, "losses").T
        rows = positives + negatives
        gaps = np.abs(self._block(totals, "calibration")).sum(axis=1)
        mean_brier = ratio(brier, rows)
        metrics = {
            "brier": mean_brier,
            "one_minus_brier": 1.0 - mean_brier,
            "log_loss": ratio(log_loss, rows),
            "expected_calibration_error": ratio(gaps, rows),
        }
        if dummy_brier.any():
            metrics["brier_skill"] = 1.0 - ratio(brier, dummy_brier)
        if self.roc_auc is not None and self.average_precision is not None:
            positive_placements, negative_placements, influence = self._block(totals, "ranks").T
            auc = (
                ratio(positive_placements, positives)
                + ratio(negative_placements, negatives)
                - self.roc_auc
            )
            average = self.average_precision + ratio(influence, positives)
            metrics["roc_auc"] = np.clip(auc, 0.0, 1.0)
            metrics["average_precision"] = np.clip(average, 0.0, 1.0)
        return metrics


def off_policy_statistics_of(
    truth: Codes, yes: Array, clusters: Codes, count: int, dummy: float, policies: dict[str, Array]
) -> OffPolicyStatistics:
    """Compute the sufficient statistics of the rows that were tried, and add the blocks of the policies.

    Args:
        truth: shape (rows,), 1 for a success and 0 for a failure.
        yes: shape (rows,), the predicted probability of success.
        clusters: shape (rows,), codes below ``count``.
        count: clusters.
        dummy: the share of successes among the training rows, the forecast that skill is measured against.
        policies: blocks (clusters, columns) by name: none, or 'launches', 'policy' and 'fixed'.
    """
    tiny = np.finfo(np.float64).eps
    truth_probability = np.clip(np.where(truth == 1, yes, 1.0 - yes), tiny, 1 - tiny)
    losses = [
        truth,
        1 - truth,
        (yes - truth) ** 2,
        (dummy - truth) ** 2,
        -np.log(truth_probability),
    ]
    bins, width = bin_codes(yes)
    blocks = {
        "losses": sums_by_cluster(losses, clusters, count),
        "calibration": sums_by_cluster_and_code(bins, width, clusters, count, truth - yes),
        **policies,
    }
    ranking = rank_class(truth == 1, yes)
    if ranking is not None:
        blocks["ranks"] = sums_by_cluster(ranking.row_terms(truth == 1), clusters, count)
    sums, columns = joined(blocks)
    if ranking is None:
        return OffPolicyStatistics(sums, columns, None)
    return OffPolicyStatistics(sums, columns, ranking.roc_auc, ranking.average_precision)


def policy_blocks(
    launches: Launches, picks: Mapping[str, Codes], clusters: Codes, count: int
) -> dict[str, Array]:
    """Compute the blocks 'launches' and one for each policy, (clusters, columns) each.

    ``picks`` holds the candidate that each policy picks in each launch; ``clusters`` (launches,) are codes below
    ``count``.
    """
    logged = (np.ones(len(launches)), launches.success)
    blocks = {"launches": sums_by_cluster(logged, clusters, count)}
    for name, picked in picks.items():
        blocks[name] = sums_by_cluster(policy_terms(launches, picked).T, clusters, count)
    return blocks
