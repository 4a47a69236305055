"""The sample of test rows, in clusters of which none dominates, on which all probes are scored."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.arrays import Array, Codes
from ml_platform.evaluation.dimensions.cluster_sample import none_dominates
from ml_platform.evaluation.tasks.evaluator import Evaluator, Predictions
from ml_platform.evaluation.tasks.registry import evaluator_of
from ml_platform.spec.training_set import CLUSTER, TrainingSet

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.evaluation.dimensions.registry import EvaluationContext

CELLS = 100_000
"""The number of rows times features that are scored in one pass: 0.1 s for a forest with 56 features."""
PROBED = 5_000
"""The most rows of one pass, for any number of features."""
SLICED = 10_000
"""The number of rows that are used where predictions are known already."""
CLUSTERS = 100
"""The least number of clusters, up to `SLICED` rows, since intervals come from clusters."""


@dataclass(frozen=True)
class Sample:
    """Sampled test rows with their evaluator and the candidate's predictions."""

    training_set: TrainingSet
    """The whole training part, and the sampled rows as its test part."""
    evaluator: Evaluator
    predictions: Predictions
    clusters: Codes
    """The cluster of each row, a code from 0 without gaps, as the evaluator counts them."""

    @property
    def rows(self) -> "pd.DataFrame":
        """The sampled rows."""
        return self.training_set.test

    def with_values(self, values: Array) -> Predictions:
        """Return the predictions with other values of the same scorer for the same rows."""
        return Predictions(values, self.predictions.threshold)


def probed_rows(features: int) -> int:
    """Return the rows of one pass for a model with that many features."""
    return int(min(PROBED, CELLS // max(features, 1)))


def sampled(subject: "EvaluationContext", rows: int) -> Sample:
    """Sample clusters in an order drawn by the seed, until there are ``rows`` rows in `CLUSTERS` clusters.

    No cluster has more than its share (`ml_platform.evaluation.dimensions.cluster_sample.none_dominates`).
    """
    test = subject.training_set.test
    codes, count = _clusters(test)
    kept = none_dominates(test, codes, rows, subject.seed)
    sizes = np.bincount(codes[kept], minlength=count)
    if sizes.sum() > rows:
        order = np.random.default_rng(subject.seed).permutation(count)
        before = np.cumsum(sizes[order]) - sizes[order]
        wanted = (before < rows) | (np.arange(count) < CLUSTERS)
        wanted &= before < max(rows, SLICED)
        kept &= np.isin(codes, order[wanted])
    if kept.all():
        return Sample(subject.training_set, subject.evaluator, subject.predictions, codes)
    return taken(subject, kept)


def taken(subject: "EvaluationContext", where: np.ndarray) -> Sample:
    """The test rows ``where`` (bool, shape (rows,)): whole change sets, but of one that exceeds the sample."""
    places = np.flatnonzero(where)
    part = replace(subject.training_set, test=subject.training_set.test.iloc[places])
    predictions = Predictions(subject.predictions.values[places], subject.predictions.threshold)
    return Sample(part, evaluator_of(subject.spec.task, part), predictions, _clusters(part.test)[0])


def _clusters(rows: "pd.DataFrame") -> tuple[Codes, int]:
    """Count clusters as `ml_platform.evaluation.tasks.row_clusters` does."""
    import pandas as pd

    codes, ids = pd.factorize(rows[CLUSTER].to_numpy(), sort=True)
    return codes.astype(np.int64), len(ids)
