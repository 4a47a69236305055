"""A fixture evaluated and decided on, as a real candidate is.

Rows are stored, split and read back by the functions that do so for real training sets, the artifact by those for
real artifacts; evaluator, dimensions, integrity evidence and gates are the real ones. Only times are measured in
this process, on few calls, where a real candidate gets a process of its own; and by what the processor works, so
that a busy machine makes no candidate slow.
"""

import gc
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from shutil import copy, copytree
from typing import TYPE_CHECKING, Any

import numpy as np

from ml_platform import values
from ml_platform.adapters.artifact_files import write_artifact
from ml_platform.application.stored_evidence import artifact_sha256_now
from ml_platform.evaluation.dimensions.cost_sample import CostMeter
from ml_platform.evaluation.dimensions.registry import (
    DIMENSIONS,
    EvaluationContext,
    Examination,
    examinations,
    examine,
)
from ml_platform.evaluation.evaluate import NO_COMPARISON, ComparedScorer, Origin, evaluate
from ml_platform.evaluation.tasks.registry import adapter_of, evaluator_of
from ml_platform.gates.decide import decide
from ml_platform.gates.faults.fixture import SQL, SQL_WHEN_TRAINED, Fixture, Stored
from ml_platform.gates.integrity import IntegrityEvidence, evidence_of
from ml_platform.gates.outcome import Decision, GateResult
from ml_platform.gates.policy import policy_version
from ml_platform.gates.quality import quality_gate
from ml_platform.models.rules import CLASSIFICATION_RULES
from ml_platform.spec.artifact import Artifact
from ml_platform.spec.gates import QualityGate
from ml_platform.spec.training_set import CHANGE_SET, TIME

if TYPE_CHECKING:
    from ml_platform.evaluation.dimensions.dimension import Dimension
    from ml_platform.evaluation.report import EvaluationReport
    from ml_platform.evaluation.tasks.evaluator import Evaluator, Predictions
    from ml_platform.features.leakage_report import LeakageReport
    from ml_platform.spec.training_set import TrainingSet

RESAMPLES = 200
"""Enough where a fault misses its limit by more than its interval is wide."""
CALLS, CALL_SECONDS = 20, 0.5
"""Timed calls of one row at most, and for how long."""
TIMED_ROWS = 8
FOLDS = 5
PRICE_PER_CORE_HOUR = 0.05
SOURCE = "fixture"


@dataclass(frozen=True)
class FixtureEvaluation:
    """Evaluates fixtures in ``folder``; what follows from the same rows and scorers is computed once."""

    folder: Path
    _known: dict[tuple[Any, ...], tuple[Any, tuple[Any, ...]]] = field(default_factory=dict)
    """Results by the identities of what they follow from, which are kept beside them so that they stay unique."""

    def decide(self, fixture: Fixture) -> Decision:
        """The decision on a fixture, by every gate of its policy."""
        training_set = self._training_set(fixture)
        report = self._report(fixture, _dimensions_of(fixture.spec.policy.quality))
        return decide(report, fixture.spec.policy, self._evidence(fixture, report, training_set))

    def gate_alone(self, fixture: Fixture, gate: QualityGate) -> GateResult:
        """Decide one quality gate on a fixture, without the dimensions that the gate does not look at."""
        names = _dimensions_of((gate,))
        if not names:
            return quality_gate(self._report(fixture, ()), gate)
        # A gate on a dimension looks at nothing else of a report: any will do.
        report = self._once("report", (fixture.spec.policy,), lambda: self._report(fixture, ()))
        return quality_gate(replace(report, dimensions=self._dimensions(fixture, names)), gate)

    def _once(self, name: str, parts: tuple[Any, ...], compute: Callable[[], Any]) -> Any:
        key = (name, *(part if isinstance(part, str) else id(part) for part in parts))
        if key not in self._known:
            self._known[key] = (compute(), parts)
        return self._known[key][0]

    def _training_set(self, fixture: Fixture) -> "TrainingSet":
        """The rows of a fixture, stored, split by time and read back."""
        from ml_platform.adapters.training_set_files import build_training_set

        def build() -> "TrainingSet":
            file = self.folder / f"{fixture.spec.table.name}.parquet"
            fixture.rows.to_parquet(file, index=False)
            return build_training_set(
                file,
                fixture.spec,
                feature_versions=fixture.spec.table.versions({SQL: SQL_WHEN_TRAINED}),
                source=SOURCE,
                simulated=True,
                as_of=fixture.as_of,
                folder=self.folder,
            )

        built: TrainingSet = self._once("training set", (fixture.rows,), build)
        return built

    def _report(self, fixture: Fixture, dimensions: tuple[str, ...]) -> "EvaluationReport":
        training_set, spec = self._training_set(fixture), fixture.spec
        newest = max(training_set.train[TIME].max(), training_set.test[TIME].max())
        return evaluate(
            training_set,
            candidate=fixture.candidate,
            estimator=fixture.estimator,
            baseline=fixture.baseline,
            champion=ComparedScorer(fixture.champion),
            challenged=ComparedScorer(fixture.challenged) if spec.challenges else NO_COMPARISON,
            ceiling=fixture.ceiling,
            origin=Origin(
                as_of=fixture.as_of,
                newest_row_at=_moment(newest),
                live=True,
                artifact_sha256=_artifact(fixture).sha256,
                policy_version=policy_version(spec.policy),
            ),
            seed=spec.seed,
            task=spec.task,
            resamples=RESAMPLES,
            examine=lambda evaluator, predictions: self._examined(
                fixture, training_set, evaluator, predictions, dimensions
            ),
        )

    def _dimensions(self, fixture: Fixture, names: tuple[str, ...]) -> "tuple[Dimension, ...]":
        """The dimensions of a fixture without the metrics of what it is compared with."""
        training_set, task = self._training_set(fixture), fixture.spec.task
        predictions = adapter_of(task).predictions(
            "candidate", fixture.candidate, training_set.test, training_set.record.classes
        )
        evaluator = evaluator_of(task, training_set)
        return self._examined(fixture, training_set, evaluator, predictions, names)

    def _examined(
        self,
        fixture: Fixture,
        training_set: "TrainingSet",
        evaluator: "Evaluator",
        predictions: "Predictions",
        names: tuple[str, ...],
    ) -> "tuple[Dimension, ...]":
        """Each dimension once for the same rows and scorers."""
        from ml_platform.evaluation.dimensions.data import quality_report

        context = EvaluationContext(
            spec=fixture.spec,
            training_set=training_set,
            evaluator=evaluator,
            candidate=fixture.candidate,
            predictions=predictions,
            seed=fixture.spec.seed,
            users=fixture.users,
            artifact=_artifact(fixture),
            cost_meter=_meter(fixture),
            resamples=RESAMPLES,
        )
        followed = (training_set, fixture.candidate, fixture.fold_scorer, fixture.users)
        if "stability" in names:
            folds = self._once(
                "folds",
                (training_set, fixture.fold_scorer),
                lambda: _fold_metrics(fixture, training_set),
            )
            context = replace(context, folds=folds)
        if "quality" in names:
            quality = self._once(
                "quality", (training_set,), lambda: quality_report(fixture.spec, training_set)
            )
            context = replace(context, quality=quality)
        return tuple(
            self._once(
                name,
                followed,
                partial(_examine_alone, context, function),
            )
            for name, function in zip(names, examinations(names), strict=True)
        )

    def _evidence(
        self, fixture: Fixture, report: "EvaluationReport", training_set: "TrainingSet"
    ) -> IntegrityEvidence:
        """The hashes that were recorded at the evaluation, beside those of the store afterwards."""
        from ml_platform.evaluation.dimensions.data import leakage_report

        record, artifact = training_set.record, _artifact(fixture)
        stored = self._stored(fixture, training_set, artifact)
        if fixture.tamper is not None:
            fixture.tamper(stored)
        leakage: LeakageReport = self._once(
            "leakage", (training_set,), lambda: leakage_report(fixture.spec, training_set)
        )
        return evidence_of(
            report,
            record,
            leakage,
            artifact_sha256=artifact_sha256_now(stored.artifact, artifact.sha256) or "",
            rows_sha256=values.file_sha256(stored.rows),
            artifact_features=tuple(artifact.features),
            current_feature_versions=fixture.spec.table.versions(fixture.sql_now),
        )

    def _stored(self, fixture: Fixture, training_set: "TrainingSet", artifact: Artifact) -> Stored:
        """The files of a fixture, copies of its own where it is tampered with."""
        from ml_platform.adapters.training_set_files import ROWS_FILE

        record = training_set.record
        stored = Stored(
            self.folder / artifact.sha256,
            self.folder / record.model / record.fingerprint / ROWS_FILE,
        )
        if not stored.artifact.exists():
            write_artifact(artifact, stored.artifact)
        if fixture.tamper is None:
            return stored
        place = self.folder / f"tampered-{len(list(self.folder.glob('tampered-*')))}"
        copytree(stored.artifact, place / "artifact")
        copy(stored.rows, place / ROWS_FILE)
        return Stored(place / "artifact", place / ROWS_FILE)


def _examine_alone(context: EvaluationContext, examination: Examination) -> "Dimension":
    return examine(context, (examination,))[0]


def _dimensions_of(gates: Iterable[QualityGate]) -> tuple[str, ...]:
    """The dimensions that these gates look at: no other can stop a candidate."""
    wanted = {gate.metric.partition(".")[0] for gate in gates if "." in gate.metric}
    return tuple(name for name in DIMENSIONS if name in wanted)


def _artifact(fixture: Fixture) -> Artifact:
    """The candidate's parameters under a manifest: what is hashed, and which columns it reads."""
    features = fixture.spec.features
    return Artifact(
        CLASSIFICATION_RULES.name,
        tuple(fixture.candidate.classes),
        dict.fromkeys(features, "number"),
        {"scorer.txt": repr(fixture.candidate).encode()},
    )


def _meter(fixture: Fixture) -> CostMeter:
    """A meter that times the candidate in this process, on few calls of one row."""
    from ml_platform.adapters.serving_cost import sample_of_scorer

    def measure(artifact: Artifact, variants: object, rows: Any) -> Any:
        gc.disable()  # A collection of everything that this process holds is no time of the candidate's.
        try:
            return sample_of_scorer(
                fixture.candidate,
                rows.iloc[:TIMED_ROWS],
                calls=CALLS,
                seconds=CALL_SECONDS,
                warm_up=0,
            )
        finally:
            gc.enable()

    return CostMeter(measure, PRICE_PER_CORE_HOUR, lambda _: None)


def _fold_metrics(fixture: Fixture, training_set: "TrainingSet") -> tuple[dict[str, float], ...]:
    """The metrics of the fold scorer on each block of time of the training part."""
    train, task = training_set.train, fixture.spec.task
    began = train.groupby(CHANGE_SET, observed=True)[TIME].transform("min")
    share = (began - began.min()) / (began.max() - began.min())
    blocks = np.minimum((share * FOLDS).to_numpy().astype(np.int64), FOLDS - 1)
    folds = []
    for number in range(FOLDS):
        block = replace(training_set, test=train.iloc[np.flatnonzero(blocks == number)])
        predictions = adapter_of(task).predictions(
            "fold", fixture.fold_scorer, block.test, training_set.record.classes
        )
        statistics = evaluator_of(task, block).sufficient_statistics(predictions)
        metrics = statistics.metrics(statistics.sums.sum(axis=0)[None, :])
        folds.append({name: float(metric[0]) for name, metric in metrics.items()})
    return tuple(folds)


def _moment(timestamp: Any) -> datetime:
    moment: datetime = timestamp.to_pydatetime()
    return moment
