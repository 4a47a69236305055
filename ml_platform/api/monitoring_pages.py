"""The pages of monitoring: windows, trends, incidents with their forms, and runbooks."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response

from ml_platform.adapters.stored_pages import drift_page, has_drift_page, monitoring_page
from ml_platform.api.alert_action_routes import Silence, acknowledged, silenced
from ml_platform.api.page_frame import (
    DRAWN_POLICY,
    PageFrame,
    fault,
    form,
    html,
    message,
    redirect,
    require_own,
    to_login,
)
from ml_platform.api.problems import Kind, Refused
from ml_platform.application.connections import Connections
from ml_platform.application.monitoring_pages import read_incident, read_model_trend
from ml_platform.errors import PlatformError, UsageError
from ml_platform.reporting.incident_messages import incident_address
from ml_platform.reporting.incident_page import SILENT_DAYS, incident_html
from ml_platform.reporting.page import with_links
from ml_platform.reporting.runbooks import runbook_html, runbook_names
from ml_platform.reporting.trend_page import trend_html
from ml_platform.serving.keys import Scope

Change = Callable[[Connections, str, Mapping[str, str]], object]
"""What a form does: the home, the person, the fields."""


def monitoring_page_router(frame: PageFrame) -> APIRouter:
    """The routes of the pages of monitoring."""
    pages = MonitoringPages(frame)
    router = APIRouter(include_in_schema=False)
    router.add_api_route("/models/{name}/monitoring", pages.newest_window, methods=["GET"])
    router.add_api_route("/models/{name}/monitoring/{window}", pages.window, methods=["GET"])
    router.add_api_route("/models/{name}/drift", pages.newest_drift, methods=["GET"])
    router.add_api_route("/models/{name}/drift/{window}", pages.drift, methods=["GET"])
    router.add_api_route("/models/{name}/trend", pages.trend, methods=["GET"])
    router.add_api_route("/incidents/{incident_id}", pages.incident, methods=["GET"])
    router.add_api_route("/incidents/{incident_id}/ack", pages.acknowledge, methods=["POST"])
    router.add_api_route("/incidents/{incident_id}/silence", pages.silence, methods=["POST"])
    router.add_api_route("/runbooks/{name}", pages.runbook, methods=["GET"])
    return router


class MonitoringPages:
    """Makes the pages of monitoring of one worker."""

    def __init__(self, frame: PageFrame) -> None:
        self._frame = frame

    async def newest_window(self, request: Request, name: str) -> Response:
        """`GET /models/.../monitoring`: the newest window."""
        return await self._frame.stored(request, lambda: self._window(name))

    async def window(self, request: Request, name: str, window: str) -> Response:
        """`GET /models/.../monitoring/2026-05-01T1200`: the window that ends then."""
        return await self._frame.stored(request, lambda: self._window(name, window))

    async def newest_drift(self, request: Request, name: str) -> Response:
        """`GET /models/.../drift`: Evidently's page of the newest window that has one."""
        return await self._frame.stored(request, lambda: self._drift(name), DRAWN_POLICY)

    async def drift(self, request: Request, name: str, window: str) -> Response:
        """`GET /models/.../drift/2026-05-01T1200`: Evidently's page of the window that ends then."""
        return await self._frame.stored(request, lambda: self._drift(name, window), DRAWN_POLICY)

    async def trend(self, request: Request, name: str) -> Response:
        """`GET /models/.../trend`: four weeks of windows."""
        return await self._frame.page(request, f"/models/{name}/trend", lambda: self._trend(name))

    async def incident(self, request: Request, incident_id: str) -> Response:
        """`GET /incidents/...`: as it is now."""
        return await self._frame.fresh(request, lambda: self._incident(incident_id))

    async def acknowledge(self, request: Request, incident_id: str) -> Response:
        """`POST /incidents/.../ack`: the form of its page."""

        def change(home: Connections, user: str, fields: Mapping[str, str]) -> object:
            return acknowledged(home, incident_id, by=user, reason=fields.get("reason", ""))

        return await self._changed(request, incident_id, change)

    async def silence(self, request: Request, incident_id: str) -> Response:
        """`POST /incidents/.../silence`: its kind of its model, for some days by the clock of the home."""

        def change(home: Connections, user: str, fields: Mapping[str, str]) -> object:
            days = fields.get("days", "")
            if days not in map(str, SILENT_DAYS):
                raise Refused(Kind.REFUSED, f"A silence of {days[:20]!r} days is not offered.")
            incident = read_incident(home, incident_id).incident
            wanted = Silence(
                incident.model,
                incident.kind,
                home.now() + timedelta(days=int(days)),
                fields.get("reason", ""),
                fields.get("critical") == "yes",
            )
            return silenced(home, wanted, by=user)

        return await self._changed(request, incident_id, change)

    async def runbook(self, request: Request, name: str) -> Response:
        """`GET /runbooks/...`: what to do about a kind of incident."""
        return await self._frame.page(request, f"/runbooks/{name}", lambda: _runbook(name))

    def _window(self, name: str, window: str = "") -> str:
        self._frame.require(name)
        links = [
            ("/", "Overview"),
            ("/models", "All models"),
            (f"/models/{name}", name),
            (f"/models/{name}/trend", "Trend"),
        ]
        if has_drift_page(self._frame.settings, name, window):
            drawn = f"/models/{name}/drift" + (f"/{window}" if window else "")
            links.append((drawn, "A sample, drawn by Evidently (decides nothing)"))
        return with_links(monitoring_page(self._frame.settings, name, window), links)

    def _drift(self, name: str, window: str = "") -> str:
        self._frame.require(name)
        return drift_page(self._frame.settings, name, window)

    def _trend(self, name: str) -> str:
        self._frame.require(name)
        home, _ = self._frame.home()
        return trend_html(read_model_trend(home, name, datetime.now(UTC)))

    def _incident(self, incident_id: str, wrong: str = "") -> str:
        home, _ = self._frame.home()
        return incident_html(read_incident(home, incident_id), wrong)

    async def _changed(self, request: Request, incident_id: str, change: Change) -> Response:
        """Do what a form of an incident's page asks for; then the page, with what is wrong if something is."""
        try:
            require_own(request)
        except Refused as error:
            return message(error.kind.title, error.problem.detail, status=error.kind.status)
        if not self._frame.is_operator(request):
            return to_login(request)
        home, _ = self._frame.home()
        try:
            key = self._frame.operator(request)
            self._frame.worker.access.admit(key, Scope.OPERATE)
            sent = parse_qs(await form(request))
            fields = {name: values[0] for name, values in sent.items()}
            await asyncio.to_thread(change, home, key.user_id, fields)
        except Refused as error:
            return await self._refused(error, incident_id)
        except PlatformError as error:
            return fault(error)
        return redirect(incident_address(incident_id))

    async def _refused(self, error: Refused, incident_id: str) -> Response:
        """The page of the incident with what was wrong with its form; of one that there is not, that it is not."""
        said = f"{error.problem.detail} {'; '.join(error.problem.errors)}".strip()
        try:
            page = await asyncio.to_thread(self._incident, incident_id, said)
        except PlatformError as other:
            return fault(other)
        return html(page, error.kind.status)


def _runbook(name: str) -> str:
    """The page of a runbook.

    Raises:
        UsageError: there is none of this name.
    """
    page = runbook_html(name)
    if page is None:
        raise UsageError(
            f"There is no runbook {name[:80]!r}.", remedy=f"there are {', '.join(runbook_names())}"
        )
    return page
