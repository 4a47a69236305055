"""Samples of rows in clusters of which none dominates, for computations that are too expensive on all rows."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.arrays import Codes
from ml_platform.spec.training_set import CHANGE_SET, CLUSTER, TrainingSet

if TYPE_CHECKING:
    import pandas as pd

LARGEST_SHARE = 0.1
"""The largest share of a sample that one cluster may have."""


def cluster_sample(
    training_set: TrainingSet, *, seed: int, rows: int, clusters: int, most: int
) -> Codes:
    """Return the places of sampled test rows, ascending: clusters in random order until there are enough of both.

    Of a cluster that is larger than `LARGEST_SHARE` of ``rows`` only that much is used. The cluster that would take
    the sample beyond ``most`` rows ends it, the first one excepted. Which ones depends on the seed and on the
    order of the rows alone.
    """
    import pandas as pd

    codes, names = pd.factorize(training_set.test[CLUSTER].to_numpy())
    kept = none_dominates(training_set.test, codes.astype(np.int64), rows, seed)
    sizes = np.bincount(codes[kept], minlength=len(names))
    chosen: list[int] = []
    total = 0
    for cluster in np.random.default_rng(seed).permutation(len(names)).tolist():
        enough = total >= rows and len(chosen) >= clusters
        if enough or (chosen and total + sizes[cluster] > most):
            break
        chosen.append(cluster)
        total += sizes[cluster]
    return np.flatnonzero(kept & np.isin(codes, chosen)).astype(np.int64)


def none_dominates(rows: "pd.DataFrame", clusters: Codes, wanted: int, seed: int) -> np.ndarray:
    """The rows, bool of shape (rows,), that a sample of ``wanted`` of them may draw from.

    A commit of a thousand files is one observation, and a sample of which it is the better part sees nothing else:
    no cluster keeps more than `LARGEST_SHARE` of the sample.

    Args:
        rows: with the column of change sets.
        clusters: the cluster of each row, codes from 0.
        wanted: the number of rows of the sample.
        seed: decides which rows of a larger cluster stay.
    """
    import pandas as pd

    most = max(1, int(LARGEST_SHARE * min(wanted, len(rows))))
    change_sets = pd.factorize(rows[CHANGE_SET].to_numpy(), sort=True)[0].astype(np.int64)
    return within_share(clusters, change_sets, most, seed)


def within_share(clusters: Codes, change_sets: Codes, most: int, seed: int) -> np.ndarray:
    """The rows, bool of shape (rows,), that are left when no cluster has more than ``most``.

    Of a larger cluster whole change sets are drawn while they fit; of one that fits nowhere, some of its rows.
    """
    kept = np.ones(len(clusters), dtype=bool)
    generator = np.random.default_rng((seed, 1))
    sizes_by_cluster = np.bincount(clusters)
    by_cluster, ends = np.argsort(clusters, kind="stable"), np.cumsum(sizes_by_cluster)
    for cluster in np.flatnonzero(sizes_by_cluster > most):
        places = by_cluster[ends[cluster] - sizes_by_cluster[cluster] : ends[cluster]]
        _, codes, sizes = np.unique(change_sets[places], return_inverse=True, return_counts=True)
        order = generator.permutation(len(sizes))
        fits = np.cumsum(sizes[order]) <= most
        kept[places] = np.isin(codes, order[fits])
        if not fits.any():
            kept[generator.permutation(places)[:most]] = True
    return kept


def with_test_rows(training_set: TrainingSet, places: Codes) -> TrainingSet:
    """Return the training set with these test rows alone; the training part is shared."""
    return replace(training_set, test=training_set.test.iloc[places])
