"""A candidate with everything that its judgement rests on, small and made to pass every gate of its model.

A fault spoils one thing of it; then that gate must stop the candidate, and no other
(`ml_platform.gates.faults.catalogue`).
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ml_platform.evaluation.dimensions.cost_sample import CallTimes, CostMeter, CostSample
from ml_platform.evaluation.dimensions.registry import (
    DIMENSIONS,
    EvaluationContext,
    examinations,
    examine,
)
from ml_platform.evaluation.evaluate import NOTHING, Compared, Origin, evaluate
from ml_platform.features.leakage import find_leaks
from ml_platform.features.leakage_report import LeakageReport
from ml_platform.features.quality.assess import assess
from ml_platform.gates.decide import decide
from ml_platform.gates.integrity import evidence_of
from ml_platform.gates.outcome import Decision
from ml_platform.gates.policy import policy_version
from ml_platform.models.rules import CLASSIFICATION_RULES
from ml_platform.spec.artifact import Artifact
from ml_platform.spec.model import ModelSpec, Scorer
from ml_platform.spec.training_set import TrainingSet, TrainingSetRecord

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.evaluation.dimensions.dimension import Dimension
    from ml_platform.evaluation.tasks.evaluator import Evaluator, Predictions

RESAMPLES = 400
"""Enough to tell margins as wide as a fault's."""
CALLS = 400


@dataclass(frozen=True)
class Bench:
    """What is judged, and what it is judged by."""

    spec: ModelSpec
    training_set: TrainingSet
    candidate: Scorer
    estimator: Scorer
    """The fitted side of the candidate: parity holds them together."""
    baseline: Scorer
    champion: Compared
    challenged: Compared
    users: "pd.DataFrame"
    folds: tuple[dict[str, float], ...]
    artifact: bytes = b"artifact as it was judged"
    artifact_found: bytes = b"artifact as it was judged"
    rows: bytes = b"rows as they were recorded"
    rows_found: bytes = b"rows as they were recorded"
    changed_definitions: tuple[str, ...] = ()
    """Features that the code defines in another way than when the candidate was trained."""
    age: timedelta = timedelta(hours=1)
    """Of the newest row."""
    answer_ms: float = 1.0
    """What one answer takes."""

    def with_candidate(self, scorer: Scorer) -> "Bench":
        """The same with another candidate, which its estimator agrees with."""
        return replace(self, candidate=scorer, estimator=scorer, champion=Compared(scorer))


def decided(bench: Bench) -> Decision:
    """The verdict on the bench, by the same functions that judge a real candidate."""
    spec, training_set = bench.spec, bench.training_set
    record = training_set.record
    as_of: datetime = record.as_of
    leaks = leaks_of(bench)

    def examined(evaluator: "Evaluator", predictions: "Predictions") -> "tuple[Dimension, ...]":
        return examine(
            EvaluationContext(
                spec=spec,
                training_set=training_set,
                evaluator=evaluator,
                candidate=bench.candidate,
                predictions=predictions,
                seed=spec.seed,
                users=bench.users,
                folds=bench.folds,
                leakage=leaks,
                quality=assess(training_set.train, training_set.test, record.features),
                artifact=_artifact(record),
                cost_meter=CostMeter(lambda *_: _sample(bench.answer_ms), 0.05, lambda _: None),
                resamples=RESAMPLES,
            ),
            examinations(_named(spec)),
        )

    report = evaluate(
        training_set,
        candidate=bench.candidate,
        estimator=bench.estimator,
        baseline=bench.baseline,
        champion=bench.champion,
        challenged=bench.challenged if spec.challenges else NOTHING,
        origin=Origin(
            as_of=as_of,
            newest_row_at=as_of - bench.age,
            live=True,
            artifact_sha256=_sha256(bench.artifact),
            policy_version=policy_version(spec.policy),
            folds=bench.folds,
        ),
        seed=spec.seed,
        task=spec.task,
        resamples=RESAMPLES,
        examine=examined,
    )
    versions = record.feature_versions
    evidence = evidence_of(
        report,
        replace(record, rows_sha256=_sha256(bench.rows)),
        leaks,
        artifact_sha256=_sha256(bench.artifact_found),
        rows_sha256=_sha256(bench.rows_found),
        artifact_features=record.features,
        current_feature_versions=versions
        | {name: f"{versions[name]}, changed" for name in bench.changed_definitions},
    )
    return decide(report, spec.policy, evidence)


def _named(spec: ModelSpec) -> tuple[str, ...]:
    """Dimensions that a gate of the policy looks at: only these can stop a candidate."""
    wanted = {gate.metric.partition(".")[0] for gate in spec.policy.quality if "." in gate.metric}
    return tuple(name for name in DIMENSIONS if name in wanted)


def leaks_of(bench: Bench) -> LeakageReport:
    """What the search for leaks finds in the bench's training set."""
    record = bench.training_set.record
    return find_leaks(
        bench.training_set.train,
        bench.training_set.test,
        label=record.label,
        features=record.features,
        declared=set(record.features),
        train_until=record.split.train_until,
        test_from=record.split.test_from,
    )


def stopped_by(decision: Decision) -> tuple[str, ...]:
    """Names of the gates that stop the candidate, in their order."""
    return tuple(gate.name for gate in decision.gates if gate.outcome.stops)


def _artifact(record: TrainingSetRecord) -> Artifact:
    """What examinations ask an artifact: which columns it reads."""
    return Artifact(
        CLASSIFICATION_RULES.name, record.classes, dict.fromkeys(record.features, "number"), {}
    )


def _sample(milliseconds: float) -> CostSample:
    """Calls that all take as long; what measures real ones is tried on an artifact that was slowed down."""
    times = CallTimes(1, (milliseconds,) * CALLS)
    return CostSample(times, (), 0.0, milliseconds, milliseconds, 1.0, None, {})


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


Fault = Callable[[Bench], Bench]
