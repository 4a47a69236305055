"""The rule by which a fit chooses among settings: the simplest one within one standard error of the best.

Settings are compared on the same held-out rows, and their estimates are told apart by cluster (users, as a rule):
what one cluster adds to an estimate is its influence, the first-order change of the estimate with the cluster's
weight. The standard error of a difference follows from the clusters' differences of influence, so that what two
settings share does not blur them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ml_platform.arrays import Array, Codes, Flags

CHOSEN = "chosen"
"""The value of a parameter that leaves it to the fit to choose one; any other value is taken as it is."""


@dataclass(frozen=True)
class ClusteredEstimate:
    """A metric of one setting on the held-out rows; higher is better."""

    value: float
    influence: Array
    """What each cluster adds to the estimate, shape (clusters,); sums to 0."""

    @classmethod
    def of_means(cls, means: Array) -> "ClusteredEstimate":
        """The mean over clusters, each counted once; ``means`` has shape (clusters,)."""
        value = float(means.mean())
        return cls(value, (means - value) / len(means))


def simplest_of_the_best(choices: Sequence[ClusteredEstimate]) -> int:
    """The place of the first choice that is within one standard error of the best one, paired by cluster.

    With one cluster there is no standard error, and the best choice is taken.

    Args:
        choices: one estimate for each setting, from the simplest on; all of the same clusters.

    Source: the one-standard-error rule of Breiman et al. (1984), "Classification and regression trees", section
    3.4.3, on paired differences.
    """
    best = choices[int(np.argmax([choice.value for choice in choices]))]
    for place, choice in enumerate(choices):
        if best.value - choice.value <= _standard_error(best.influence - choice.influence):
            return place
    raise AssertionError("the best choice is within any distance of itself")


def _standard_error(differences: Array) -> float:
    clusters = len(differences)
    if clusters < 2:
        return 0.0
    spread = np.sqrt(((differences - differences.mean()) ** 2).sum())
    return float(spread * np.sqrt(clusters / (clusters - 1)))


def blockwise_roc_auc(
    scores: Array, positive: Flags, blocks: Codes, clusters: Codes
) -> ClusteredEstimate:
    """ROC AUC within blocks of time: rows are ranked only against rows of their block, by one fit.

    The value is the mean over the positive rows, so that a block counts by its positives. A block in which all rows
    are of one class says nothing and is left out.

    Args:
        scores: shape (rows,); higher is more likely positive.
        positive: shape (rows,); some block has rows of both classes.
        blocks: shape (rows,), the block of each row.
        clusters: shape (rows,), codes from 0 without holes.

    Source: the influence of a row is its placement value less the area, see DeLong et al. (1988), Biometrics 44;
    for clustered rows, Obuchowski (1997), Biometrics 53.
    """
    shares = np.zeros(len(scores))
    counted = 0
    total = 0.0
    for block in np.unique(blocks):
        inside = blocks == block
        up, down = np.flatnonzero(inside & positive), np.flatnonzero(inside & ~positive)
        if not len(up) or not len(down):
            continue
        above = _share_below(scores[up], scores[down])
        below = 1.0 - _share_below(scores[down], scores[up])
        area = above.mean()
        shares[up] = above - area
        shares[down] = (below - area) * len(up) / len(down)
        counted += len(up)
        total += above.sum()
    influence = np.bincount(clusters, weights=shares) / counted
    return ClusteredEstimate(float(total / counted), influence)


def _share_below(scores: Array, others: Array) -> Array:
    """For each of ``scores`` the share of ``others`` below it; equal ones count half."""
    ordered = np.sort(others)
    lower = np.searchsorted(ordered, scores, side="left")
    upper = np.searchsorted(ordered, scores, side="right")
    share: Array = (lower + upper) / (2.0 * len(ordered))
    return share
