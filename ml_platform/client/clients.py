"""The two clients: `Client` blocks until the answer is there, `AsyncClient` is awaited."""

import asyncio
import re
import time
from types import TracebackType
from typing import Self, TypeVar

import httpx

from ml_platform.client.exchange import Call, NoReply, Reply, Send, Wait, exchange
from ml_platform.client.method import Awaited, Blocking
from ml_platform.client.retries import Failure, RetryPolicy
from ml_platform.client.routes import Routes

T = TypeVar("T")

_KEY = re.compile(r"mlp_[0-9A-Za-z]+_([0-9A-Za-z]+)")
_SHORTEST_SECRET = 16
"""A shorter one, which nobody has, may stand in any text by chance."""
_CONNECT_SECONDS = 3.0
"""How long one attempt to connect may take."""
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class _Address:
    """Where the service is and the key for it, which no text of this object shows."""

    def __init__(self, base_url: str, key: str) -> None:
        found = _KEY.fullmatch(key.strip())
        if found is None:
            raise ValueError("The key is not of the form mlp_<id>_<secret>.")
        try:
            url = httpx.URL(base_url)
        except httpx.InvalidURL as error:
            raise ValueError(f"The address of the service is no URL: {error}.") from None
        if url.scheme not in ("http", "https") or not url.host or url.userinfo:
            raise ValueError(
                "The address of the service must begin with http:// or https://, and hold no password."
            )
        self.url = str(url).rstrip("/")
        self._key = found[0]
        secret = found[1] if len(found[1]) >= _SHORTEST_SECRET else found[0]
        self._told = (found[0].encode(), secret.encode())

    def request(self, step: Send) -> httpx.Request:
        """The request of an attempt."""
        call, seconds = step.call, step.seconds
        content = {} if call.body is None else {"content-type": "application/json"}
        return httpx.Request(
            call.method,
            self.url + call.path,
            content=call.body,
            headers={"authorization": f"Bearer {self._key}", **content, **call.headers},
            extensions={
                "timeout": httpx.Timeout(seconds, connect=min(seconds, _CONNECT_SECONDS)).as_dict()
            },
        )

    def reply(self, response: httpx.Response, body: bytes) -> Reply:
        """The response without the key, should the service have repeated it."""
        for text in self._told:
            body = body.replace(text, b"...")
        return Reply(response.status_code, body, {**response.headers})


def _no_reply(error: httpx.TransportError) -> NoReply:
    """What an error of the connection means; its text is left out, since it may hold what was sent."""
    if isinstance(error, _NOT_SENT):
        return NoReply(Failure.NOT_SENT, "no connection")
    if isinstance(error, httpx.TimeoutException):
        return NoReply(Failure.TOO_LATE, "the time was over")
    return NoReply(Failure.NO_ANSWER, "the connection ended before an answer")


class Client(Routes, Blocking):
    """Asks the service and waits for its answer; connections are kept, and threads may share it.

    >>> with Client("http://127.0.0.1:8000", key) as client:  # doctest: +SKIP
    ...     client.predict("trigger_predictor", features).prediction
    """

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        timeout: float = 10.0,
        retries: int = 3,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """A client; nothing is sent yet.

        Args:
            base_url: The address of the service, such as ``http://127.0.0.1:8000``.
            key: The API key, ``mlp_<id>_<secret>``.
            timeout: Seconds that a call may take, with all its attempts and the waits between them.
            retries: Attempts after the first one.
            transport: What carries the requests; by default connections of its own.

        Raises:
            ValueError: the address or the key has another form.
        """
        self._address = _Address(base_url, key)
        self._policy = RetryPolicy(retries, timeout)
        self._transport = transport or httpx.HTTPTransport()

    def __repr__(self) -> str:
        return f"Client({self._address.url!r})"

    def send(self, call: Call[T]) -> T:
        """The answer to a call."""
        steps = exchange(call, self._policy)
        step = next(steps)
        while True:
            came: Reply | NoReply | None = None
            if isinstance(step, Wait):
                time.sleep(step.seconds)
            else:
                came = self._attempt(step)
            try:
                step = steps.send(came)
            except StopIteration as end:
                answer: T = end.value
                return answer

    def _attempt(self, step: Send) -> Reply | NoReply:
        until = time.monotonic() + step.seconds
        parts = []
        try:
            response = self._transport.handle_request(self._address.request(step))
            try:
                assert isinstance(response.stream, httpx.SyncByteStream)
                for part in response.stream:
                    parts.append(part)
                    if time.monotonic() > until:
                        return NoReply(Failure.TOO_LATE, "the time was over")
            finally:
                response.close()
        except httpx.TransportError as error:
            return _no_reply(error)
        return self._address.reply(response, b"".join(parts))

    def close(self) -> None:
        """End the connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class AsyncClient(Routes, Awaited):
    """Asks the service without blocking the event loop; one client serves all tasks of a loop.

    >>> async with AsyncClient("http://127.0.0.1:8000", key) as client:  # doctest: +SKIP
    ...     (await client.predict("trigger_predictor", features)).prediction
    """

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        timeout: float = 10.0,
        retries: int = 3,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """A client; see `Client`, whose arguments and errors are the same."""
        self._address = _Address(base_url, key)
        self._policy = RetryPolicy(retries, timeout)
        self._transport = transport or httpx.AsyncHTTPTransport()

    def __repr__(self) -> str:
        return f"AsyncClient({self._address.url!r})"

    async def send(self, call: Call[T]) -> T:
        """The answer to a call."""
        steps = exchange(call, self._policy)
        step = next(steps)
        while True:
            came: Reply | NoReply | None = None
            if isinstance(step, Wait):
                await asyncio.sleep(step.seconds)
            else:
                came = await self._attempt(step)
            try:
                step = steps.send(came)
            except StopIteration as end:
                answer: T = end.value
                return answer

    async def _attempt(self, step: Send) -> Reply | NoReply:
        try:
            async with asyncio.timeout(step.seconds):
                response = await self._transport.handle_async_request(self._address.request(step))
                try:
                    assert isinstance(response.stream, httpx.AsyncByteStream)
                    body = b"".join([part async for part in response.stream])
                finally:
                    await response.aclose()
        except TimeoutError:
            return NoReply(Failure.TOO_LATE, "the time was over")
        except httpx.TransportError as error:
            return _no_reply(error)
        return self._address.reply(response, body)

    async def close(self) -> None:
        """End the connections."""
        await self._transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
