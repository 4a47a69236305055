"""FastAPI's part of the service."""

import asyncio
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException

from ml_platform.api.alert_action_routes import alert_action_router
from ml_platform.api.asking_routes import asking_router
from ml_platform.api.bodies import problem_response, require_key
from ml_platform.api.event_routes import event_router
from ml_platform.api.hot_path import HotPath, as_refusal
from ml_platform.api.operate_routes import LAUNCH_SECONDS, LAUNCHES_AT_ONCE, operate_router
from ml_platform.api.pages import page_router
from ml_platform.api.prediction_routes import prediction_router
from ml_platform.api.problems import Kind, Refused
from ml_platform.api.read_routes import read_router
from ml_platform.api.reading import Reading
from ml_platform.api.schedule_routes import schedule_router
from ml_platform.api.telemetry import CONTENT_TYPE, exposition
from ml_platform.serving.keys import Scope

if TYPE_CHECKING:
    from ml_platform.api.worker import Worker

_SILENT: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "auto_configure": False,
}
"""FastAPI's own telemetry sends bodies and texts of errors; ours is `adapters.serving.traces`."""
_ROUTES = "`GET /openapi.json` lists the routes"


def fastapi_app(worker: "Worker", hot_path: HotPath) -> FastAPI:
    """The application with every route; requests for the hot path do not come this far."""
    app = FastAPI(
        title="ml-platform",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=_SILENT,
    )

    @app.exception_handler(Refused)
    async def refused(_request: Request, error: Refused) -> Response:
        return problem_response(error)

    @app.exception_handler(HTTPException)
    async def no_such_route(_request: Request, error: HTTPException) -> Response:
        kind = Kind.METHOD if error.status_code == Kind.METHOD.status else Kind.NOT_FOUND
        return problem_response(Refused(kind, f"{kind.title}.", remedy=_ROUTES))

    @app.exception_handler(RequestValidationError)
    async def unusable(_request: Request, error: RequestValidationError) -> Response:
        problems = tuple(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        return problem_response(
            Refused(Kind.REFUSED, "A parameter cannot be used.", remedy=_ROUTES, errors=problems)
        )

    @app.exception_handler(Exception)
    async def unforeseen(_request: Request, error: Exception) -> Response:
        return problem_response(as_refusal(error))

    @app.get("/ready")
    async def ready() -> Response:
        return Response(status_code=200 if worker.ready else 503)

    @app.get("/metrics", operation_id="prometheus", tags=["health"])
    async def metrics(request: Request) -> Response:
        """Counters and times of all workers, as Prometheus reads them."""
        require_key(worker.access, request, Scope.READ)
        return Response(await asyncio.to_thread(exposition), media_type=CONTENT_TYPE)

    app.include_router(prediction_router(worker, hot_path))
    app.include_router(asking_router(worker))
    app.include_router(page_router(worker))
    app.include_router(schedule_router(worker))
    app.include_router(event_router(worker))
    reading = Reading.of(worker)
    app.include_router(read_router(worker, reading))
    app.include_router(alert_action_router(worker, reading))
    launches = Reading.of(worker, at_once=LAUNCHES_AT_ONCE, seconds=LAUNCH_SECONDS)
    app.include_router(operate_router(worker, launches))
    return app
