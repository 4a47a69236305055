"""A sample of the test rows in whole clusters, for computations that are too expensive on all of them."""

from dataclasses import replace

import numpy as np

from ml_platform.arrays import Codes
from ml_platform.spec.training_set import CLUSTER, TrainingSet


def cluster_sample(
    training_set: TrainingSet, *, seed: int, rows: int, clusters: int, most: int
) -> Codes:
    """Return the places of sampled test rows, ascending: clusters in random order until there are enough of both.

    The cluster that would take it beyond ``most`` rows ends it, the first one excepted. Which ones depends on the
    seed and on the order of the rows alone.
    """
    import pandas as pd

    codes, names = pd.factorize(training_set.test[CLUSTER].to_numpy())
    sizes = np.bincount(codes, minlength=len(names))
    chosen: list[int] = []
    total = 0
    for cluster in np.random.default_rng(seed).permutation(len(names)).tolist():
        enough = total >= rows and len(chosen) >= clusters
        if enough or (chosen and total + sizes[cluster] > most):
            break
        chosen.append(cluster)
        total += sizes[cluster]
    return np.flatnonzero(np.isin(codes, chosen)).astype(np.int64)


def with_test_rows(training_set: TrainingSet, places: Codes) -> TrainingSet:
    """Return the training set with these test rows alone; the training part is shared."""
    return replace(training_set, test=training_set.test.iloc[places])
