"""The test rows as every judge needs them: their clusters and acts as codes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.errors import InsufficientData
from ml_platform.evaluation.metrics import Codes
from ml_platform.training_sets.training_set import ACT, CLUSTER, ROW_ID, TrainingSet

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class JudgedRows:
    """Clusters and acts (rows,) as codes from 0 without gaps, and how many there are."""

    ids: "pd.Series[str]"
    clusters: Codes
    cluster_count: int
    acts: Codes
    act_count: int


def judged_rows(training_set: TrainingSet) -> JudgedRows:
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
    acts, act_ids = pd.factorize(test[ACT].to_numpy(), sort=True)
    return JudgedRows(
        ids=test[ROW_ID],
        clusters=clusters.astype(np.int64),
        cluster_count=len(cluster_ids),
        acts=acts.astype(np.int64),
        act_count=len(act_ids),
    )
