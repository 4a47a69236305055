"""The pages of the service: overview, models, sign in and out, the files that they fetch."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response

from ml_platform.adapters.stored_pages import evaluation_page
from ml_platform.api.access import COOKIE, SESSION
from ml_platform.api.monitoring_pages import monitoring_page_router
from ml_platform.api.page_frame import (
    HEADERS,
    PageFrame,
    form,
    html,
    message,
    redirect,
    require_own,
)
from ml_platform.api.problems import Refused
from ml_platform.application.overview import AnsweringNow, read_model_page, read_overview
from ml_platform.errors import UsageError
from ml_platform.reporting.fleet_page import fleet_html
from ml_platform.reporting.model_page import model_html
from ml_platform.reporting.overview import Overview, overview_html
from ml_platform.reporting.page import render, static_file
from ml_platform.serving.local_paths import local_path

if TYPE_CHECKING:
    from ml_platform.api.worker import Worker

STATIC = {
    "style.css": "text/css; charset=utf-8",
    "ask.js": "text/javascript; charset=utf-8",
}
"""The files that pages fetch, with their types."""


@dataclass(frozen=True)
class LoginPage:
    """What ``login.html.j2`` lays out."""

    title: str = "Sign in"
    fault: str = ""
    next: str = "/"
    """Where to go then."""


def page_router(worker: "Worker") -> APIRouter:
    """The routes of all pages."""
    frame = PageFrame(worker)
    pages = Pages(frame)
    router = APIRouter(include_in_schema=False)
    router.add_api_route("/", pages.overview, methods=["GET"])
    router.add_api_route("/models", pages.models, methods=["GET"])
    router.add_api_route("/models/{name}", pages.model, methods=["GET"])
    router.add_api_route("/models/{name}/report", pages.report, methods=["GET"])
    router.add_api_route("/login", pages.login_form, methods=["GET"])
    router.add_api_route("/login", pages.sign_in, methods=["POST"])
    router.add_api_route("/logout", pages.sign_out, methods=["POST"])
    router.add_api_route("/static/{name}", pages.static, methods=["GET"])
    router.include_router(monitoring_page_router(frame))
    return router


class Pages:
    """Makes the pages of one worker."""

    def __init__(self, frame: PageFrame) -> None:
        self._frame = frame
        self._worker = frame.worker

    async def overview(self, request: Request) -> Response:
        """`GET /`."""
        return await self._frame.page(request, "/", self._overview)

    async def models(self, request: Request) -> Response:
        """`GET /models`: a row a model."""
        return await self._frame.page(request, "/models", self._models)

    async def model(self, request: Request, name: str) -> Response:
        """`GET /models/...`."""
        return await self._frame.page(request, f"/models/{name}", lambda: self._model(name))

    async def report(self, request: Request, name: str) -> Response:
        """`GET /models/.../report`: the evaluation of what is in production, as its run has written it."""
        return await self._frame.stored(request, lambda: self._report(name))

    async def login_form(self, request: Request) -> Response:
        """`GET /login`: the form, which remembers the page that was asked for."""
        page = LoginPage(next=local_path(request.query_params.get("next", "")))
        return html(render("login.html.j2", page))

    async def sign_in(self, request: Request) -> Response:
        """`POST /login`: 303 with a session to the page that was asked for, or the form with what is wrong."""
        path = "/"
        try:
            require_own(request)
            fields = parse_qs(await form(request))
            path = local_path(fields.get("next", [""])[0])
            key = fields.get("key", [""])[0].strip()
            session = self._worker.access.sign_in(key, datetime.now(UTC))
        except Refused as error:
            fault = f"{error.problem.detail} {_sentence(error.problem.remedy)}".strip()
            return html(
                render("login.html.j2", LoginPage(fault=fault, next=path)), error.kind.status
            )
        response = redirect(path)
        response.set_cookie(
            COOKIE,
            session,
            max_age=int(SESSION.total_seconds()),
            httponly=True,
            samesite="strict",
            secure=_over_https(request),
        )
        return response

    async def sign_out(self, request: Request) -> Response:
        """`POST /logout`: the browser forgets the session."""
        try:
            require_own(request)
        except Refused as error:
            return message(error.kind.title, error.problem.detail, status=error.kind.status)
        response = redirect("/login")
        response.delete_cookie(
            COOKIE, httponly=True, samesite="strict", secure=_over_https(request)
        )
        return response

    async def static(self, name: str) -> Response:
        """`GET /static/...`: anybody may read it, and keep it, since its address changes with it."""
        kind = STATIC.get(name)
        if kind is None:
            return message("There is nothing here", "No page has a file of this name.", status=404)
        kept = {**HEADERS, "Cache-Control": "public, max-age=31536000, immutable"}
        return Response(static_file(name), headers=kept, media_type=kind)

    def _overview(self) -> str:
        return overview_html(self._read_overview())

    def _models(self) -> str:
        return fleet_html(self._read_overview())

    def _read_overview(self) -> Overview:
        home, log = self._frame.home()
        models = tuple(self._worker.options.tasks)
        return read_overview(home, log, models, datetime.now(UTC))

    def _model(self, name: str) -> str:
        self._frame.require(name)
        home, log = self._frame.home()
        values = read_model_page(home, log, name, self._answering(name), datetime.now(UTC))
        return model_html(values)

    def _report(self, name: str) -> str:
        self._frame.require(name)
        home, _ = self._frame.home()
        version = home.ledger.production(name).version
        if version is None:
            raise UsageError(
                f"No version of {name} is in production.",
                remedy=f"`ml-platform report {name}` writes the page of its newest version",
            )
        return evaluation_page(
            self._frame.settings, name, home.ledger.version(name, version).mlflow_run_id
        )

    def _answering(self, name: str) -> AnsweringNow:
        """What this worker has loaded for a model: its champion, or without one its rules."""
        served = self._worker.state.table.models.get(name)
        version = (served.champion or served.rules) if served else None
        loaded = self._worker.store.at_hand(version) if version else None
        if loaded is None:
            return AnsweringNow()
        return AnsweringNow(loaded.one_row.fields.kinds, loaded.gives_reasons)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _over_https(request: Request) -> bool:
    """Whether the browser speaks https, to this process or to a proxy before it by the proxy's word.

    Who sets the header without a proxy gets a cookie that works over https alone: theirs only.
    """
    return "https" in (request.url.scheme, request.headers.get("x-forwarded-proto"))
