"""Routes that ask models: many rows, jobs, and the Open Inference Protocol. One row is `hot_path`."""

from typing import TYPE_CHECKING

import msgspec
from fastapi import APIRouter, Request, Response

from ml_platform.adapters.serving.job_files import FOLDER
from ml_platform.api.bodies import LargeBodies, body_of, json_response, require_key
from ml_platform.api.hot_path import HotPath, Receive, Scope_, Send
from ml_platform.api.inference_protocol import (
    InferRequest,
    InferResponse,
    metadata,
    response,
    rows_of,
)
from ml_platform.api.many_rows import (
    MOST_ROWS,
    MOST_ROWS_OF_A_JOB,
    BatchAnswer,
    BatchRequest,
    BatchRow,
    Job,
    Jobs,
    answer_rows,
    require_size,
)
from ml_platform.api.messages import PredictAnswer, PredictRequest
from ml_platform.api.openapi import route_schema
from ml_platform.api.problems import Kind, Refused
from ml_platform.prediction_log.one_row import RowAnswers
from ml_platform.serving.keys import Scope
from ml_platform.serving.table import ServedVersion

if TYPE_CHECKING:
    from ml_platform.api.worker import Worker

_RAW = msgspec.json.Encoder()
_ROW = {"tool": "editor", "operation": "save"}
_ANSWER = {
    "prediction_id": "01a206c2-d305-7b9e-adb2-27b6addb77b9",
    "model": "pattern_classifier",
    "version": "3",
    "arm": "champion",
    "prediction": "data_preparation",
    "confidence": 0.99,
    "fallback": False,
}
_PREDICT = route_schema(
    PredictRequest,
    PredictAnswer,
    {"model": "pattern_classifier", "features": _ROW, "row_id": "event-17"},
    {200: ("The answer, which is logged, with the version that gave it.", _ANSWER)},
    *(Kind.NOT_FOUND, Kind.CONFLICT),
)
_ROWS = {"model": "pattern_classifier", "rows": [{"features": _ROW, "row_id": "event-17"}]}
_BATCH = route_schema(
    BatchRequest,
    BatchAnswer,
    _ROWS,
    {200: ("An answer or a problem for each row, in their order.", {"answers": [_ANSWER]})},
)
_BEGUN = {
    "job_id": "01a206c3-6efe-7e88-90c1-deac92cd99b6",
    **{"status": "running", "done": 0, "total": 1, "key_id": "k5dtyglddus2"},
    **{"worker": 12, "worker_began": 1795409798.94},
}
_JOB = route_schema(
    BatchRequest, Job, _ROWS, {202: ("The job that was begun; ask for it by its id.", _BEGUN)}
)
_TENSOR = {"name": "tool", "shape": [1], "datatype": "BYTES", "data": ["editor"]}
_INFER = route_schema(
    InferRequest,
    InferResponse,
    {"inputs": [_TENSOR]},
    {
        200: (
            "A tensor for the predictions, their confidence and their ids.",
            {"model_name": "m", "model_version": "3", "id": "", "outputs": [_TENSOR]},
        )
    },
    Kind.NOT_FOUND,
)


class _HotResponse(Response):
    """A response that is made by the hot path itself."""

    def __init__(self, hot_path: HotPath) -> None:
        self._hot_path = hot_path
        self.background = None

    async def __call__(self, scope: Scope_, receive: Receive, send: Send) -> None:
        await self._hot_path(scope, receive, send)


def prediction_router(worker: "Worker", hot_path: HotPath) -> APIRouter:
    """The routes, for one worker."""
    router = APIRouter(tags=["predictions"])
    large = LargeBodies()
    jobs = Jobs(worker.options.folder / FOLDER, worker.answering)

    @router.post("/api/ml/predict", operation_id="predict", openapi_extra=_PREDICT)
    async def predict(_request: Request) -> Response:
        """One row for one model, logged before it is answered; `Idempotency-Key` makes a repeat harmless."""
        return _HotResponse(hot_path)

    @router.post("/api/ml/predict/batch", operation_id="predict_batch", openapi_extra=_BATCH)
    async def batch(request: Request) -> Response:
        """Many rows for one model in one request: an answer or a problem for each."""
        key = require_key(worker.access, request, Scope.PREDICT)
        async with large.body(request, BatchRequest) as asked:
            require_size(asked.rows, MOST_ROWS)
            worker.access.charge(key, len(asked.rows))
            _say_rows(worker, asked)
            return json_response(BatchAnswer(await answer_rows(worker.answering, asked, key)))

    @router.post(
        "/api/ml/predict/jobs", operation_id="begin_job", status_code=202, openapi_extra=_JOB
    )
    async def begin(request: Request) -> Response:
        """Many rows for one model, answered while you do something else."""
        key = require_key(worker.access, request, Scope.PREDICT)
        async with large.body(request, BatchRequest) as asked:
            require_size(asked.rows, MOST_ROWS_OF_A_JOB)
            worker.access.charge(key, len(asked.rows))
            _say_rows(worker, asked)
            return json_response(jobs.start(asked, key), 202)

    @router.get("/api/ml/predict/jobs/{job_id}", operation_id="show_job")
    async def show(request: Request, job_id: str) -> Response:
        """How far a job is, and its answers once it is done."""
        key = require_key(worker.access, request, Scope.PREDICT)
        return json_response(jobs.find(job_id, key))

    @router.get("/v2/health/live", operation_id="v2_live")
    async def live() -> Response:
        """Whether the server runs."""
        return json_response({"live": True})

    @router.get("/v2/health/ready", operation_id="v2_ready")
    async def ready() -> Response:
        """Whether the server can answer."""
        return json_response({"ready": worker.ready}, 200 if worker.ready else 503)

    @router.get("/v2", operation_id="v2_server")
    async def server() -> Response:
        """The server's name and what it can do."""
        return json_response({"name": "ml-platform", "version": "2", "extensions": []})

    @router.get("/v2/models/{name}", operation_id="v2_model")
    async def model(request: Request, name: str) -> Response:
        """What a model takes and gives."""
        require_key(worker.access, request, Scope.PREDICT)
        version, answers = await _first(worker, name)
        return json_response(metadata(name, version.version, answers))

    @router.get("/v2/models/{name}/ready", operation_id="v2_model_ready")
    async def model_ready(request: Request, name: str) -> Response:
        """Whether a model can answer."""
        require_key(worker.access, request, Scope.PREDICT)
        await _first(worker, name)
        return json_response({"name": name, "ready": True})

    @router.post("/v2/models/{name}/infer", operation_id="v2_infer", openapi_extra=_INFER)
    async def infer(request: Request, name: str) -> Response:
        """Answers for rows, a tensor a feature."""
        key = require_key(worker.access, request, Scope.PREDICT)
        asked = await body_of(request, InferRequest)
        _, answers = await _first(worker, name)
        rows = [BatchRow(msgspec.Raw(_RAW.encode(row))) for row in rows_of(asked, answers)]
        require_size(rows, MOST_ROWS)
        worker.access.charge(key, len(rows))
        batch_of_rows = BatchRequest(name, rows)
        _say_rows(worker, batch_of_rows)
        given = await answer_rows(worker.answering, batch_of_rows, key)
        return json_response(response(name, asked.id, given))

    return router


def _say_rows(worker: "Worker", batch: BatchRequest) -> None:
    """Tell the traces of a batch for a model that there is."""
    if batch.model in worker.answering.models:
        worker.traces.rows(batch.model, len(batch.rows))


async def _first(worker: "Worker", name: str) -> tuple[ServedVersion, RowAnswers]:
    """The version that is asked first for a model.

    Raises:
        Refused: there is no such model, or its version cannot be loaded.
    """
    version = worker.answering.first_version(name)
    try:
        return version, await worker.store.load(name, version)
    except Exception as error:
        raise Refused(
            Kind.UNAVAILABLE,
            f"Version {version.version} of {name} cannot be loaded.",
            retry_after=5,
        ) from error
