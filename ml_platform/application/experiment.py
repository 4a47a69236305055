"""Stage experiments: definitions from the home's own data, runs of them, and what is told of them."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from typing import TYPE_CHECKING

from ml_platform import values
from ml_platform.adapters.plugins import spec_named
from ml_platform.application.connections import Connections
from ml_platform.application.state_keys import tuned_key
from ml_platform.errors import IntegrityError, PermitRefused, UsageError
from ml_platform.experiments.life import (
    DefinedExperiment,
    ExperimentEvent,
    Happening,
    Kept,
    Status,
    references,
    retention,
    status,
)
from ml_platform.registry.verify import Finding
from ml_platform.spec.training_set import TrainingSet, TrainingSetRecord

if TYPE_CHECKING:
    from ml_platform.adapters.tracking import Tracking
    from ml_platform.experiments.proposal import Champion, Proposal
    from ml_platform.experiments.result import ExperimentResult
    from ml_platform.spec.model import ModelSpec

Progress = Callable[[str], None]
Rows = Callable[["ModelSpec"], TrainingSet]
_PID, _STARTED = "pid", "pid_started"


@dataclass(frozen=True)
class Told:
    """An experiment with all that the ledger holds of it, the statistics aside."""

    experiment: DefinedExperiment
    status: Status
    result: "ExperimentResult | None"
    mlflow_run_id: str


def define(
    platform: Connections, proposal: "Proposal", rows: Rows, now: datetime
) -> DefinedExperiment:
    """Freeze what was proposed, on the model's present training set.

    Raises:
        UsageError: a field that is missing or cannot be.
        InsufficientData: the rows that would decide are too few.
        ConflictError: another experiment has this name.
    """
    from ml_platform.evaluation.comparison.tuning import defined_on
    from ml_platform.experiments.arms import judged_part
    from ml_platform.experiments.proposal import defined, place_of

    spec = spec_named(proposal.model)
    present = rows(spec)
    metrics = defined_on(spec, judged_part(spec, present, place_of(proposal)))
    definition = defined(proposal, spec, present.record, metrics, _champion(platform, spec.name))
    return platform.ledger.define_experiment(definition, now)


def run(
    platform: Connections, name: str, rows: Rows, now: Callable[[], datetime], progress: Progress
) -> Told:
    """Run an experiment, or complete what a killed run has left; one that is done is told as it stands.

    Raises:
        IntegrityError: the definition is not what was frozen.
        UsageError: there is no such experiment, or its training set is no longer the present one.
    """
    experiment = checked(platform, name)
    definition, ledger = experiment.definition, platform.ledger
    if ledger.experiment_result(name) is None:
        spec = spec_named(definition.model)
        present = rows(spec)
        _require_rows(platform, experiment, present.record, now())
        process = {_PID: str(os.getpid()), _STARTED: repr(_created(os.getpid()))}
        ledger.record_experiment_event(
            ExperimentEvent(name, Happening.STARTED, now(), {**process, "hash": experiment.hash})
        )
        _run_and_keep(platform, experiment, spec, present, now, progress)
    told = tell(platform, name)
    if told.result is not None and not told.mlflow_run_id:
        run_id = _log(platform.tracking, experiment, told.result)
        ledger.record_experiment_event(
            ExperimentEvent(name, Happening.LOGGED, now(), {"mlflow_run_id": run_id})
        )
    return tell(platform, name)


def tell(platform: Connections, name: str) -> Told:
    """Everything that there is of an experiment.

    Raises:
        UsageError: there is none of this name.
    """
    ledger = platform.ledger
    experiment = ledger.experiment(name)
    if experiment is None:
        known = ", ".join(ledger.experiment_names()) or "none"
        pruned = any(e.happening is Happening.PRUNED for e in ledger.experiment_events(name))
        gone = "has been pruned" if pruned else "is not defined"
        raise UsageError(
            f"The experiment {name!r} {gone} (there are: {known}).",
            remedy="name one of them, or `ml-platform experiment new`",
        )
    events = ledger.experiment_events(name)
    logged = [e.detail["mlflow_run_id"] for e in events if e.happening is Happening.LOGGED]
    result = ledger.experiment_result(name)
    return Told(experiment, status(events, _alive), result, logged[-1] if logged else "")


def checked(platform: Connections, name: str) -> DefinedExperiment:
    """The definition, which is what was frozen.

    Raises:
        IntegrityError: it was changed since.
    """
    from ml_platform.experiments.verify import verify_definition

    experiment = tell(platform, name).experiment
    found = verify_definition(experiment, _logged(platform, name, Happening.DEFINED, "hash"))
    if not found.ok:
        raise IntegrityError(
            f"The {found.subject}: {found.detail}.",
            remedy="restore the row from a backup, or define a new experiment",
        )
    return experiment


def verify_experiment(platform: Connections, name: str) -> tuple[Finding, ...]:
    """Definition, result and statistics unchanged, and the verdict the same when computed again."""
    from ml_platform.experiments.verify import verify_definition, verify_result

    ledger = platform.ledger
    try:
        told = tell(platform, name)
    except IntegrityError as error:
        return (Finding(f"experiment {name}", False, error.message),)
    first = verify_definition(told.experiment, _logged(platform, name, Happening.DEFINED, "hash"))
    if told.result is None:
        if told.status is Status.DONE:
            return (first, Finding(f"experiment {name} result", False, "it is missing"))
        return (first,)
    rest = verify_result(
        told.experiment,
        told.result,
        ledger.experiment_result_sha256(name) or "",
        ledger.experiment_statistics(name),
        _logged(platform, name, Happening.DONE, "result"),
    )
    return (first, *rest)


def adopt(platform: Connections, name: str) -> str:
    """Let the next candidate be fitted with the variant's parameters; the model. Its gates decide about it.

    Raises:
        PermitRefused: the verdict is not PROMOTE, something stored was changed, or more than parameters is.
    """
    told = tell(platform, name)
    definition, result = told.experiment.definition, told.result
    reasons = [f"{f.subject}: {f.detail}" for f in verify_experiment(platform, name) if not f.ok]
    verdict = result.judged.verdict.upper() if result else "still open"
    if verdict != "PROMOTE":
        reasons.append(f"the verdict of {name} is {verdict}")
    if (definition.variant.without, definition.variant.seed) != (
        (),
        spec_named(definition.model).seed,
    ):
        reasons.append("features and seed belong to the model's code, and are changed there")
    if reasons:
        raise PermitRefused(tuple(reasons), remedy="adopt an experiment that was shown")
    platform.ledger.set_state(
        tuned_key(definition.model),
        {
            "parameters": definition.variant.parameters,
            "experiment": name,
            "hash": told.experiment.hash,
        },
    )
    return definition.model


def prune(platform: Connections, now: datetime, *, keep: bool) -> tuple[Kept, ...]:
    """What retention says of every experiment, and (unless ``keep``) what is to go is taken away."""
    found = []
    for name in platform.ledger.experiment_names():
        told = tell(platform, name)
        model = told.experiment.definition.model
        adopted = platform.ledger.state(tuned_key(model)) or {}
        kept = retention(
            told.experiment,
            platform.ledger.experiment_events(name),
            now=now,
            running=told.status is Status.RUNNING,
            references=references(
                told.experiment,
                told.result.finished_at if told.result else None,
                platform.ledger.versions(model),
                platform.ledger.events(model),
                str(adopted.get("hash", "")),
            ),
        )
        if kept.prune and not keep:
            platform.ledger.prune_experiment(name, now)
        found.append(kept)
    return tuple(found)


def wall_clock() -> datetime:
    """Experiments are change sets of people: their times are the wall's."""
    return datetime.now(UTC)


def _require_rows(
    platform: Connections, experiment: DefinedExperiment, record: TrainingSetRecord, at: datetime
) -> None:
    from ml_platform.experiments.arms import check_rows

    refused = check_rows(experiment.definition, record.fingerprint)
    if refused:
        name = experiment.definition.name
        platform.ledger.record_experiment_event(
            ExperimentEvent(name, Happening.REFUSED, at, {"why": refused})
        )
        raise UsageError(
            f"{refused}.",
            remedy="define a new experiment on the present data, under another name "
            "(`ml-platform experiment new`)",
        )


def _run_and_keep(
    platform: Connections,
    experiment: DefinedExperiment,
    spec: "ModelSpec",
    rows: TrainingSet,
    now: Callable[[], datetime],
    progress: Progress,
) -> None:
    from ml_platform.experiments.arms import run_arms
    from ml_platform.experiments.judging import judged
    from ml_platform.experiments.result import ExperimentResult
    from ml_platform.experiments.statistics import statistics_of

    definition = experiment.definition
    found = run_arms(definition, spec, rows, progress)
    progress("resampling clusters")
    verdict = judged(definition, found.measured, statistics_of(found.statistics))
    result = ExperimentResult(found.measured, verdict, now(), metadata.version("ml-platform"))
    platform.ledger.save_experiment_result(definition.name, result, found.statistics)


def _log(tracking: "Tracking", experiment: DefinedExperiment, result: "ExperimentResult") -> str:
    from ml_platform.experiments.judging import why

    definition, judged = experiment.definition, result.judged
    metrics: dict[str, float] = {}
    for name, cost in (
        ("baseline", result.measured.baseline),
        ("variant", result.measured.variant),
    ):
        metrics |= {
            f"{name}_fit_seconds": cost.fit_seconds,
            f"{name}_size_mb": cost.size_mb,
            f"{name}_latency_ms": cost.latency_ms,
        }
    for found in judged.comparisons:
        metrics |= {
            f"baseline_{found.metric}": found.baseline.value,
            f"variant_{found.metric}": found.variant.value,
            f"difference_{found.metric}": found.difference.value,
            f"difference_{found.metric}_low": found.difference.low,
            f"difference_{found.metric}_high": found.difference.high,
            f"p_{found.metric}": found.p,
        }
    return tracking.log_run(
        name=f"{definition.model} experiment {definition.name}",
        experiment=definition.model,
        parameters=definition.variant.parameters,
        metrics=metrics,
        tags={
            "fingerprint": values.fingerprint(result),
            "kind": "experiment",
            "experiment": definition.name,
            "experiment hash": experiment.hash,
            "hypothesis": definition.hypothesis,
            "criterion": definition.criterion,
            "changed": ", ".join(f"{k}={v}" for k, v in definition.changed.items()),
            "baseline": definition.baseline_is,
            "verdict": judged.verdict.value,
            "row": judged.row,
            "why": why(definition, judged),
            "training set": definition.training_set_fingerprint,
            "source": definition.source,
            "simulated": str(definition.simulated),
        },
        files={
            "definition.json": values.to_json(definition).encode(),
            "result.json": values.to_json(result).encode(),
        },
    )


def _champion(platform: Connections, model: str) -> "Champion | None":
    from ml_platform.experiments.proposal import Champion

    number = platform.ledger.production(model).version
    if number is None:
        return None
    return Champion(number, platform.ledger.version(model, number).parameters)


def _logged(platform: Connections, name: str, happening: Happening, key: str) -> str | None:
    """What the log took down when it happened."""
    events = platform.ledger.experiment_events(name)
    return next((e.detail.get(key) for e in events if e.happening is happening), None)


def _created(pid: int) -> float:
    from ml_platform.adapters.processes import creation_time

    return creation_time(pid) or 0.0


def _alive(event: ExperimentEvent) -> bool:
    from ml_platform.adapters.processes import is_same_process

    if _PID not in event.detail:
        return False
    return is_same_process(int(event.detail[_PID]), float(event.detail[_STARTED]))
