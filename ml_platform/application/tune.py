"""A search for better parameters; what it has shown to be better is used for the next candidate."""

import csv
import io
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from ml_platform import values
from ml_platform.application.connections import Connections
from ml_platform.application.state_keys import tuned_key
from ml_platform.evaluation.comparison.tuning import TUNED, TuningRecord
from ml_platform.evaluation.report_parts import Estimate
from ml_platform.spec.model import ModelSpec
from ml_platform.spec.training_set import TrainingSet, TrainingSetRecord


@dataclass(frozen=True)
class KeptSearch:
    """A finished search, and the MLflow run that shows it."""

    record: TuningRecord
    run_url: str


def search_and_keep(
    platform: Connections,
    spec: ModelSpec,
    rows: TrainingSet,
    *,
    trials: int,
    seconds: float,
    seed: int,
    storage_url: str,
    progress: Callable[[str], None],
    helpers: Callable[[str], AbstractContextManager[None]],
) -> KeptSearch:
    """Search the model's space on the training part, compare the winner with the defaults, and keep both.

    Args:
        platform: The home.
        spec: The model, with its search space.
        rows: Its training set; the test part is not looked at.
        trials: Upper limit of the number of trials in the study.
        seconds: No trial is begun after them.
        seed: Of the sampler.
        storage_url: The database that holds the study.
        progress: Gets a line for each trial.
        helpers: Given the name of the study, the processes that join it while it runs.
    """
    from ml_platform.adapters.tuning import tune

    record = tune(
        spec,
        rows,
        trials=trials,
        seconds=seconds,
        seed=seed,
        storage_url=storage_url,
        progress=progress,
        helpers=helpers,
    )
    run_id = keep_tuning(platform, record, rows.record)
    return KeptSearch(record, platform.tracking.run_url(run_id))


def keep_tuning(
    platform: Connections, record: TuningRecord, training_set: TrainingSetRecord
) -> str:
    """Log the search in MLflow and, on `TUNED`, keep its parameters for the next candidate; the run's id.

    On `DEFAULT` the ledger stays as it was: what an earlier search has shown still holds.
    """
    run_id = platform.tracking.log_run(
        name=f"{record.model} tuning {record.study.rpartition('-')[2]}",
        experiment=record.model,
        parameters=record.best,
        metrics={
            "trials": len(record.trials),
            "tuning_seconds": record.seconds,
            **_bounds(f"default_{record.metric}", record.default_value),
            **_bounds(f"tuned_{record.metric}", record.tuned_value),
            **_bounds("difference", record.difference),
        },
        tags={
            "fingerprint": values.fingerprint(record),
            "kind": "tuning",
            "verdict": record.verdict,
            "why": record.why,
            "study": record.study,
            "training set": record.training_set_fingerprint,
            "source": training_set.source,
            "simulated": str(training_set.simulated),
        },
        files={"trials.csv": trial_table(record), "tuning.json": values.to_json(record).encode()},
    )
    if record.verdict == TUNED:
        platform.ledger.set_state(
            tuned_key(record.model), {"parameters": record.best, "study": record.study}
        )
    return run_id


def trial_table(record: TuningRecord) -> bytes:
    """CSV with a line for each trial: number, state, value, value of each block, parameters, seconds, worker."""
    blocks = max((len(trial.blocks) for trial in record.trials), default=0)
    names = list(record.best)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    numbered = [f"block {number + 1}" for number in range(blocks)]
    writer.writerow(["trial", "state", "value", *numbered, *names, "seconds", "worker"])
    for trial in record.trials:
        empty = [""] * (blocks - len(trial.blocks))
        chosen = [trial.parameters.get(name, "") for name in names]
        line = [trial.number, trial.state, trial.value, *trial.blocks, *empty, *chosen]
        writer.writerow([*line, trial.seconds, trial.worker])
    return text.getvalue().encode()


def _bounds(name: str, estimate: Estimate) -> dict[str, float]:
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
