"""What a home needs now: its roots, and by them artifacts, training sets, reports, baselines and runs."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from ml_platform.application.connections import Connections
from ml_platform.application.experiment import references_to
from ml_platform.application.records import read_record
from ml_platform.application.rules_in_use import rules_of, rules_version
from ml_platform.application.state_keys import candidate_key, measurement_key
from ml_platform.application.stopped_candidate import EVALUATION_STEP
from ml_platform.application.stored_experiment import stored_experiment
from ml_platform.gates.record import EvaluationRecord
from ml_platform.models.candidate import CandidateRecord
from ml_platform.retention.reachable import (
    Reachable,
    baseline_key,
    needed_by,
    root_versions,
    training_set_key,
)
from ml_platform.retention.rules import Kind
from ml_platform.spec.training_set import TrainingSetRecord

T = TypeVar("T")
Needed = dict[tuple[Kind, str], str]
_STEPS = ("training_set", "candidate", EVALUATION_STEP)


def reachable(platform: Connections, more: Mapping[tuple[Kind, str], str]) -> Reachable:
    """Everything that a version, a step, an experiment of the home, or one of ``more``, needs now.

    Raises:
        IntegrityError: something that would say so cannot be read: then nothing may be removed.
    """
    ledger, needed = platform.ledger, Needed(more)
    for model in ledger.models():
        for number, reason in root_versions(ledger.history(model), ledger.legal_holds()).items():
            needed |= needed_by(ledger.evaluations(model, number), reason)
    for model in sorted({*ledger.models(), *_models_of_records(platform)}):
        needed |= _in_use(platform, model) | _last_results(platform, model)
    for name in ledger.experiment_names():
        needed |= _experiment(platform, name)
    return Reachable(needed)


def moments_of(platform: Connections) -> dict[tuple[Kind, str], datetime]:
    """By the clock of the data, when each thing of a version was last evaluated: other stores do not know."""
    moments: dict[tuple[Kind, str], datetime] = {}
    ledger = platform.ledger
    for model in ledger.models():
        for number in ledger.version_numbers(model):
            evaluations = ledger.evaluations(model, number)
            at = evaluations[-1].registered_at
            for kind, key in needed_by(evaluations, ""):
                known = moments.get((kind, key), at)
                moments[kind, key] = max(known, at)
    return moments


def _in_use(platform: Connections, model: str) -> Needed:
    """The rules that answer without a champion, the candidate that challengers stand beside, the last figures."""
    needed = Needed()
    rules = rules_of(platform, model)
    if rules:
        why = f"the rules of {model} answer while there is no champion"
        needed[Kind.ARTIFACT, rules] = why
        needed[Kind.BASELINE, baseline_key(model, rules_version(rules))] = why
    candidate = platform.ledger.state(candidate_key(model))
    if candidate:
        why = f"it is the candidate of {model}"
        needed[Kind.ARTIFACT, candidate["sha256"]] = why
        needed[Kind.TRAINING_SET, training_set_key(model, candidate["training_set"])] = why
    measured = platform.ledger.state(measurement_key(model))
    if measured:
        needed[Kind.EVALUATION_REPORT, measured["report"]] = f"the last figures of {model}"
    return needed


def _last_results(platform: Connections, model: str) -> Needed:
    """What the last record of each step names."""
    needed = Needed()
    training_set = _last(platform, model, "training_set", TrainingSetRecord)
    candidate = _last(platform, model, "candidate", CandidateRecord)
    evaluation = _last(platform, model, EVALUATION_STEP, EvaluationRecord)
    why = f"the last result of a step of {model}"
    for record in (training_set, candidate, evaluation):
        if record is not None:
            fingerprint = (
                record.fingerprint
                if isinstance(record, TrainingSetRecord)
                else record.training_set_fingerprint
            )
            needed[Kind.TRAINING_SET, training_set_key(model, fingerprint)] = why
    for fitted in (candidate, evaluation):
        if fitted is not None:
            needed[Kind.ARTIFACT, fitted.artifact_sha256] = why
            needed[Kind.ARTIFACT, fitted.rules_sha256] = why
    if candidate is not None:
        needed[Kind.PROBABILITIES, candidate.estimator_probabilities_sha256] = why
    if evaluation is not None:
        needed[Kind.EVALUATION_REPORT, evaluation.report_id] = why
        needed[Kind.MLFLOW_RUN, evaluation.mlflow_run_id] = why
        needed[Kind.DAGSTER_RUN, evaluation.dagster_run_id] = why
    return needed


def _experiment(platform: Connections, name: str) -> Needed:
    """The run of an experiment that is kept; an open one itself, and the rows that it is defined on."""
    stored, needed = stored_experiment(platform, name), Needed()
    why = f"the experiment {name}"
    named = references_to(platform, stored)
    if named:
        needed[Kind.EXPERIMENT, name] = "; ".join(named)
    if stored.mlflow_run_id:
        needed[Kind.MLFLOW_RUN, stored.mlflow_run_id] = why
    definition = stored.experiment.definition
    if stored.result is None:
        key = training_set_key(definition.model, definition.training_set_fingerprint)
        needed[Kind.TRAINING_SET, key] = needed[Kind.EXPERIMENT, name] = f"{why} is open"
    return needed


def _last(platform: Connections, model: str, step: str, kind: type[T]) -> T | None:
    path = _records(platform) / f"{model}__{step}.json"
    return read_record(platform.settings, (model, step), kind) if path.exists() else None


def _models_of_records(platform: Connections) -> Iterator[str]:
    for step in _STEPS:
        for path in _records(platform).glob(f"*__{step}.json"):
            yield path.name.removesuffix(f"__{step}.json")


def _records(platform: Connections) -> Path:
    return platform.settings.home / "records"
