"""Agreement of explanations between fits with different seeds, measured where a fit is cheap."""

from dataclasses import dataclass, replace

import numpy as np

from ml_platform.arrays import Codes
from ml_platform.errors import PlatformError
from ml_platform.evaluation.dimensions.cluster_sample import cluster_sample
from ml_platform.evaluation.dimensions.explanations.groups import FeatureGroup
from ml_platform.evaluation.dimensions.explanations.shuffling import shuffle_groups
from ml_platform.evaluation.dimensions.explanations.stability import losses, rank_correlation, shown
from ml_platform.evaluation.dimensions.registry import EvaluationContext
from ml_platform.evaluation.intervals.draws import multinomial_counts
from ml_platform.evaluation.report_parts import Estimate
from ml_platform.evaluation.tasks.evaluator import Evaluator
from ml_platform.evaluation.tasks.registry import adapter_of
from ml_platform.models.artifact_kinds import artifact_kind, scorer_of
from ml_platform.spec.model import FitRequest
from ml_platform.spec.training_set import TrainingSet

ROWS = 2_000
RESAMPLES = 200
"""The number of resamples of clusters behind the interval of the agreement."""
SECONDS = 3.0
"""The seconds of the first fit from which on there is no second one."""
_WITHOUT_SEARCH = {"choose": False}


@dataclass(frozen=True)
class Refits:
    """The refit that was made, with its agreement, or why none was made."""

    done: str
    agreement: Estimate | None = None


def refit_agreement(
    subject: EvaluationContext,
    part: TrainingSet,
    evaluator: Evaluator,
    clusters: Codes,
    groups: tuple[FeatureGroup, ...],
    metric: str,
) -> Refits:
    """Rank correlation of the importances of two fits, by two seeds, on the same clusters of training rows."""
    if subject.artifact is None or not artifact_kind(subject.artifact.kind).fast_fit:
        kind = "unknown" if subject.artifact is None else subject.artifact.kind
        return Refits(f"not fitted again: fits of this kind ({kind}) are too dear for a report")
    sample = _training_sample(subject.training_set, subject.seed)
    defaults = subject.spec.defaults
    parameters = {**defaults, **{k: v for k, v in _WITHOUT_SEARCH.items() if k in defaults}}
    losses_by_fit = []
    for extra in (1, 2):
        request = FitRequest(subject.seed + extra, parameters)
        try:
            outcome = subject.spec.fit(sample, request)
        except (PlatformError, ValueError) as error:
            return Refits(f"not fitted again: {len(sample.train):,} rows do not suffice ({error})")
        if outcome.seconds > SECONDS:
            return Refits(f"not fitted again: a fit on {len(sample.train):,} rows takes too long")
        shuffled = shuffle_groups(
            scorer_of(outcome.artifact),
            part.test,
            part.record.classes,
            clusters,
            groups,
            evaluator,
            bounded=adapter_of(subject.spec.task).bounded,
            seed=subject.seed + extra,
            repeats=1,
        )
        weights = multinomial_counts(
            np.random.default_rng((subject.seed, 4)), len(shuffled.moved), RESAMPLES
        )
        whole = np.vstack([np.ones(len(shuffled.moved)), weights])
        losses_by_fit.append(losses(shuffled, metric, whole)[:, :, 0])
    agreement = rank_correlation(*(shown(each, each[1:].std(axis=0)) for each in losses_by_fit))
    low, high = np.quantile(agreement[1:], [0.025, 0.975])
    value = float(agreement[0])
    return Refits(
        f"fitted twice by other seeds, on {len(sample.train):,} training rows",
        Estimate(value, min(float(low), value), max(float(high), value)),
    )


def _training_sample(training_set: TrainingSet, seed: int) -> TrainingSet:
    """Sample clusters of the training part, about `ROWS` rows."""
    swapped = replace(training_set, test=training_set.train)
    places = cluster_sample(swapped, seed=seed, rows=ROWS, clusters=2, most=2 * ROWS)
    return replace(training_set, train=training_set.train.iloc[places])
