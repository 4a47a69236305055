"""Evaluation of a candidate on unseen test rows, beside everything that it is compared with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.evaluation.dimensions.dimension import Dimension
from ml_platform.evaluation.intervals.bootstrap import (
    RESAMPLES,
    Replicates,
    differences,
    estimates,
    replicate,
)
from ml_platform.evaluation.report import EvaluationReport, Subject
from ml_platform.evaluation.report_parts import Estimate
from ml_platform.evaluation.tasks.evaluator import Evaluator, Predictions, TaskDetails
from ml_platform.evaluation.tasks.registry import adapter_of, evaluator_of
from ml_platform.spec.model import Scorer
from ml_platform.spec.task import Classification, Task
from ml_platform.spec.training_set import CLUSTER, TrainingSet, TrainingSetRecord

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Compared:
    """A scorer that a candidate is compared with, or a note why no comparison is possible."""

    scorer: Scorer | None = None
    note: str = ""


@dataclass(frozen=True)
class Origin:
    """The origin of a candidate and the time of its evaluation; reports show them, no metric depends on them."""

    as_of: datetime
    newest_row_at: datetime
    live: bool = False
    artifact_sha256: str = ""
    policy_version: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    """`Subject.version` by subject; a subject that is not named has an empty version."""
    folds: Sequence[Mapping[str, float]] = ()
    """The metrics on each held-out block of the training part."""
    source_options: tuple[str, ...] = ()
    """The options that named the source, for the command that reproduces the report."""


NOTHING = Compared()
CLASSIFICATION = Classification()


def evaluate(
    training_set: TrainingSet,
    *,
    candidate: Scorer,
    estimator: Scorer,
    baseline: Scorer,
    seed: int,
    task: Task = CLASSIFICATION,
    ceiling: "pd.DataFrame | None" = None,
    champion: Compared = NOTHING,
    challenged: Compared = NOTHING,
    origin: Origin | None = None,
    resamples: int = RESAMPLES,
    examine: Callable[
        [Evaluator, Predictions], tuple[Dimension, ...]
    ] = lambda _evaluator, _predictions: (),
) -> EvaluationReport:
    """Score each subject once over ``training_set.test`` and report every metric with its interval.

    Args:
        training_set: its training part fits the dummy baseline, its test part is scored.
        candidate: the artifact that would be served, loaded from its bytes.
        estimator: the fitted estimator behind it; ``parity_gap`` is the largest difference between the two.
        baseline: the rules.
        seed: of the bootstrap resamples.
        task: the task of the model.
        ceiling: the Bayes rule's predictions (row_id, model, target, prediction, probability), if known.
        champion: the version in production; empty for a first candidate, with a note where it cannot be evaluated.
        challenged: the candidate of the model that this one challenges.
        origin: what the report shows of the candidate beside its metrics.
        resamples: of the clusters, behind each interval.
        examine: returns the dimensions beside the metrics (`ml_platform.evaluation.dimensions.registry`).

    Raises:
        InsufficientData: there is no test row at all (whether there are enough, the gates decide).
        IntegrityError: a scorer, a label or a ceiling does not fit the training set.
    """
    adapter, evaluator = adapter_of(task), evaluator_of(task, training_set)

    def predictions(name: str, scorer: Scorer) -> Predictions:
        return adapter.predictions(name, scorer, training_set.test, training_set.record.classes)

    def replicates_of(scored: Predictions) -> dict[str, Replicates]:
        return replicate(evaluator.sufficient_statistics(scored), seed=seed, resamples=resamples)

    candidate_predictions, fitted = (
        predictions("candidate", candidate),
        predictions("estimator", estimator),
    )
    gap = float(np.abs(candidate_predictions.values - fitted.values).max())
    replicates = {"candidate": replicates_of(candidate_predictions)}
    others = {
        "baseline": baseline,
        "dummy": evaluator.dummy,
        "champion": champion.scorer,
        "challenged": challenged.scorer,
    }
    for name, scorer in others.items():
        if scorer is not None:
            replicates[name] = replicates_of(predictions(name, scorer))
    if ceiling is not None:
        replicates["ceiling"] = replicates_of(evaluator.ceiling(ceiling))
    candidate_origin = origin or _origin_of(training_set.record)
    report = _report(
        training_set,
        evaluator,
        evaluator.details(candidate_predictions),
        replicates,
        candidate_origin,
        seed,
        gap,
    )
    return replace(
        report,
        resamples=resamples,
        headline=task.headline,
        champion_note=champion.note,
        challenged_note=challenged.note,
        dimensions=examine(evaluator, candidate_predictions),
    )


def _origin_of(record: TrainingSetRecord) -> Origin:
    """Return the origin of a candidate that is not going to be promoted, such as one in a test."""
    return Origin(as_of=record.as_of, newest_row_at=record.as_of)


def _report(
    training_set: TrainingSet,
    evaluator: Evaluator,
    details: TaskDetails,
    replicates: Mapping[str, dict[str, Replicates]],
    origin: Origin,
    seed: int,
    parity_gap: float,
) -> EvaluationReport:
    """Assemble the report from the replicates of each subject."""
    record = training_set.record
    subjects = {
        name: Subject(name, origin.versions.get(name, ""), estimates(metrics))
        for name, metrics in replicates.items()
    }
    return EvaluationReport(
        model=record.model,
        source=record.source,
        simulated=record.simulated,
        as_of=origin.as_of,
        artifact_sha256=origin.artifact_sha256,
        training_set_fingerprint=record.fingerprint,
        policy_version=origin.policy_version,
        seed=seed,
        rows=len(training_set.test),
        clusters=int(training_set.test[CLUSTER].nunique()),
        change_sets=evaluator.change_set_count,
        split=record.split,
        classes=record.classes,
        candidate=subjects["candidate"],
        baseline=subjects["baseline"],
        dummy=subjects["dummy"],
        ceiling=subjects.get("ceiling"),
        champion=subjects.get("champion"),
        difference_to_baseline=differences(replicates["candidate"], replicates["baseline"]),
        difference_to_champion=_difference(replicates, "champion"),
        folds=tuple(dict(fold) for fold in origin.folds),
        per_class=details.per_class,
        confusion=details.confusion,
        reliability=details.reliability,
        parity_gap=parity_gap,
        newest_row_at=origin.newest_row_at,
        live=origin.live,
        absent_classes=details.absent_classes,
        challenged=subjects.get("challenged"),
        difference_to_challenged=_difference(replicates, "challenged"),
        tables=details.tables,
        undefined=dict(details.undefined),
        not_applicable=dict(details.not_applicable),
        source_options=origin.source_options,
    )


def _difference(
    replicates: Mapping[str, dict[str, Replicates]], other: str
) -> dict[str, Estimate] | None:
    if other not in replicates:
        return None
    return differences(replicates["candidate"], replicates[other])
