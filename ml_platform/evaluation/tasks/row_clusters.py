"""The test rows as every judge needs them: their clusters and change sets as codes.

Above `MOST_UNITS` clusters what is resampled are random groups of clusters, of equal size and drawn once: sums of
independent clusters are independent, so their bootstrap gives the same variance, with `MOST_UNITS` - 1 degrees of
freedom instead of more (the random group method; Wolter 2007, "Introduction to Variance Estimation", chapter 2).
A hundred thousand independent rows then cost no more than five thousand sessions.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.arrays import Codes
from ml_platform.errors import InsufficientData
from ml_platform.spec.training_set import CHANGE_SET, CLUSTER, ROW_ID, TrainingSet

if TYPE_CHECKING:
    import pandas as pd


MOST_UNITS = 5_000
"""Degrees of freedom that nobody misses: the interval's quantile is 1.9604 instead of 1.9600."""


@dataclass(frozen=True)
class RowClusters:
    """Clusters, or random groups of them, and change sets (rows,) as codes from 0 without gaps, and how many
    there are.
    """

    ids: "pd.Series[str]"
    clusters: Codes
    cluster_count: int
    change_sets: Codes
    change_set_count: int


def row_clusters(training_set: TrainingSet) -> RowClusters:
    """Those of the test part.

    Raises:
        InsufficientData: there is none at all (too few for a gate is the gate's matter).
    """
    import pandas as pd

    test = training_set.test
    if test.empty:
        raise InsufficientData(
            f"The training set of {training_set.record.model} has no test row.",
            remedy="ingest more labelled events, or a larger test share",
        )
    clusters, cluster_ids = pd.factorize(test[CLUSTER].to_numpy(), sort=True)
    change_sets, change_set_ids = pd.factorize(test[CHANGE_SET].to_numpy(), sort=True)
    return RowClusters(
        ids=test[ROW_ID],
        clusters=resampling_units(len(cluster_ids))[clusters],
        cluster_count=min(len(cluster_ids), MOST_UNITS),
        change_sets=change_sets.astype(np.int64),
        change_set_count=len(change_set_ids),
    )


def resampling_units(clusters: int) -> Codes:
    """The unit of each cluster, shape (clusters,): itself, or one of `MOST_UNITS` groups; always the same."""
    if clusters <= MOST_UNITS:
        return np.arange(clusters)
    return np.random.default_rng(clusters).permutation(clusters) % MOST_UNITS
