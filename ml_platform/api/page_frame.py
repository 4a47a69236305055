"""What every page of the service shares: who sees it, its headers, its connections, forms and refusals."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fastapi import Request, Response

from ml_platform.adapters.serving.traffic import TrafficLog
from ml_platform.api.access import cookie_of, same_origin
from ml_platform.api.kept_pages import KeptPages
from ml_platform.api.problems import Kind, Refused
from ml_platform.application.connections import ServedHome
from ml_platform.errors import PlatformError, UsageError
from ml_platform.reporting.page import render
from ml_platform.serving.keys import ApiKey
from ml_platform.serving.local_paths import local_path
from ml_platform.settings import read_settings

if TYPE_CHECKING:
    from ml_platform.api.worker import Worker

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
STORED_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; frame-ancestors 'none'; "
    "base-uri 'none'"
)
"""Of reports, which carry their stylesheet; they have no script and no form."""
DRAWN_POLICY = (
    "sandbox allow-scripts; default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
)
"""What pages of another tool may do, whose scripts draw them: nothing of the service, nor its session."""
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # With 'no-referrer' a browser sends a form of ours as if it came from nowhere.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
MOST_FORM_BYTES = 4_096
_FORM_SECONDS = 5.0


@dataclass(frozen=True)
class MessagePage:
    """What ``message.html.j2`` lays out."""

    title: str
    text: str
    remedy: str = ""


class PageFrame:
    """What the pages of one worker share."""

    def __init__(self, worker: "Worker") -> None:
        self.worker = worker
        self._kept = KeptPages()
        self.settings = replace(read_settings(), home=worker.options.home)
        self._reached: tuple[ServedHome, TrafficLog] | None = None
        self._reached_at = ""

    async def page(self, request: Request, name: str, make: Callable[[], str]) -> Response:
        """A page for an operator, kept for some seconds under ``name``; anybody else is asked to sign in."""
        if not self.is_operator(request):
            return to_login(request)
        try:
            return html(await self._kept.get(name, make))
        except PlatformError as error:
            return fault(error)

    async def fresh(self, request: Request, make: Callable[[], str]) -> Response:
        """A page for an operator as it is now."""
        if not self.is_operator(request):
            return to_login(request)
        try:
            return html(await asyncio.to_thread(make))
        except PlatformError as error:
            return fault(error)

    async def stored(
        self, request: Request, read: Callable[[], str], policy: str = STORED_POLICY
    ) -> Response:
        """A page that is kept as a file, under the policy that it was written for."""
        if not self.is_operator(request):
            return to_login(request)
        try:
            text = await asyncio.to_thread(read)
        except PlatformError as error:
            return fault(error)
        headers = {**HEADERS, "Content-Security-Policy": policy}
        return Response(text, headers=headers, media_type="text/html; charset=utf-8")

    def is_operator(self, request: Request) -> bool:
        """Whether the request has the session of an operator."""
        try:
            return self.operator(request).is_operator
        except Refused:
            return False

    def operator(self, request: Request) -> ApiKey:
        """The key behind the session of a request.

        Raises:
            Refused: there is no session, or its key is not valid any more.
        """
        return self.worker.access.key_of("", cookie_of(dict(request.scope["headers"])))

    def require(self, name: str) -> None:
        """Refuse a name that the catalogue does not have.

        Raises:
            UsageError: there is no such model.
        """
        known = self.worker.options.tasks
        if name not in known:
            raise UsageError(
                f"There is no model {name[:80]!r}.", remedy=f"there are {', '.join(sorted(known))}"
            )

    def home(self) -> tuple[ServedHome, TrafficLog]:
        """The ledger and the log of answers, where the service reaches them now."""
        database = self.worker.state.database.replace("postgresql://", "postgresql+psycopg2://", 1)
        if self._reached is None or database != self._reached_at:
            if self._reached is not None:
                self._reached[1].close()
            self._reached = (ServedHome(self.settings, database), TrafficLog(database))
            self._reached_at = database
        return self._reached


def require_own(request: Request) -> None:
    """Refuse a form that another site has sent.

    Raises:
        Refused: the request does not come from a page of the service.
    """
    if not same_origin(dict(request.scope["headers"])):
        raise Refused(Kind.FORBIDDEN, "The form does not come from a page of this service.")


async def form(request: Request) -> str:
    """The body of a small form.

    Raises:
        Refused: it is too large, or too slow.
    """
    body = b""
    try:
        async with asyncio.timeout(_FORM_SECONDS):
            async for part in request.stream():
                body += part
                if len(body) > MOST_FORM_BYTES:
                    raise Refused(
                        Kind.TOO_LARGE, f"The form is larger than {MOST_FORM_BYTES:,} bytes."
                    )
    except TimeoutError as error:
        raise Refused(Kind.TOO_SLOW, "The form took too long to arrive.") from error
    return body.decode("utf-8", "replace")


def html(text: str, status: int = 200) -> Response:
    """A page as a response."""
    return Response(text, status, HEADERS, media_type="text/html; charset=utf-8")


def message(title: str, text: str, remedy: str = "", *, status: int) -> Response:
    """A page that says one thing."""
    page = MessagePage(title, text, f"Remedy: {remedy}." if remedy else "")
    return html(render("message.html.j2", page), status)


def fault(error: PlatformError) -> Response:
    """What is not there, or cannot be read now, as a page."""
    status = 404 if isinstance(error, UsageError) else 503
    title = "There is nothing here" if status == 404 else "The page cannot be made now"
    return message(title, error.message, error.remedy or "", status=status)


def to_login(request: Request) -> Response:
    """To the login, from where it goes on to what was asked for."""
    path = local_path(request.url.path)
    return redirect("/login" if path == "/" else f"/login?next={path}")


def redirect(path: str) -> Response:
    """To another page."""
    return Response(status_code=303, headers={**HEADERS, "Location": path})
