"""Some of the test rows, whole clusters at a time, for what is too dear to do on all."""

from dataclasses import replace

import numpy as np

from ml_platform.arrays import Codes
from ml_platform.spec.training_set import CLUSTER, TrainingSet


def cluster_sample(
    training_set: TrainingSet, *, seed: int, rows: int, clusters: int, most: int
) -> Codes:
    """Places of test rows, ascending: clusters in random order until rows and clusters are enough.

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
    """The same with these test rows alone; the training part is shared."""
    return replace(training_set, test=training_set.test.iloc[places])
