"""What a finished search leaves behind: a run in MLflow and, if proved, parameters for the next candidate."""

import csv
import io

from ml_platform import values
from ml_platform.application.connections import Connections
from ml_platform.application.state_keys import tuned_key
from ml_platform.evaluation.comparison.tuning import TUNED, TuningRecord
from ml_platform.evaluation.report_parts import Estimate
from ml_platform.spec.training_set import TrainingSetRecord


def keep_tuning(
    platform: Connections, record: TuningRecord, training_set: TrainingSetRecord
) -> str:
    """Log the search and, on `TUNED`, let the next candidate be fitted with its parameters; the run's id.

    On `DEFAULT` the ledger stays as it was: parameters that an earlier search has proved are still proved.
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
    """A line a trial, as CSV: number, state, value, a column a block and a parameter, seconds, worker."""
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


def _bounds(name: str, of: Estimate) -> dict[str, float]:
    return {name: of.value, f"{name}_low": of.low, f"{name}_high": of.high}
