"""Routes of operators about incidents: who takes care of one, and which get no messages for a time."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import msgspec
from fastapi import APIRouter, Depends, Request

from ml_platform.api import examples
from ml_platform.api.access import require_name
from ml_platform.api.alert_routes import ALERTS
from ml_platform.api.bodies import body_of
from ml_platform.api.model_routes import known_model
from ml_platform.api.operate_routes import body_in_openapi
from ml_platform.api.permission import example, permitted, refusals
from ml_platform.api.problems import Kind, Refused
from ml_platform.api.reading import Reading
from ml_platform.application.connections import Connections
from ml_platform.application.incidents import (
    ListedIncident,
    ListedSilence,
    acknowledge_incident,
    incident_state,
    silence_incidents,
)
from ml_platform.errors import UsageError
from ml_platform.monitoring.incidents.events import EVERY_MODEL
from ml_platform.monitoring.incidents.kinds import IncidentKind
from ml_platform.serving.keys import ApiKey, Scope

if TYPE_CHECKING:
    from ml_platform.api.worker import Worker

SILENCES = "/api/ml/silences"


class AcknowledgeRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Why the owner of the key takes care of an incident."""

    reason: str
    """1 to 200 printable characters."""


class SilenceRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Which incidents get no messages, until when and why."""

    until: datetime
    """With a zone, after the clock of the home and within 90 days of it."""
    reason: str
    """1 to 200 printable characters."""
    model: str | None = None
    """Null: every model."""
    kind: IncidentKind | None = None
    """Null: every kind."""
    hides_critical: bool = False
    """Whether a CRITICAL loss of performance is hidden too, for which `kind` must be 'performance'."""


@dataclass(frozen=True)
class Silence:
    """What is to be silent."""

    model: str | None
    kind: IncidentKind | None
    until: datetime
    reason: str
    hides_critical: bool


def alert_action_router(worker: "Worker", reading: Reading) -> APIRouter:
    """The routes that change what people are told of incidents; the same request twice changes it once."""
    operator = permitted(worker.access, Scope.OPERATE, by_session=False)
    bodies = refusals(Kind.BAD_JSON, Kind.TOO_SLOW, Kind.TOO_LARGE, Kind.MEDIA_TYPE)
    router = APIRouter(tags=["operate"], responses={**refusals(), **bodies})

    @router.post(
        ALERTS + "/{incident_id}/ack",
        operation_id="acknowledge_alert",
        summary="Take care of an incident",
        responses={
            **refusals(Kind.NOT_FOUND, Kind.CONFLICT),
            **example(examples.ALERTS["incidents"][0]),
        },
        openapi_extra=body_in_openapi(AcknowledgeRequest, examples.ACKNOWLEDGE),
    )
    async def acknowledge_alert(
        incident_id: str, request: Request, key: Annotated[ApiKey, Depends(operator)]
    ) -> ListedIncident:
        """Say that you take care of it: from now on only what is graver and its end are told."""
        asked = await body_of(request, AcknowledgeRequest)
        return await reading.ask(
            lambda sources: acknowledged(
                sources.platform, incident_id, by=key.user_id, reason=asked.reason
            )
        )

    @router.post(
        SILENCES,
        operation_id="silence_alerts",
        summary="Get no messages of some incidents until a moment",
        responses={
            **refusals(Kind.NOT_FOUND),
            **example(examples.ALERTS["silences"][0]),
        },
        openapi_extra=body_in_openapi(SilenceRequest, examples.SILENCE),
    )
    async def silence_alerts(
        request: Request, key: Annotated[ApiKey, Depends(operator)]
    ) -> ListedSilence:
        """Incidents are listed all the same; a CRITICAL loss of performance is told even so, unless it is named."""
        asked = await body_of(request, SilenceRequest)
        model = known_model(worker, asked.model) if asked.model is not None else None
        wanted = Silence(model, asked.kind, asked.until, asked.reason, asked.hides_critical)
        return await reading.ask(lambda sources: silenced(sources.platform, wanted, by=key.user_id))

    return router


def acknowledged(
    platform: Connections, incident_id: str, *, by: str, reason: str
) -> ListedIncident:
    """The incident, which somebody takes care of from now on.

    Raises:
        Refused: there is no such incident, it is over, or the reason cannot be used.
    """
    require_name("reason", reason)
    incident = incident_state(platform).incident(incident_id)
    if incident is None:
        raise Refused(
            Kind.NOT_FOUND,
            f"There is no incident {incident_id[:120]!r}.",
            remedy=f"`GET {ALERTS}` lists them",
        )
    try:
        return acknowledge_incident(platform, incident_id, by=by, reason=reason)
    except UsageError as error:
        raise Refused(Kind.CONFLICT, error.message, remedy=f"`GET {ALERTS}` lists them") from error


def silenced(platform: Connections, wanted: Silence, *, by: str) -> ListedSilence:
    """The silence that holds from now on.

    Raises:
        Refused: its end has no zone or lies too far away, the reason cannot be used, or CRITICAL performance is
            to be hidden without that kind being named.
    """
    require_name("reason", wanted.reason)
    if wanted.until.tzinfo is None:
        raise Refused(
            Kind.REFUSED,
            "The end of a silence needs a zone.",
            remedy="write it as 2026-05-01T12:00:00Z",
        )
    try:
        return silence_incidents(
            platform,
            wanted.model or EVERY_MODEL,
            wanted.kind,
            wanted.until,
            by=by,
            reason=wanted.reason,
            hides_critical=wanted.hides_critical,
        )
    except UsageError as error:
        raise Refused(Kind.REFUSED, error.message, remedy=error.remedy or "") from error
