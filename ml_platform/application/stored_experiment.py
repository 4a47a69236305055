"""An experiment as the ledger holds it: definition, status, result and its run in MLflow."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.application.connections import Connections
from ml_platform.errors import UsageError
from ml_platform.experiments.lifecycle import (
    DefinedExperiment,
    ExperimentEvent,
    Happening,
    Status,
    status,
)

if TYPE_CHECKING:
    from ml_platform.experiments.result import ExperimentResult

PID, STARTED = "pid", "pid_started"
"""Keys of a start's event: the id of the process that runs the arms, and when it was created."""


@dataclass(frozen=True)
class StoredExperiment:
    """An experiment with all that the ledger holds of it, the statistics aside."""

    experiment: DefinedExperiment
    status: Status
    result: "ExperimentResult | None"
    mlflow_run_id: str
    """The id of the run in MLflow; empty until the result was logged."""


def stored_experiment(platform: Connections, name: str) -> StoredExperiment:
    """Read everything that the ledger holds of the experiment ``name``.

    Raises:
        UsageError: there is none of this name.
    """
    ledger = platform.ledger
    experiment, events = ledger.experiment(name), ledger.experiment_events(name)
    if experiment is None:
        known = ", ".join(ledger.experiment_names()) or "none"
        pruned = any(event.happening is Happening.PRUNED for event in events)
        fate = "has been pruned" if pruned else "is not defined"
        raise UsageError(
            f"The experiment {name!r} {fate} (there are: {known}).",
            remedy="name one of them, or `ml-platform experiment new`",
        )
    run_ids = [e.detail["mlflow_run_id"] for e in events if e.happening is Happening.LOGGED]
    return StoredExperiment(
        experiment,
        status(events, _process_lives),
        ledger.experiment_result(name),
        run_ids[-1] if run_ids else "",
    )


def _process_lives(event: ExperimentEvent) -> bool:
    from ml_platform.adapters.processes import is_same_process

    if PID not in event.detail:
        return False
    return is_same_process(int(event.detail[PID]), float(event.detail[STARTED]))
