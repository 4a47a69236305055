"""Routes that tell of incidents: those that are open, and what happened to one."""

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Query

from ml_platform.api import examples
from ml_platform.api.model_routes import known_model
from ml_platform.api.permission import example, permitted, refusals
from ml_platform.api.problems import Kind, Refused
from ml_platform.api.reading import Reading
from ml_platform.application.incidents import (
    IncidentInDetail,
    Incidents,
    list_incidents,
    show_incident,
)
from ml_platform.errors import UsageError
from ml_platform.serving.keys import Scope

if TYPE_CHECKING:
    from ml_platform.api.worker import Worker

ALERTS = "/api/ml/alerts"


def alert_router(worker: "Worker", reading: Reading) -> APIRouter:
    """The routes that tell of incidents."""
    router = APIRouter(
        tags=["health"],
        dependencies=[Depends(permitted(worker.access, Scope.READ))],
        responses=refusals(Kind.NOT_FOUND),
    )

    @router.get(
        ALERTS,
        operation_id="list_alerts",
        responses=example(examples.ALERTS),
        summary="Open incidents",
    )
    async def list_alerts(
        model: Annotated[str | None, Query(description="By default every model.")] = None,
        resolved: Annotated[bool, Query(description="Also those that are over.")] = False,
    ) -> Incidents:
        """Incidents, those that are open first, then the newest; and the silences that hold."""
        name = known_model(worker, model) if model is not None else None
        return await reading.ask(
            lambda sources: list_incidents(sources.platform, name, resolved=resolved)
        )

    @router.get(
        ALERTS + "/{incident_id}",
        operation_id="show_alert",
        responses=example(examples.ALERT),
        summary="One incident",
    )
    async def show_alert(incident_id: str) -> IncidentInDetail:
        """One incident with what happened to it, and when what it is about began to change."""
        try:
            return await reading.ask(lambda sources: show_incident(sources.platform, incident_id))
        except UsageError as error:
            raise Refused(
                Kind.NOT_FOUND, error.message, remedy=f"`GET {ALERTS}` lists them"
            ) from error

    return router
