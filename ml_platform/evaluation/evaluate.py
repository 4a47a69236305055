"""Evaluation of a candidate on unseen test rows, beside everything that it is compared with."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from ml_platform.evaluation.comparison.references import reference_table
from ml_platform.evaluation.dimensions.dimension import Dimension
from ml_platform.evaluation.intervals.bootstrap import (
    RESAMPLES,
    Replicates,
    differences,
    distant_interval,
    estimates,
    replicate,
)
from ml_platform.evaluation.report import EvaluationReport, Subject
from ml_platform.evaluation.report_parts import Estimate, ReportTable
from ml_platform.evaluation.tasks.adapter import TaskAdapter
from ml_platform.evaluation.tasks.evaluator import Evaluator, Predictions
from ml_platform.evaluation.tasks.registry import adapter_of, evaluator_of
from ml_platform.spec.model import Scorer
from ml_platform.spec.task import Classification, Task
from ml_platform.spec.training_set import CLUSTER, TrainingSet, TrainingSetRecord

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class ComparedScorer:
    """A scorer that a candidate is compared with, or a note why no comparison is possible."""

    scorer: Scorer | None = None
    """``None`` where nothing is compared."""
    note: str = ""
    """Why there is no scorer, or in what it differs from the candidate; reports show it."""


@dataclass(frozen=True)
class Origin:
    """The origin of a candidate and the time of its evaluation; reports show them, no metric depends on them."""

    as_of: datetime
    newest_row_at: datetime
    live: bool = False
    artifact_sha256: str = ""
    policy_version: str = ""
    policy_name: str = "mission"
    policy_note: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    """`Subject.version` by subject; a subject that is not named has an empty version."""
    folds: Sequence[Mapping[str, float]] = ()
    """The metrics on each held-out block of the training part."""
    source_options: tuple[str, ...] = ()
    """The options that named the source, for the command that reproduces the report."""


def with_origin(report: EvaluationReport, origin: Origin) -> EvaluationReport:
    """Return the report with its figures and subjects, shown at another moment or decided by another policy."""
    return replace(report, **_shown(origin))


def _shown(origin: Origin) -> dict[str, Any]:
    """The fields of a report that its origin gives."""
    return {
        "as_of": origin.as_of,
        "artifact_sha256": origin.artifact_sha256,
        "policy_version": origin.policy_version,
        "policy_name": origin.policy_name,
        "policy_note": origin.policy_note,
        "newest_row_at": origin.newest_row_at,
        "live": origin.live,
        "source_options": origin.source_options,
    }


NO_COMPARISON = ComparedScorer()
CLASSIFICATION = Classification()
Examine = Callable[[Evaluator, Predictions], tuple[Dimension, ...]]
"""A function from the evaluator and the candidate's predictions to the dimensions beside the metrics."""
CERTAIN = 0.999
"""The level at which a candidate counts as shown above its ceiling: a thousand honest candidates may be one."""


def evaluate(
    training_set: TrainingSet,
    *,
    candidate: Scorer,
    estimator: Scorer,
    baseline: Scorer,
    seed: int,
    task: Task = CLASSIFICATION,
    ceiling: "pd.DataFrame | Scorer | None" = None,
    champion: ComparedScorer = NO_COMPARISON,
    challenged: ComparedScorer = NO_COMPARISON,
    references: Mapping[str, Scorer] = MappingProxyType({}),
    origin: Origin | None = None,
    resamples: int = RESAMPLES,
    examine: Examine = lambda _evaluator, _predictions: (),
) -> EvaluationReport:
    """Score each subject once over ``training_set.test`` and report every metric with its interval.

    Args:
        training_set: its training part fits the dummy baseline, its test part is scored.
        candidate: the artifact that would be served, loaded from its bytes.
        estimator: the fitted estimator behind it; ``parity_gap`` is the largest difference between the two.
        baseline: the rules.
        seed: of the bootstrap resamples.
        task: the task of the model.
        ceiling: the Bayes rule's predictions (row_id, model, target, prediction, probability), or the rule itself,
            if known.
        champion: the version in production; empty for a first candidate, with a note where it cannot be evaluated.
        challenged: the candidate of the model that this one challenges.
        references: simple methods by their title, which a table of the report shows beside the candidate.
        origin: what the report shows of the candidate beside its metrics.
        resamples: of the clusters, behind each interval.
        examine: returns the dimensions beside the metrics (`ml_platform.evaluation.dimensions.registry`).

    Raises:
        InsufficientData: there is no test row at all (whether there are enough, the gates decide).
        IntegrityError: a scorer, a label or a ceiling does not fit the training set.
    """
    scoring = _Scoring(adapter_of(task), evaluator_of(task, training_set), seed, resamples)
    predictions = scoring.predictions("candidate", candidate)
    parity_gap = scoring.parity_gap(predictions, estimator)
    compared = {
        "baseline": baseline,
        "dummy": scoring.evaluator.dummy,
        "champion": champion.scorer,
        "challenged": challenged.scorer,
    }
    replicates = dict(scoring.replicates(candidate, predictions, compared, ceiling))
    report = _report(scoring.evaluator, predictions, replicates, origin, seed, parity_gap)
    shown = _reference_tables(scoring, task, references, replicates["candidate"])
    return replace(
        report,
        resamples=resamples,
        headline=task.headline,
        above_ceiling=_above_ceiling(replicates, task.optimal),
        champion_note=champion.note,
        challenged_note=challenged.note,
        tables=(*report.tables, *shown),
        dimensions=examine(scoring.evaluator, predictions),
    )


@dataclass(frozen=True)
class _Scoring:
    """The scoring of every subject on the test rows of the evaluator's training set."""

    adapter: TaskAdapter[Any]
    evaluator: Evaluator
    seed: int
    resamples: int

    def predictions(self, name: str, scorer: Scorer) -> Predictions:
        """Return the predictions of ``scorer`` for the test rows; errors call it ``name``."""
        training_set = self.evaluator.training_set
        classes = training_set.record.classes
        return self.adapter.predictions(name, scorer, training_set.test, classes)

    def parity_gap(self, candidate: Predictions, estimator: Scorer) -> float:
        """Return the largest difference between what the artifact and its estimator predict."""
        return float(
            np.abs(candidate.values - self.predictions("estimator", estimator).values).max()
        )

    def replicates(
        self,
        candidate: Scorer,
        predictions: Predictions,
        compared: Mapping[str, Scorer | None],
        ceiling: "pd.DataFrame | Scorer | None",
    ) -> Iterator[tuple[str, dict[str, Replicates]]]:
        """Yield each subject's name and replicates: the candidate, those ``compared``, and the ceiling.

        Predictions are made one subject after the other, since all of them together may not fit in memory; a
        candidate that is compared with itself is not asked again.
        """
        own = self.replicated(predictions)
        yield "candidate", own
        for name, scorer in compared.items():
            if scorer is candidate:
                yield name, own
            elif scorer is not None:
                yield name, self.replicated(self.predictions(name, scorer))
        if ceiling is not None:
            yield "ceiling", self.replicated(self._bayes_rule(ceiling))

    def replicated(self, predictions: Predictions) -> dict[str, Replicates]:
        """Return each metric of the predictions over resamples of whole clusters."""
        statistics = self.evaluator.sufficient_statistics(predictions)
        return replicate(statistics, seed=self.seed, resamples=self.resamples)

    def _bayes_rule(self, ceiling: "pd.DataFrame | Scorer") -> Predictions:
        """Return the predictions of the Bayes rule, which a source gives as a table and a fixture as a scorer."""
        import pandas as pd

        if isinstance(ceiling, pd.DataFrame):
            return self.evaluator.ceiling(ceiling)
        return self.predictions("ceiling", ceiling)


def _above_ceiling(
    replicates: Mapping[str, dict[str, Replicates]], metrics: Sequence[str]
) -> dict[str, Estimate]:
    """Return how far the candidate is above the ceiling in ``metrics``, paired; empty without a ceiling."""
    candidate, ceiling = replicates["candidate"], replicates.get("ceiling", {})
    return {
        name: distant_interval(candidate[name].minus(ceiling[name]), level=CERTAIN)
        for name in metrics
        if name in candidate and name in ceiling
    }


def _reference_tables(
    scoring: _Scoring,
    task: Task,
    references: Mapping[str, Scorer],
    candidate: dict[str, Replicates],
) -> tuple[ReportTable, ...]:
    """Return the table of the references on the test rows; none without references."""
    if not references:
        return ()
    replicates = {
        title: scoring.replicated(scoring.predictions(title, scorer))
        for title, scorer in references.items()
    }
    return (reference_table(task.headline, candidate, replicates),)


def _origin_of(record: TrainingSetRecord) -> Origin:
    """Return the origin of a candidate that is not going to be promoted, such as one in a test."""
    return Origin(as_of=record.as_of, newest_row_at=record.as_of)


def _report(
    evaluator: Evaluator,
    predictions: Predictions,
    replicates: Mapping[str, dict[str, Replicates]],
    known_origin: Origin | None,
    seed: int,
    parity_gap: float,
) -> EvaluationReport:
    """Assemble the report from the candidate's ``predictions`` and the replicates of each subject."""
    training_set, details = evaluator.training_set, evaluator.details(predictions)
    record = training_set.record
    origin = known_origin or _origin_of(record)
    subjects = {
        name: Subject(name, origin.versions.get(name, ""), estimates(metrics))
        for name, metrics in replicates.items()
    }
    return EvaluationReport(
        model=record.model,
        source=record.source,
        simulated=record.simulated,
        training_set_fingerprint=record.fingerprint,
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
        difference_to_dummy=differences(replicates["candidate"], replicates["dummy"]),
        difference_to_champion=_difference(replicates, "champion"),
        folds=tuple(dict(fold) for fold in origin.folds),
        per_class=details.per_class,
        confusion=details.confusion,
        reliability=details.reliability,
        parity_gap=parity_gap,
        absent_classes=details.absent_classes,
        challenged=subjects.get("challenged"),
        difference_to_challenged=_difference(replicates, "challenged"),
        tables=details.tables,
        undefined=dict(details.undefined),
        not_applicable=dict(details.not_applicable),
        **_shown(origin),
    )


def _difference(
    replicates: Mapping[str, dict[str, Replicates]], other: str
) -> dict[str, Estimate] | None:
    if other not in replicates:
        return None
    return differences(replicates["candidate"], replicates[other])
