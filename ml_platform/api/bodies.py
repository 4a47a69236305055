"""What routes of FastAPI share: the key, a bounded body as a typed value, JSON and problems as responses."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from fastapi import Request, Response

from ml_platform.api.hot_path import ONE_ROW, SECURITY_HEADERS, BodyLimit, read_body, unreadable
from ml_platform.api.problems import Kind, Refused
from ml_platform.errors import ServiceError
from ml_platform.serving.json_faults import UNREADABLE

if TYPE_CHECKING:
    from ml_platform.api.access import Access
    from ml_platform.serving.keys import ApiKey, Scope

T = TypeVar("T")
MANY_ROWS = BodyLimit(most_bytes=16_000_000, seconds=20.0)
"""The limit of batches and jobs: 10,000 rows of 60 numbers. Parsing such a body takes 60 ms of the event loop."""
LARGE_AT_ONCE = 4
"""Bodies beyond `ONE_ROW` that a worker holds at the same time."""
RETRY_SECONDS = 5
"""When a request may come again that could not be stored."""


def require_key(access: "Access", request: Request, scope: "Scope", cost: float = 1.0) -> "ApiKey":
    """The key that a request comes with, which may do this.

    Raises:
        Refused: there is none, or it may not, or asks too often.
    """
    key = access.key_of(request.headers.get("authorization", ""))
    access.admit(key, scope, cost)
    return key


async def body_of(request: Request, kind: type[T], limit: BodyLimit = ONE_ROW) -> T:
    """The body of a request, bounded before it is parsed, as a value of ``kind``.

    Raises:
        Refused: it is too large, too slow, no JSON, or not of this kind.
    """
    content = await read_body(dict(request.scope["headers"]), request.receive, limit)
    try:
        return msgspec.json.decode(content, type=kind)
    except UNREADABLE as error:
        raise unreadable(error) from error


class LargeBodies:
    """Bodies of many rows in one worker: what they take of its memory together is bounded."""

    def __init__(self) -> None:
        self._held = 0

    @asynccontextmanager
    async def body(self, request: Request, kind: type[T]) -> AsyncIterator[T]:
        """The body of a request as a value of ``kind``; it counts until the block ends.

        Raises:
            Refused: as `body_of` by the limit `MANY_ROWS`; or too many large bodies are held already.
        """
        declared = request.headers.get("content-length", "")
        if declared.isdecimal() and len(declared) < 8 and int(declared) <= ONE_ROW.most_bytes:
            yield await body_of(request, kind)
            return
        if self._held >= LARGE_AT_ONCE:
            raise Refused(
                Kind.UNAVAILABLE,
                f"{LARGE_AT_ONCE} large requests are worked on already.",
                remedy=f"ask again in a moment, or send at most {ONE_ROW.most_bytes:,} bytes",
                retry_after=2,
            )
        self._held += 1
        try:
            yield await body_of(request, kind, MANY_ROWS)
        finally:
            self._held -= 1


def json_response(value: Any, status: int = 200) -> Response:
    """A value as JSON."""
    return Response(msgspec.json.encode(value), status, _HEADERS, "application/json")


async def stored(writing: Awaitable[T]) -> T:
    """What a write gives.

    Raises:
        Refused: PostgreSQL is away; the request may be sent again.
    """
    try:
        return await writing
    except ServiceError as error:
        raise Refused(
            Kind.UNAVAILABLE,
            "This cannot be stored now: PostgreSQL does not answer.",
            remedy="send it again; what was stored already is not stored twice",
            retry_after=RETRY_SECONDS,
        ) from error


def problem_response(error: Refused) -> Response:
    """A refusal as a problem document."""
    headers = {name.decode(): value.decode() for name, value in error.headers}
    return Response(error.body, error.kind.status, {**headers, **_HEADERS})


_HEADERS = {name.decode(): value.decode() for name, value in SECURITY_HEADERS}
