"""Experiments: defined on a home's own data, run, compared, adopted and pruned."""

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib import metadata
from typing import TYPE_CHECKING

from ml_platform.adapters.plugins import spec_named
from ml_platform.application.build_training_set import latest_training_set
from ml_platform.application.connections import Connections
from ml_platform.application.log_experiment import log_experiment
from ml_platform.application.state_keys import tuned_key
from ml_platform.application.stored_experiment import (
    PID,
    STARTED,
    StoredExperiment,
    stored_experiment,
)
from ml_platform.application.verify_experiment import unchanged_experiment, verify_experiment
from ml_platform.errors import PermitRefused, UsageError
from ml_platform.experiments.lifecycle import (
    DefinedExperiment,
    ExperimentEvent,
    Happening,
    RetentionDecision,
    Status,
    references,
    retention,
)
from ml_platform.spec.training_set import TrainingSet, TrainingSetRecord

if TYPE_CHECKING:
    from ml_platform.experiments.compare import ComparedExperiment
    from ml_platform.experiments.proposal import Champion, Proposal
    from ml_platform.spec.model import ModelSpec

Progress = Callable[[str], None]


def define(platform: Connections, proposal: "Proposal", now: datetime) -> DefinedExperiment:
    """Freeze what was proposed, on the model's present training set.

    Raises:
        UsageError: a field that is missing or cannot be.
        InsufficientData: too few rows to decide on.
        ConflictError: another experiment has this name.
    """
    from ml_platform.evaluation.comparison.tuning import defined_on
    from ml_platform.experiments.arms import evaluation_part
    from ml_platform.experiments.proposal import defined, place_of

    spec = spec_named(proposal.model)
    rows = _present_rows(platform, spec)
    metrics = defined_on(spec, evaluation_part(spec, rows, place_of(proposal)))
    definition = defined(proposal, spec, rows.record, metrics, _champion(platform, spec.name))
    return platform.ledger.define_experiment(definition, now)


def run_experiment(
    platform: Connections, name: str, now: Callable[[], datetime], progress: Progress
) -> StoredExperiment:
    """Run an experiment, or complete what a killed run has left; one that is done is returned as it stands.

    Raises:
        IntegrityError: the definition is not what was frozen.
        UsageError: there is no such experiment, or its training set is no longer the present one.
    """
    experiment = unchanged_experiment(platform, name)
    ledger = platform.ledger
    if ledger.experiment_result(name) is None:
        spec = spec_named(experiment.definition.model)
        rows = _present_rows(platform, spec)
        _require_frozen_rows(platform, experiment, rows.record, now())
        process = {PID: str(os.getpid()), STARTED: repr(_creation_time(os.getpid()))}
        ledger.record_experiment_event(
            ExperimentEvent(name, Happening.STARTED, now(), {**process, "hash": experiment.hash})
        )
        _run_arms(platform, experiment, spec, rows, now, progress)
    stored = stored_experiment(platform, name)
    if stored.result is not None and not stored.mlflow_run_id:
        run_id = log_experiment(
            platform.tracking,
            experiment,
            stored.result,
            result_sha256=ledger.experiment_result_sha256(name) or "",
        )
        ledger.record_experiment_event(
            ExperimentEvent(name, Happening.LOGGED, now(), {"mlflow_run_id": run_id})
        )
    return stored_experiment(platform, name)


def compare_experiments(
    platform: Connections, names: Sequence[str]
) -> "tuple[ComparedExperiment, ...]":
    """Finished experiments side by side, in the order of their names; a repeated name counts once.

    Raises:
        UsageError: one of them is not there, or has no result.
    """
    from ml_platform.experiments.compare import compare

    finished = []
    for name in dict.fromkeys(names):
        stored = stored_experiment(platform, name)
        if stored.result is None:
            raise UsageError(
                f"The experiment {name} is {stored.status.value}, it has no result.",
                remedy=f"`ml-platform experiment run {name}` first",
            )
        finished.append((stored.experiment.definition, stored.result))
    return compare(finished)


def adopt_experiment(platform: Connections, name: str) -> str:
    """Let the next candidate be fitted with the variant's parameters; the model's name.

    The candidate still has to pass its gates.

    Raises:
        PermitRefused: the verdict is not PROMOTE, something stored was changed, or more than parameters is.
    """
    stored = stored_experiment(platform, name)
    definition, result = stored.experiment.definition, stored.result
    variant = definition.variant
    reasons = [f"{f.subject}: {f.detail}" for f in verify_experiment(platform, name) if not f.ok]
    verdict = result.conclusion.verdict.upper() if result else "still open"
    if verdict != "PROMOTE":
        reasons.append(f"the verdict of {name} is {verdict}")
    if variant.without or variant.seed != spec_named(definition.model).seed:
        reasons.append("features and seed belong to the model's code, and are changed there")
    if reasons:
        raise PermitRefused(tuple(reasons), remedy="adopt an experiment whose verdict is PROMOTE")
    platform.ledger.set_state(
        tuned_key(definition.model),
        {"parameters": variant.parameters, "experiment": name, "hash": stored.experiment.hash},
    )
    return definition.model


def prune_experiments(
    platform: Connections, now: datetime, *, dry_run: bool
) -> tuple[RetentionDecision, ...]:
    """Remove the experiments that retention lets go (with ``dry_run`` only say which); all with reasons."""
    outcomes = []
    for name in platform.ledger.experiment_names():
        outcome = _retention_of(platform, stored_experiment(platform, name), now)
        if outcome.prune and not dry_run:
            platform.ledger.prune_experiment(name, now)
        outcomes.append(outcome)
    return tuple(outcomes)


def wall_clock() -> datetime:
    """The time now: experiments are started by people, so their times are the wall's, not the home's."""
    return datetime.now(UTC)


def _retention_of(
    platform: Connections, stored: StoredExperiment, now: datetime
) -> RetentionDecision:
    experiment = stored.experiment
    return retention(
        experiment,
        platform.ledger.experiment_events(experiment.definition.name),
        now=now,
        running=stored.status is Status.RUNNING,
        references=references_to(platform, stored),
    )


def references_to(platform: Connections, stored: StoredExperiment) -> tuple[str, ...]:
    """The references to an experiment that keep it whatever its age."""
    ledger, experiment = platform.ledger, stored.experiment
    model = experiment.definition.model
    adopted = ledger.state(tuned_key(model)) or {}
    return references(
        experiment,
        stored.result.finished_at if stored.result else None,
        ledger.versions(model),
        ledger.events(model),
        str(adopted.get("hash", "")),
    )


def _present_rows(platform: Connections, spec: "ModelSpec") -> TrainingSet:
    """The model's training set of the last run of the home."""
    from ml_platform.adapters.training_set_files import load_training_set

    settings = platform.settings
    return load_training_set(settings.training_sets, latest_training_set(settings, spec))


def _require_frozen_rows(
    platform: Connections, experiment: DefinedExperiment, record: TrainingSetRecord, at: datetime
) -> None:
    """Refuse, and log the refusal, where the present training set is not the one of the definition."""
    from ml_platform.experiments.arms import check_rows

    reason = check_rows(experiment.definition, record.fingerprint)
    if reason:
        name = experiment.definition.name
        platform.ledger.record_experiment_event(
            ExperimentEvent(name, Happening.REFUSED, at, {"why": reason})
        )
        raise UsageError(
            f"{reason}.",
            remedy="define a new experiment on the present data, under another name "
            "(`ml-platform experiment new`)",
        )


def _run_arms(
    platform: Connections,
    experiment: DefinedExperiment,
    spec: "ModelSpec",
    rows: TrainingSet,
    now: Callable[[], datetime],
    progress: Progress,
) -> None:
    """Fit and evaluate both arms, decide, and keep result and statistics in the ledger."""
    from ml_platform.experiments.arms import run_arms
    from ml_platform.experiments.conclude import conclude
    from ml_platform.experiments.result import ExperimentResult
    from ml_platform.experiments.statistics import statistics_of

    definition = experiment.definition
    run = run_arms(experiment, spec, rows, progress)
    progress("resampling clusters")
    verdict = conclude(definition, run.measured, statistics_of(run.statistics))
    result = ExperimentResult(run.measured, verdict, now(), metadata.version("ml-platform"))
    platform.ledger.save_experiment_result(definition.name, result, run.statistics)


def _champion(platform: Connections, model: str) -> "Champion | None":
    from ml_platform.experiments.proposal import Champion

    number = platform.ledger.production(model).version
    if number is None:
        return None
    return Champion(number, platform.ledger.version(model, number).parameters)


def _creation_time(pid: int) -> float:
    from ml_platform.adapters.processes import creation_time

    return creation_time(pid) or 0.0
