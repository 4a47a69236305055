"""Search of hyperparameters on blocks of the training part; the last block compares the best with the defaults.

The evaluator is that of the model's task (`ml_platform.evaluation.tasks.registry`), and the metric is one of its
gates, so that a search improves what a candidate has to pass. The test part is not used.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from ml_platform.errors import InsufficientData
from ml_platform.evaluation.intervals.bootstrap import Replicates, interval, replicate
from ml_platform.evaluation.metrics.sufficient_statistics import SufficientStatistics
from ml_platform.evaluation.report_parts import Estimate
from ml_platform.evaluation.tasks.evaluator import Evaluator, Predictions
from ml_platform.evaluation.tasks.registry import adapter_of, evaluator_of
from ml_platform.models.artifact_kinds import scorer_of
from ml_platform.spec.gates import Bound
from ml_platform.spec.model import FitRequest, ModelSpec, Parameter, Scorer
from ml_platform.spec.training_set import CLUSTER, TIME, TrainingSet
from ml_platform.training_sets.time_split import Fold, tuning_split

LEAST_CLUSTERS = 30
"""The least number of clusters of the holdout: with fewer, a bootstrap interval covers less than it claims."""
TUNED, DEFAULT = "tuned", "default"

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Trial:
    """One point of the search space that was tried."""

    number: int
    """The number of the trial; trial 0 tries the defaults."""
    state: str
    """'complete', 'pruned' (worse than the median so far), 'failed' (too few rows for it), 'running'."""
    value: float | None
    """The mean of the metric over the blocks; for a pruned trial, over those that it was evaluated on."""
    blocks: tuple[float, ...]
    parameters: dict[str, Parameter]
    seconds: float | None
    worker: int


@dataclass(frozen=True)
class TuningRecord:
    """A finished search: every trial, and whether the best parameters replace the defaults."""

    model: str
    study: str
    """The name of the study in the storage; a search of the same space on the same rows continues it."""
    training_set_fingerprint: str
    metric: str
    seed: int
    trials: tuple[Trial, ...]
    best: dict[str, Parameter]
    """The parameters of the best trial; of equals, of the first."""
    default_value: Estimate
    """The metric of the defaults on the holdout block."""
    tuned_value: Estimate
    difference: Estimate
    """Tuned minus default, paired by cluster."""
    holdout_rows: int
    holdout_clusters: int
    verdict: str
    """`TUNED` or `DEFAULT`."""
    why: str
    seconds: float


@dataclass(frozen=True)
class Objective:
    """The objective of a search: the mean of ``metric`` over ``blocks``, each fitted on the rows before it."""

    spec: ModelSpec
    metric: str
    blocks: tuple[TrainingSet, ...]
    """The blocks of time: ``train`` of each holds the rows before the block, ``test`` those of the block."""
    holdout: TrainingSet
    progress: Progress = field(default=lambda _: None, compare=False)

    @property
    def holdout_clusters(self) -> int:
        """The number of clusters of the holdout."""
        return int(self.holdout.test[CLUSTER].nunique())

    def on_block(self, block: int, parameters: Mapping[str, Parameter]) -> float:
        """Compute the metric on one block.

        Raises:
            InsufficientData: there are too few rows before the block to fit on, or the metric is not defined on it.
        """
        part = self.blocks[block]
        evaluator = evaluator_of(self.spec.task, part)
        sums = evaluator.sufficient_statistics(
            predictions_on(self.spec, part, self._fitted(part, parameters))
        )
        return _value(sums, self.metric)

    def on_holdout(self, parameters: Mapping[str, Parameter], seed: int) -> Replicates:
        """Compute the metric on the holdout with its resamples, which are paired for equal values of ``seed``."""
        evaluator = evaluator_of(self.spec.task, self.holdout)
        fitted = self._fitted(self.holdout, parameters)
        return replicate(
            evaluator.sufficient_statistics(predictions_on(self.spec, self.holdout, fitted)),
            seed=seed,
        )[self.metric]

    def _fitted(self, part: TrainingSet, parameters: Mapping[str, Parameter]) -> Scorer:
        request = FitRequest(self.spec.seed, {**self.spec.defaults, **parameters}, self.progress)
        return scorer_of(self.spec.fit(part, request).artifact)


def objective_of(
    spec: ModelSpec, training_set: TrainingSet, progress: Progress = lambda _: None
) -> Objective:
    """Return the objective of a search for ``spec`` on the training part of ``training_set``.

    Raises:
        InsufficientData: the history is too short, the holdout has too few clusters, or no metric of a gate is
            defined on every block.
    """
    blocks = tuning_split(training_set.train, spec.label_delay)
    parts = tuple(part_of(training_set, fold) for fold in blocks.search)
    holdout = part_of(training_set, blocks.holdout)
    metric = _metric(spec, (*parts, holdout))
    objective = Objective(spec, metric, parts, holdout, progress)
    if objective.holdout_clusters < LEAST_CLUSTERS:
        raise InsufficientData(
            f"The holdout block has {objective.holdout_clusters} clusters; an interval needs {LEAST_CLUSTERS}.",
            remedy="ingest a longer labelled history; until then the defaults stay",
        )
    return objective


def verdict_of(difference: Estimate, metric: str) -> tuple[str, str]:
    """Return `TUNED` if the whole interval lies above 0, else `DEFAULT`, and the reason."""
    comparison = (
        f"{metric} on the holdout differs by {difference.value:+.4f} "
        f"[{difference.low:+.4f}, {difference.high:+.4f}] from the default's"
    )
    if difference.low > 0:
        return TUNED, f"{comparison}: the lower bound is above 0"
    return DEFAULT, f"{comparison}: the lower bound is not above 0"


def tuned_minus_default(tuned: Replicates, default: Replicates, metric: str) -> Estimate:
    """Compute tuned minus default with its paired interval."""
    return interval(metric, tuned.minus(default))


def part_of(training_set: TrainingSet, fold: Fold) -> TrainingSet:
    """Return the fold as a training set of its own; it holds no row of the test part."""
    rows = training_set.train
    fit = rows.iloc[fold.fit].reset_index(drop=True)
    held_out = rows.iloc[fold.held_out].reset_index(drop=True)
    split = replace(
        training_set.record.split,
        train_until=fit[TIME].max().to_pydatetime(),
        test_from=held_out[TIME].min().to_pydatetime(),
        rows_train=len(fit),
        rows_gap=0,
        rows_test=len(held_out),
        clusters_train=int(fit[CLUSTER].nunique()),
        clusters_test=int(held_out[CLUSTER].nunique()),
    )
    return TrainingSet(replace(training_set.record, split=split), fit, held_out)


def _metric(spec: ModelSpec, parts: tuple[TrainingSet, ...]) -> str:
    """Return the metric of the first limit gate, else baseline gate, whose metric is defined on every part."""
    gates = spec.policy.quality
    wanted = [
        g.metric for bound in (Bound.LIMIT, Bound.BASELINE) for g in gates if g.bound is bound
    ]
    defined = [defined_on(spec, part) for part in parts]
    for name in wanted:
        if all(name in names for names in defined):
            return name
    raise InsufficientData(
        f"No metric of the gates of {spec.name} ({', '.join(wanted)}) is defined on every block.",
        remedy="ingest a longer labelled history; until then the defaults stay",
    )


def defined_on(spec: ModelSpec, part: TrainingSet) -> set[str]:
    """Return the metrics that the dummy scorer has on this part, without those that make no sense there."""
    evaluator: Evaluator = evaluator_of(spec.task, part)
    predictions = predictions_on(spec, part, evaluator.dummy)
    sums, details = evaluator.sufficient_statistics(predictions), evaluator.details(predictions)
    metrics = sums.metrics(sums.sums.sum(axis=0)[None, :])
    finite = {name for name, value in metrics.items() if np.isfinite(value[0])}
    return finite - set(details.undefined) - set(details.not_applicable)


def predictions_on(spec: ModelSpec, part: TrainingSet, scorer: Scorer) -> Predictions:
    """Return the predictions of ``scorer`` for the held-out rows of ``part``."""
    adapter = adapter_of(spec.task)
    return adapter.predictions(spec.name, scorer, part.test, part.record.classes)


def _value(sums: SufficientStatistics, metric: str) -> float:
    value = float(sums.metrics(sums.sums.sum(axis=0)[None, :]).get(metric, np.array([np.nan]))[0])
    if not np.isfinite(value):
        raise InsufficientData(
            f"{metric} is not defined for these predictions.", remedy="try other parameters"
        )
    return value
