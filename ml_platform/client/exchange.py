"""One call from the first attempt to its answer, without a socket: what to send, what to wait for, what came back.

`exchange` is a generator that `ml_platform.client.clients` drives, blocking or not: it yields what is to be done
and is sent what came of it.
"""

import json
import random
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import msgspec

from ml_platform.client.errors import TOO_LATE, UNREACHABLE, UNREADABLE, ClientError, Problem
from ml_platform.client.retries import Failure, Repeat, RetryPolicy, seconds_of

T = TypeVar("T")

_GATEWAY = frozenset({502, 503, 504})
_MOST_SHOWN = 200


@dataclass(frozen=True)
class Call(Generic[T]):
    """A request of the service, and how its answer is read."""

    method: str
    path: str
    """Below the address of the service, with the query."""
    read: Callable[[bytes], T]
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeat: Repeat = Repeat.ALWAYS


@dataclass(frozen=True)
class Send:
    """Send the request, and bring its reply within so many seconds."""

    call: Call[Any]
    seconds: float


@dataclass(frozen=True)
class Wait:
    """Let so many seconds pass."""

    seconds: float


@dataclass(frozen=True)
class Reply:
    """An HTTP response."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""


@dataclass(frozen=True)
class NoReply:
    """An attempt without a response."""

    failure: Failure
    why: str
    """In a few words, such as ``ConnectError``; never with what was sent."""


def exchange(
    call: Call[T],
    policy: RetryPolicy,
    clock: Callable[[], float] = time.monotonic,
    draw: Callable[[], float] = random.random,
) -> Generator[Send | Wait, Reply | NoReply | None, T]:
    """The steps of a call; what the generator returns is the answer.

    Args:
        call: What is asked.
        policy: How often and for how long it is tried.
        clock: Seconds since any moment.
        draw: A random number in [0, 1).

    Raises:
        ClientError: the service refused it, or did not answer as often and as long as was tried.
    """
    since, attempt = clock(), 0
    while True:
        attempt += 1
        reply = yield Send(call, max(policy.seconds - (clock() - since), 1e-3))
        assert reply is not None
        if isinstance(reply, Reply) and 200 <= reply.status < 300:
            return _answer(call, reply, attempt)
        failure = _failure(reply)
        after = 0.0
        if isinstance(reply, Reply):
            after = seconds_of(reply.headers.get("retry-after", ""), datetime.now(UTC))
        wait = policy.wait(failure, call.repeat, attempt, clock() - since, draw(), after)
        if wait is None:
            raise ClientError(_problem(reply, policy.seconds), attempt, after)
        yield Wait(wait)


def _answer(call: Call[T], reply: Reply, attempts: int) -> T:
    try:
        return call.read(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ClientError(
            Problem(
                f"about:blank#{UNREADABLE}",
                "Not an answer of this service",
                reply.status,
                f"The answer cannot be read: {error}.",
                "use the client of the release that the service has",
            ),
            attempts,
        ) from error


def _failure(reply: Reply | NoReply) -> Failure:
    if isinstance(reply, NoReply):
        return reply.failure
    if reply.status == 429 or (reply.status == 503 and _document(reply) is not None):
        return Failure.BUSY
    return Failure.GATEWAY if reply.status in _GATEWAY else Failure.FINAL


def _document(reply: Reply) -> Problem | None:
    """The problem document of a response; ``None`` of one that has none."""
    if not reply.headers.get("content-type", "").startswith("application/problem+json"):
        return None
    try:
        return msgspec.json.decode(reply.body, type=Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _problem(reply: Reply | NoReply, seconds: float) -> Problem:
    if isinstance(reply, Reply):
        text = " ".join(reply.body[:_MOST_SHOWN].decode("utf-8", "replace").split())
        return _document(reply) or Problem(
            f"about:blank#{UNREADABLE}",
            "Not an answer of this service",
            reply.status,
            f"The answer has status {reply.status} and no problem document: {text!r}.",
            "check the address: is it that of the service, or of something before it?",
        )
    if reply.failure is Failure.TOO_LATE:
        return Problem(
            f"about:blank#{TOO_LATE}",
            "No answer in time",
            0,
            f"There was no answer within {seconds:g} seconds.",
            "give the client more time, or ask for fewer rows at once",
        )
    return Problem(
        f"about:blank#{UNREACHABLE}",
        "The service cannot be reached",
        0,
        f"The service did not answer: {reply.why}.",
        "is it running (`ml-platform serve`), and is the address right?",
    )


def to_json(value: object) -> bytes:
    """JSON of plain values, and of the numbers that numpy and pandas have.

    Raises:
        ValueError: a number is not finite, which JSON has no word for.
        TypeError: something is no value of JSON.
    """
    try:
        return json.dumps(value, allow_nan=False, default=_plain, ensure_ascii=False).encode()
    except ValueError as error:
        raise ValueError(f"{error}; send None where there is no number") from error


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is no value of JSON")
