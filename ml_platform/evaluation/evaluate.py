"""The candidate judged once on test rows it has never seen, beside everything it is compared with."""

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
    """A scorer that a candidate is held against, or why it cannot be."""

    scorer: Scorer | None = None
    note: str = ""


@dataclass(frozen=True)
class Origin:
    """Where a candidate comes from, and when it is judged: told in the report, and no metric depends on it."""

    as_of: datetime
    newest_row_at: datetime
    live: bool = False
    artifact_sha256: str = ""
    policy_version: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    """`Subject.version` by subject, empty where one is not named."""
    folds: Sequence[Mapping[str, float]] = ()
    """Metrics on each held-out block of the training part."""
    source_options: tuple[str, ...] = ()
    """How the source was named, for the command that makes the report again."""


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
    ] = lambda _judge, _answers: (),
) -> EvaluationReport:
    """Score each subject once over ``training_set.test`` and report every metric with its interval.

    ``candidate`` is the artifact that would be served, loaded from its bytes, and ``estimator`` the
    fitted side of it: ``parity_gap`` is the largest difference between the two. ``baseline`` are the
    rules; ``champion`` is empty for a first candidate, and has a note that says why for one that cannot
    be judged on these rows; ``challenged`` is another model's candidate. ``ceiling`` has the Bayes rule's
    answers (row_id, model, prediction, probability). ``examine`` looks at the candidate's answers in other ways
    than by metrics (`ml_platform.evaluation.dimensions.registry`).

    Raises:
        InsufficientData: no test row at all (too few for a gate is the gate's matter).
        IntegrityError: a scorer, a label or a ceiling that does not fit the training set.
    """
    adapter, evaluator = adapter_of(task), evaluator_of(task, training_set)

    def predictions(name: str, scorer: Scorer) -> Predictions:
        return adapter.predictions(name, scorer, training_set.test, training_set.record.classes)

    def judged_by(of: Predictions) -> dict[str, Replicates]:
        return replicate(evaluator.sufficient_statistics(of), seed=seed, resamples=resamples)

    own, fitted = predictions("candidate", candidate), predictions("estimator", estimator)
    gap = float(np.abs(own.values - fitted.values).max())
    judged = {"candidate": judged_by(own)}
    others = {
        "baseline": baseline,
        "dummy": evaluator.dummy,
        "champion": champion.scorer,
        "challenged": challenged.scorer,
    }
    for name, scorer in others.items():
        if scorer is not None:
            judged[name] = judged_by(predictions(name, scorer))
    if ceiling is not None:
        judged["ceiling"] = judged_by(evaluator.ceiling(ceiling))
    told = origin or _origin_of(training_set.record)
    report = _report(training_set, evaluator, evaluator.details(own), judged, told, seed, gap)
    return replace(
        report,
        resamples=resamples,
        headline=task.headline,
        champion_note=champion.note,
        challenged_note=challenged.note,
        dimensions=examine(evaluator, own),
    )


def _origin_of(record: TrainingSetRecord) -> Origin:
    """That of a candidate which nobody is going to promote."""
    return Origin(as_of=record.as_of, newest_row_at=record.as_of)


def _report(
    training_set: TrainingSet,
    evaluator: Evaluator,
    details: TaskDetails,
    judged: Mapping[str, dict[str, Replicates]],
    origin: Origin,
    seed: int,
    parity_gap: float,
) -> EvaluationReport:
    """Figures, differences and details of what was judged, by subject."""
    record = training_set.record
    subjects = {
        name: Subject(name, origin.versions.get(name, ""), estimates(of))
        for name, of in judged.items()
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
        difference_to_baseline=differences(judged["candidate"], judged["baseline"]),
        difference_to_champion=_difference(judged, "champion"),
        folds=tuple(dict(fold) for fold in origin.folds),
        per_class=details.per_class,
        confusion=details.confusion,
        reliability=details.reliability,
        parity_gap=parity_gap,
        newest_row_at=origin.newest_row_at,
        live=origin.live,
        absent_classes=details.absent_classes,
        challenged=subjects.get("challenged"),
        difference_to_challenged=_difference(judged, "challenged"),
        tables=details.tables,
        undefined=dict(details.undefined),
        not_applicable=dict(details.not_applicable),
        source_options=origin.source_options,
    )


def _difference(
    judged: Mapping[str, dict[str, Replicates]], other: str
) -> dict[str, Estimate] | None:
    if other not in judged:
        return None
    return differences(judged["candidate"], judged[other])
