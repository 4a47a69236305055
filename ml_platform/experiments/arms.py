"""Both arms of an experiment: fitted on the same rows, evaluated on the same later rows, and timed."""

import hashlib
import statistics as descriptive
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ml_platform.errors import InsufficientData, IntegrityError
from ml_platform.evaluation.comparison.tuning import LEAST_CLUSTERS, part_of, predictions_on
from ml_platform.evaluation.metrics.sufficient_statistics import SufficientStatistics
from ml_platform.evaluation.tasks.registry import evaluator_of
from ml_platform.experiments.definition import Arm, Definition, Place
from ml_platform.experiments.lifecycle import DefinedExperiment
from ml_platform.experiments.result import BASELINE, VARIANT, ArmCost, Measured
from ml_platform.experiments.statistics import statistics_bytes
from ml_platform.models.artifact_kinds import scorer_of
from ml_platform.spec.model import FitOutcome, FitRequest, ModelSpec, Scorer
from ml_platform.spec.training_set import CLUSTER, TrainingSet
from ml_platform.training_sets.time_split import tuning_split

if TYPE_CHECKING:
    import pandas as pd

LATENCY_ROWS = 100
_WARM_UP = 5


@dataclass(frozen=True)
class Run:
    """Both arms after their run: measurements, and the sufficient statistics as they are stored."""

    measured: Measured
    statistics: bytes


def evaluation_part(spec: ModelSpec, training_set: TrainingSet, place: Place) -> TrainingSet:
    """The rows of an experiment: both arms are fitted on ``train`` and evaluated on ``test``.

    Raises:
        InsufficientData: too short a history, or fewer clusters than an interval needs.
    """
    if place is Place.TEST:
        part = training_set
    else:
        blocks = tuning_split(training_set.train, spec.label_delay)
        part = part_of(training_set, blocks.holdout)
    clusters = int(part.test[CLUSTER].nunique())
    if clusters < LEAST_CLUSTERS:
        raise InsufficientData(
            f"The {place.value} rows have {clusters} clusters; an interval needs {LEAST_CLUSTERS}.",
            remedy="ingest a longer labelled history",
        )
    return part


def run_arms(
    experiment: DefinedExperiment,
    spec: ModelSpec,
    training_set: TrainingSet,
    progress: Callable[[str], None],
) -> Run:
    """Fit both arms and evaluate them; all but the measured times is determined by the arguments.

    Raises:
        InsufficientData: too few rows to fit or to evaluate on.
    """
    definition = experiment.definition
    part = evaluation_part(spec, training_set, definition.place)
    evaluator = evaluator_of(spec.task, part)
    statistics: dict[str, SufficientStatistics] = {}
    fitted: dict[str, tuple[FitOutcome, float, Scorer, TrainingSet]] = {}
    undefined: dict[str, str] = {}
    for number, (name, arm) in enumerate(_arms(definition), start=1):
        progress(f"arm {number}/2, {name}: fitting on {len(part.train):,} rows")
        arm_rows = without(part, arm.without)
        outcome, seconds = _fit(spec, arm_rows, arm, name, progress)
        scorer = scorer_of(outcome.artifact)
        predictions = predictions_on(spec, arm_rows, scorer)
        statistics[name] = evaluator.sufficient_statistics(predictions)
        details = evaluator.details(predictions)
        undefined |= {**details.undefined, **details.not_applicable}
        fitted[name] = (outcome, seconds, scorer, arm_rows)
        progress(f"arm {number}/2, {name}: {seconds:.1f} s, evaluated on {len(part.test):,} rows")
    latencies = _latencies(
        {name: (scorer, arm_rows.test) for name, (_, _, scorer, arm_rows) in fitted.items()}
    )
    costs = {
        name: _cost(outcome, seconds, latencies[name])
        for name, (outcome, seconds, _, _) in fitted.items()
    }
    stored = statistics_bytes(statistics)
    measured = Measured(
        definition_hash=experiment.hash,
        training_set_fingerprint=training_set.record.fingerprint,
        rows_fitted=len(part.train),
        rows=len(part.test),
        clusters=evaluator.cluster_count,
        baseline=costs[BASELINE],
        variant=costs[VARIANT],
        undefined=undefined,
        statistics_sha256=sha256(stored),
    )
    return Run(measured, stored)


def sha256(content: bytes) -> str:
    """SHA-256 of some bytes, as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def without(part: TrainingSet, names: tuple[str, ...]) -> TrainingSet:
    """Return the rows with the named features held constant, so that nothing can be learned from them.

    A feature is set, in both parts, to its typical value among the rows to fit on: the median of a number (0
    where all are missing), the most frequent category, an empty list.
    """
    if not names:
        return part
    train, test = part.train.copy(), part.test.copy()
    for name in names:
        if name not in train:
            raise IntegrityError(
                f"The training set of {part.record.model} has no feature {name}.",
                remedy="define the experiment again on the present features",
            )
        typical = _typical(train[name])
        for rows in (train, test):
            if isinstance(typical, list):
                rows[name] = [[] for _ in range(len(rows))]
            else:
                rows[name] = _constant(rows[name], typical)
    return replace(part, train=train, test=test)


def _typical(column: "pd.Series[Any]") -> Any:
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column):
        median = column.median()
        return 0.0 if pd.isna(median) else median
    first = next((value for value in column if value is not None), "")
    if not isinstance(first, str):
        return []
    return column.value_counts().sort_index().idxmax() if column.notna().any() else ""


def _constant(column: "pd.Series[Any]", value: Any) -> "pd.Series[Any]":
    import pandas as pd

    return pd.Series(value, index=column.index, dtype=column.dtype)


def _arms(definition: Definition) -> tuple[tuple[str, Arm], ...]:
    return ((BASELINE, definition.baseline), (VARIANT, definition.variant))


def _fit(
    spec: ModelSpec,
    part: TrainingSet,
    arm: Arm,
    name: str,
    progress: Callable[[str], None],
) -> tuple[FitOutcome, float]:
    request = FitRequest(arm.seed, dict(arm.parameters), lambda line: progress(f"  {name}: {line}"))
    started = time.perf_counter()
    outcome = spec.fit(part, request)
    return outcome, time.perf_counter() - started


def _latencies(arms: dict[str, tuple[Scorer, "pd.DataFrame"]]) -> dict[str, list[float]]:
    """Milliseconds to score single rows; the arms take turns, so that a busy moment of the machine hits both."""
    spent: dict[str, list[float]] = {name: [] for name in arms}
    count = min(LATENCY_ROWS, *(len(rows) for _, rows in arms.values()))
    for at in range(-_WARM_UP, count):
        for name, (scorer, rows) in arms.items():
            place = max(at, 0)
            one = rows.iloc[place : place + 1]
            started = time.perf_counter()
            scorer.predict_proba(one)
            if at >= 0:
                spent[name].append((time.perf_counter() - started) * 1e3)
    return spent


def _cost(outcome: FitOutcome, seconds: float, spent: list[float]) -> ArmCost:
    ordered = sorted(spent)
    return ArmCost(
        artifact_sha256=outcome.artifact.sha256,
        parameters=outcome.parameters,
        fit_seconds=round(seconds, 3),
        size_mb=outcome.artifact.size_bytes / 1e6,
        latency_ms=round(descriptive.median(ordered), 4),
        latency_p95_ms=round(ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))], 4),
    )


def check_rows(definition: Definition, fingerprint: str) -> str:
    """The reason why the experiment cannot run on the training set of this fingerprint; empty if it can."""
    frozen = definition.training_set_fingerprint
    if fingerprint == frozen:
        return ""
    return (
        f"{definition.name} is frozen on the training set {frozen[:12]} of {definition.model}, "
        f"the present one is {fingerprint[:12]}"
    )
