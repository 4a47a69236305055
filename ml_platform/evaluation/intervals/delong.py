"""The variance of ROC AUC in closed form, from placements: no resampling.

Independent rows: DeLong, DeLong and Clarke-Pearson (1988), equations 4 to 8. Rows that come in clusters, on both
sides of the truth: Obuchowski (1997), "Nonparametric analysis of clustered ROC curve data", which is the former
where every cluster is one row. The bootstrap of `ml_platform.evaluation.intervals.bootstrap` resamples the same
placements, so the two agree (``benchmarks/intervals.py``); this one is for intervals of many classes at once.
"""

import numpy as np

from ml_platform.arrays import Array, Codes
from ml_platform.evaluation.intervals.ratio import between_zero_and_one
from ml_platform.evaluation.metrics.ranking_curves import Ranking
from ml_platform.evaluation.report_parts import Estimate


def area_variance(centred: Array, positive: np.ndarray, clusters: Codes, count: int) -> float:
    """Compute the variance of an AUC, or of a difference of two.

    Args:
        centred: shape (n,), placements minus the AUC; for a difference, the one scorer's minus the other's.
        positive: bool, shape (n,), the truth.
        clusters: shape (n,), codes below ``count``.
        count: clusters.
    """
    parts, sizes, holders = [], [], []
    for side in (positive, ~positive):
        parts.append(np.bincount(clusters[side], centred[side], minlength=count))
        sizes.append(float(side.sum()))
        holders.append(float((np.bincount(clusters[side], minlength=count) > 0).sum()))
    variances = [
        _unbiased(have) * float((part**2).sum()) / size**2
        for part, size, have in zip(parts, sizes, holders, strict=True)
    ]
    used = float(len(np.unique(clusters)))
    shared = _unbiased(used) * float((parts[0] * parts[1]).sum()) / (sizes[0] * sizes[1])
    return max(variances[0] + variances[1] + 2.0 * shared, 0.0)


def _unbiased(count: float) -> float:
    return count / (count - 1.0) if count > 1 else 1.0


def area_interval(ranking: Ranking, positive: np.ndarray, clusters: Codes, count: int) -> Estimate:
    """Compute the 95 % interval of the ROC AUC on the scale of log odds, so that it stays in [0, 1].

    The degrees of freedom are those of the side with fewer clusters.
    """
    variance = area_variance(ranking.placements - ranking.roc_auc, positive, clusters, count)
    fewer = min(len(np.unique(clusters[side])) for side in (positive, ~positive))
    return between_zero_and_one(ranking.roc_auc, variance, fewer)
