"""`POST /api/ml/predict` as bare ASGI: bounded, authenticated, validated, answered, logged."""

import asyncio
import hashlib
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

import msgspec

from ml_platform.adapters.serving.answer_log import Repeatable
from ml_platform.adapters.serving.spool import SpoolFull
from ml_platform.adapters.serving.traces import Traces
from ml_platform.api.access import Access, asker, require_name, session_of
from ml_platform.api.answering import Answering
from ml_platform.api.asking_about import AskingAbout
from ml_platform.api.given_answer import Asker
from ml_platform.api.messages import PredictRequest
from ml_platform.api.problems import Kind, Refused
from ml_platform.api.telemetry import REFUSALS
from ml_platform.serving.answer_row import Origin
from ml_platform.serving.json_faults import UNREADABLE
from ml_platform.serving.keys import Scope

Scope_ = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
]
_JSON = (b"content-type", b"application/json")
_LOG = logging.getLogger(__name__)
_REQUEST = msgspec.json.Decoder(PredictRequest)
_ENCODE = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class BodyLimit:
    """How large a body may be, and how many seconds it may take to arrive."""

    most_bytes: int = 1_000_000
    seconds: float = 5.0


ONE_ROW = BodyLimit()
"""The limit of every route but those of many rows."""


class HotPath:
    """Answers one row a request."""

    def __init__(
        self, answering: Answering, asking: AskingAbout, access: Access, traces: Traces
    ) -> None:
        self._traces = traces
        self._answering = answering
        self._asking = asking
        self._access = access

    async def __call__(self, scope: Scope_, receive: Receive, send: Send) -> None:
        """Answer the request: 200 once its row is logged, else a problem document."""
        since = time.perf_counter()
        try:
            body = await self._answer(scope, receive, since)
        except Exception as error:
            refused = as_refusal(error)
            REFUSALS.labels(refused.kind.status).inc()
            await send_problem(send, refused)
            return
        await send_response(send, 200, [_JSON], body)

    async def _answer(self, scope: Scope_, receive: Receive, since: float) -> bytes:
        headers = dict(scope["headers"])
        with self._traces.stage("validate"):
            request, who, repeat = await self._validated(headers, receive)
        if repeat is None:
            return _ENCODE(await self._answering.answer(request, who, Origin.SERVED, since))
        return await self._answering.answer_once(request, who, since, repeat)

    async def _validated(
        self, headers: dict[bytes, bytes], receive: Receive
    ) -> tuple[PredictRequest, Asker, Repeatable | None]:
        """A request with features, who asks, and how it is known again if it is sent twice."""
        authorization = headers.get(b"authorization", b"").decode("latin-1")
        key = self._access.key_of(authorization, "" if authorization else session_of(headers))
        self._access.admit(key, Scope.PREDICT)
        body = await read_body(headers, receive)
        try:
            request = _REQUEST.decode(body)
        except UNREADABLE as error:
            raise unreadable(error) from error
        if request.row_id:
            require_name("row_id", request.row_id)
        if request.features and request.about is None:
            who = asker(key, request.user_id)
        else:
            who, asked = await self._asking.requests(request, key)
            if len(asked) != 1:
                raise Refused(
                    Kind.REFUSED,
                    f"The request is about {len(asked):,} rows, and this route answers one.",
                    remedy="ask about one at a time",
                )
            (request,) = asked
        repeat_key = headers.get(b"idempotency-key")
        if repeat_key is None:
            return request, who, None
        name = repeat_key.decode("latin-1")
        require_name("Idempotency-Key", name)
        return request, who, Repeatable(key.key_id, name, hashlib.sha256(body).hexdigest())


def unreadable(error: Exception) -> Refused:
    """The refusal of a body: no JSON at all, or not what the route takes."""
    is_json = isinstance(error, msgspec.ValidationError)
    return Refused(
        Kind.REFUSED if is_json else Kind.BAD_JSON,
        f"The body cannot be used: {error}.",
        remedy="`GET /openapi.json` says what this route takes",
    )


def as_refusal(error: Exception) -> Refused:
    """What a client is told of an error; one that nobody has foreseen goes to the log with its traceback."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, SpoolFull):
        return Refused(Kind.UNAVAILABLE, error.message, remedy=error.remedy, retry_after=5)
    _LOG.error("an error that nobody has foreseen", exc_info=error)
    return Refused(
        Kind.UNFORESEEN,
        "The service has failed in a way that nobody has foreseen.",
        remedy="its log has the details",
    )


async def read_body(
    headers: dict[bytes, bytes], receive: Receive, limit: BodyLimit = ONE_ROW
) -> bytes:
    """The body of a request, which is bounded before anything of it is parsed.

    Raises:
        Refused: it is too large, too slow, encoded, or not JSON by its own word.
    """
    if headers.get(b"content-type", b"").partition(b";")[0].strip().lower() != b"application/json":
        raise Refused(Kind.MEDIA_TYPE, "The body is not declared as application/json.")
    if headers.get(b"content-encoding", b"identity") != b"identity":
        raise Refused(Kind.MEDIA_TYPE, "Bodies are read as they are, not unpacked.")
    declared = headers.get(b"content-length")
    if declared is not None and (len(declared) > 12 or int(declared) > limit.most_bytes):
        raise _too_large(limit)
    until = time.monotonic() + limit.seconds
    message = await _next(receive, until, limit)
    body: bytes = message.get("body", b"")
    if message.get("more_body"):
        parts, size = [body], len(body)
        while message.get("more_body"):
            message = await _next(receive, until, limit)
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > limit.most_bytes:
                raise _too_large(limit)
        body = b"".join(parts)
    if len(body) > limit.most_bytes:
        raise _too_large(limit)
    return body


async def _next(receive: Receive, until: float, limit: BodyLimit) -> MutableMapping[str, Any]:
    try:
        async with asyncio.timeout(until - time.monotonic()):
            message = await receive()
    except TimeoutError as error:
        raise Refused(
            Kind.TOO_SLOW, f"The body took more than {limit.seconds:g} seconds to arrive."
        ) from error
    if message["type"] == "http.disconnect":
        raise Refused(Kind.TOO_SLOW, "The client has gone.")
    return message


def _too_large(limit: BodyLimit) -> Refused:
    return Refused(
        Kind.TOO_LARGE,
        f"The body has more than {limit.most_bytes:,} bytes.",
        remedy="send rows in several requests",
    )


async def send_problem(send: Send, refused: Refused) -> None:
    """Send a refusal as a problem document."""
    await send_response(send, refused.kind.status, refused.headers, refused.body)


async def send_response(
    send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    """Send a whole response with the headers that every response has."""
    length = (b"content-length", str(len(body)).encode())
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [*headers, length, *SECURITY_HEADERS],
        }
    )
    await send({"type": "http.response.body", "body": body})
