"""Trainings and evaluations that somebody asks for: runs of Dagster, one at a time for each model."""

from dataclasses import dataclass
from datetime import datetime

from ml_platform.adapters.dagster_runs import DagsterRuns, RunRequest
from ml_platform.adapters.home_files import last_port, locked
from ml_platform.application.connections import DAGSTER_UI, Connections
from ml_platform.errors import ConflictError
from ml_platform.registry.records import RetrainingRequest
from ml_platform.values import text_sha256

EVERY_MODEL = "*"
"""In place of a model: the job that trains all of them."""
MODEL_TAG = "ml_platform/model"
_ORIGIN_TAG, _REQUEST_TAG = "ml_platform/asked_by", "ml_platform/request"
_CAUSE_TAG, _USER_TAG = "ml_platform/cause", "ml_platform/user"
_ORIGIN = "api"
_PIPELINE = "pipeline"
_EVALUATION = ("evaluation_report", "registered_version", "champion")
"""What an evaluation makes again: a version is promoted by the run that has evaluated it."""


class AlreadyRunning(ConflictError):
    """What was asked for is on already, as ``run_id``; nothing was launched."""

    def __init__(self, run_id: str, why: str) -> None:
        super().__init__(why, remedy=f"follow it: GET /api/ml/runs/{run_id}")
        self.run_id = run_id


@dataclass(frozen=True)
class Launch:
    """What is to be launched, and who asks for it."""

    model: str
    """A model of the catalogue, or `EVERY_MODEL`."""
    cause: str
    """Why, in words: 'train', 'evaluate', or the reason of a retraining."""
    user_id: str
    key_id: str
    idempotency_key: str = ""
    """A second request of the same key under this name launches nothing; empty: each request stands for itself."""
    only_evaluation: bool = False
    """Whether the candidate that lies there is evaluated again, and nothing is fitted."""


def dagster_runs(platform: Connections) -> DagsterRuns:
    """The runs of the home: of the pages that `up` has started here, else at the address that people name."""
    port = last_port(platform.settings.home, DAGSTER_UI)
    address = f"http://127.0.0.1:{port}" if port else platform.settings.ui_address
    return DagsterRuns(address, platform.settings.ui_token)


def launch(platform: Connections, runs: DagsterRuns, wanted: Launch) -> str:
    """Launch a run; its id.

    Raises:
        AlreadyRunning: a run of the same model, or of all, waits or runs; or this request came before.
        ServiceError: Dagster's pages do not answer, or refuse it.
    """
    tags = {
        MODEL_TAG: wanted.model,
        _CAUSE_TAG: wanted.cause,
        _ORIGIN_TAG: _ORIGIN,
        _USER_TAG: wanted.user_id,
    }
    request = text_sha256(f"{wanted.key_id}\x1f{wanted.idempotency_key}")
    if wanted.idempotency_key:
        tags[_REQUEST_TAG] = request
    with locked(platform.settings.home, "launch"):
        if wanted.idempotency_key:
            for run_id in runs.tagged({_REQUEST_TAG: request}):
                raise AlreadyRunning(run_id, "A run was launched under this Idempotency-Key.")
        for run_id in _in_the_way(runs, wanted.model):
            raise AlreadyRunning(run_id, f"A run of {_words(wanted.model)} is on already.")
        return runs.launch(RunRequest(_job(wanted.model), tags, _assets(wanted)))


def record_retraining(
    platform: Connections, model: str, run_id: str, reason: str, now: datetime
) -> None:
    """Keep in the ledger that a training was asked for: what monitoring asks for waits its time after it.

    Args:
        platform: The home.
        model: The model that is trained.
        run_id: Its run.
        reason: Why, in the words of who has asked.
        now: The clock of the home.
    """
    version = platform.ledger.production(model).version
    platform.ledger.request_retraining(
        RetrainingRequest(
            key=f"{model}:api:{run_id}",
            model=model,
            version=str(version or ""),
            action="retrain",
            cause=reason,
            window_end=now,
            requested_at=now,
        )
    )


def _in_the_way(runs: DagsterRuns, model: str) -> tuple[str, ...]:
    """Runs that were asked for here and would do the same work: of the model, of all models, or of any."""
    asked_here = {_ORIGIN_TAG: _ORIGIN}
    if model == EVERY_MODEL:
        return runs.active(asked_here)
    of_all = runs.active({**asked_here, MODEL_TAG: EVERY_MODEL})
    return of_all or runs.active({**asked_here, MODEL_TAG: model})


def _job(model: str) -> str:
    return _PIPELINE if model == EVERY_MODEL else f"train_{model}"


def _assets(wanted: Launch) -> tuple[tuple[str, str], ...]:
    if not wanted.only_evaluation:
        return ()
    return tuple((wanted.model, step) for step in _EVALUATION)


def _words(model: str) -> str:
    return (
        "all models, or of one of them," if model == EVERY_MODEL else f"{model}, or of all models,"
    )
