"""Routes of operators: trainings and evaluations as runs of Dagster, launched once and followed by their id."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import msgspec
from fastapi import APIRouter, Depends, Header, Request

from ml_platform.adapters.dagster_runs import RunProgress, require_run_id
from ml_platform.api import examples
from ml_platform.api.access import require_name
from ml_platform.api.bodies import body_of
from ml_platform.api.model_routes import MODELS, known_model
from ml_platform.api.openapi import inlined
from ml_platform.api.permission import example, permitted, refusals
from ml_platform.api.problems import Kind, Refused
from ml_platform.api.reading import Reading, Sources
from ml_platform.application.connections import Connections
from ml_platform.application.launch import (
    EVERY_MODEL,
    AlreadyRunning,
    Launch,
    dagster_runs,
    launch,
    record_retraining,
)
from ml_platform.application.state_keys import candidate_key
from ml_platform.errors import ServiceError, UsageError
from ml_platform.serving.keys import ApiKey, Scope

if TYPE_CHECKING:
    from ml_platform.api.worker import Worker

T = TypeVar("T")
LAUNCH_SECONDS = 30.0
"""How long a request waits for Dagster."""
LAUNCHES_AT_ONCE = 2
IdempotencyKey = Annotated[
    str | None,
    Header(
        description="A second request under this name launches nothing: 409 names the first run."
    ),
]


class TrainRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Which model is to be trained."""

    model: str


class RetrainRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Which model is to be trained again, and why."""

    model: str
    reason: str
    """1 to 200 printable characters; it stands with the run, and in the ledger."""


@dataclass(frozen=True)
class LaunchedRun:
    """A run of Dagster that was launched."""

    run_id: str
    progress_at: str
    """The address that tells how far it is."""
    link: str
    """Its page in Dagster."""


@dataclass(frozen=True)
class ShownRun:
    """A run of Dagster, and how far it is."""

    run_id: str
    job: str
    status: str
    """As Dagster has it: QUEUED, STARTING, STARTED, SUCCESS, FAILURE, CANCELED."""
    steps_done: int
    """Steps that have succeeded, failed or were passed over."""
    steps: int
    """All of its steps; 0 while that is not known."""
    started_at: datetime | None
    ended_at: datetime | None
    link: str


def operate_router(worker: "Worker", work: Reading) -> APIRouter:
    """The routes that change what is in production, by way of gates and permits; ``work`` waits for Dagster."""
    operator = permitted(worker.access, Scope.OPERATE, by_session=False)
    router = APIRouter(tags=["operate"], responses=refusals())
    launching: dict[str, Any] = {
        "status_code": 202,
        "responses": {
            **refusals(Kind.CONFLICT, Kind.NOT_FOUND),
            202: example(examples.LAUNCHED, "The run waits, or runs.")[200],
        },
    }
    with_body: dict[str, Any] = {
        **launching,
        "responses": {
            **launching["responses"],
            **refusals(Kind.BAD_JSON, Kind.TOO_SLOW, Kind.TOO_LARGE, Kind.MEDIA_TYPE),
        },
    }
    begin = functools.partial(_begin, work)

    @router.post(
        MODELS + "/train",
        operation_id="train_model",
        summary="Train a model",
        openapi_extra=body_in_openapi(TrainRequest, examples.TRAIN),
        **with_body,
    )
    async def train(
        request: Request,
        key: Annotated[ApiKey, Depends(operator)],
        idempotency_key: IdempotencyKey = None,
    ) -> LaunchedRun:
        """Train a new candidate; it is evaluated and, if every gate passes, promoted."""
        asked = await body_of(request, TrainRequest)
        return await begin(_launch(key, known_model(worker, asked.model), "train", idempotency_key))

    @router.post(
        MODELS + "/train-all",
        operation_id="train_all_models",
        summary="Train every model",
        **launching,
    )
    async def train_all(
        key: Annotated[ApiKey, Depends(operator)], idempotency_key: IdempotencyKey = None
    ) -> LaunchedRun:
        """Build the features and train every model in one run."""
        return await begin(_launch(key, EVERY_MODEL, "train all", idempotency_key))

    @router.post(
        "/api/ml/retrain",
        operation_id="retrain_model",
        summary="Train a model again, for a reason",
        openapi_extra=body_in_openapi(RetrainRequest, examples.RETRAIN),
        **with_body,
    )
    async def retrain(
        request: Request,
        key: Annotated[ApiKey, Depends(operator)],
        idempotency_key: IdempotencyKey = None,
    ) -> LaunchedRun:
        """Train a model again; the reason is kept, and what monitoring asks for waits its time after it."""
        asked = await body_of(request, RetrainRequest)
        name = known_model(worker, asked.model)
        require_name("reason", asked.reason)
        wanted = _launch(key, name, asked.reason, idempotency_key)

        def record(platform: Connections, run_id: str) -> None:
            record_retraining(platform, name, run_id, asked.reason, platform.now())

        return await begin(wanted, then=record)

    @router.post(
        "/api/ml/evaluate/{model}",
        operation_id="evaluate_model",
        summary="Evaluate the newest candidate again",
        **launching,
    )
    async def evaluate(
        model: str,
        key: Annotated[ApiKey, Depends(operator)],
        idempotency_key: IdempotencyKey = None,
    ) -> LaunchedRun:
        """Evaluate the newest candidate on what is known now; nothing is fitted, and gates decide as ever."""
        name = known_model(worker, model)
        wanted = _launch(key, name, "evaluate", idempotency_key, only_evaluation=True)
        return await begin(wanted)

    @router.get(
        "/api/ml/runs/{run_id}",
        operation_id="show_run",
        summary="How far a run is",
        responses={**refusals(Kind.NOT_FOUND), **example(examples.RUN)},
        dependencies=[Depends(operator)],
    )
    async def show_run(run_id: str) -> ShownRun:
        """A run of Dagster: its status, its steps and its page."""
        return await work.ask(lambda sources: _guarded(lambda: _shown(sources.platform, run_id)))

    return router


def _launch(
    key: ApiKey,
    model: str,
    cause: str,
    idempotency_key: str | None,
    *,
    only_evaluation: bool = False,
) -> Launch:
    if idempotency_key is not None:
        require_name("Idempotency-Key", idempotency_key)
    return Launch(
        model,
        cause,
        key.user_id,
        key.key_id,
        idempotency_key or "",
        only_evaluation=only_evaluation,
    )


async def _begin(
    work: Reading,
    wanted: Launch,
    then: Callable[[Connections, str], None] = lambda _platform, _run_id: None,
) -> LaunchedRun:
    """Launch a run, and do what follows once it is launched."""

    def begun(sources: Sources) -> LaunchedRun:
        platform = sources.platform
        _require_something_to_do(platform, wanted)
        run_id = launch(platform, dagster_runs(platform), wanted)
        then(platform, run_id)
        return LaunchedRun(run_id, f"/api/ml/runs/{run_id}", platform.dagster_run_address(run_id))

    return await work.ask(lambda sources: _guarded(lambda: begun(sources)))


def _require_something_to_do(platform: Connections, wanted: Launch) -> None:
    """Refuse a run that could only fail.

    Raises:
        UsageError: the home has no source yet.
        Refused: there is no candidate to evaluate.
    """
    assert platform.home
    if wanted.only_evaluation and platform.ledger.state(candidate_key(wanted.model)) is None:
        raise Refused(
            Kind.NOT_FOUND,
            f"No candidate of {wanted.model} has been trained yet.",
            remedy=f"train one: POST {MODELS}/train",
        )


def _shown(platform: Connections, run_id: str) -> ShownRun:
    require_run_id(run_id)
    found: RunProgress | None = dagster_runs(platform).progress(run_id)
    if found is None:
        raise Refused(
            Kind.NOT_FOUND,
            f"There is no run {run_id}.",
            remedy="send the id that a launch gave",
        )
    return ShownRun(
        run_id=found.run_id,
        job=found.job,
        status=found.status,
        steps_done=found.steps_done,
        steps=found.steps,
        started_at=found.started_at,
        ended_at=found.ended_at,
        link=platform.dagster_run_address(found.run_id),
    )


def _guarded(work: Callable[[], T]) -> T:
    """What ``work`` returns.

    Raises:
        Refused: in place of an error of Dagster's pages, of a run that is on already, or of what was sent.
    """
    try:
        return work()
    except AlreadyRunning as error:
        raise Refused(
            Kind.CONFLICT, error.message, remedy=error.remedy, run_id=error.run_id
        ) from error
    except UsageError as error:
        raise Refused(Kind.REFUSED, error.message, remedy=error.remedy) from error
    except ServiceError as error:
        raise Refused(
            Kind.UNAVAILABLE, error.message, remedy=error.remedy, retry_after=5
        ) from error


def body_in_openapi(kind: type[msgspec.Struct], sent: Any) -> dict[str, Any]:
    """The body of a route for OpenAPI."""
    content = {"application/json": {"schema": inlined(kind), "example": sent}}
    return {"requestBody": {"required": True, "content": content}}
