"""The HTTP protocol of uvicorn with bounds that it lacks, on time and on everything that is no body."""

import asyncio
import socket
import struct
from contextlib import suppress
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ml_platform.api.hot_path import SECURITY_HEADERS
from ml_platform.api.joined_writes import JoinedWrites
from ml_platform.api.problems import Kind, Refused

VERSIONS = ("1.0", "1.1")
HEAD_SECONDS = 5.0
"""How long the first request of a connection may take to have a whole head."""
HEAD_BYTES = 32_768
"""The longest head, and the most that may stand between two parts of a body or behind it."""
MOST_AHEAD = 16
"""Requests of a connection that may come before the answer to the one before them; each takes some kilobytes."""
REST_SECONDS = 10.0
"""How long the rest of a request may come after its answer."""
READ_SECONDS, LEAST_READ_BYTES = 10.0, 65_536
"""How much of its answers a client has to read in which time."""
_AT_ONCE = struct.pack("ii", 1, 0)
LAST_REQUEST_SECONDS = 1.0
"""How long a worker that is to end still takes a request from a connection that it has."""


class BoundedHttp(HttpToolsProtocol):
    """Closes connections that are too slow in any part, or send too much that is no body."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._other_bytes = 0
        self._in_head = True
        self._answered: Any = None
        """The exchange that is on; `cycle` is the newest, which may wait for its turn."""
        self._patience: asyncio.TimerHandle | None = None
        self._rest: asyncio.TimerHandle | None = None
        self._reading: asyncio.TimerHandle | None = None
        self._ending = False

    def connection_made(self, transport: Any) -> None:
        """A client has connected: the head of its request has to come."""
        self._writes = JoinedWrites(transport)
        super().connection_made(self._writes)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone."""
        for timer in (self._patience, self._rest, self._reading):
            if timer is not None:
                timer.cancel()
        self._end_exchange()
        self._writes.drop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes have come: those of a head are counted, and those beside a body that bring nothing of it."""
        if self._in_head and self._patience is None:
            self._wait_for_head()
        self._other_bytes += len(data)
        is_long = self._other_bytes > HEAD_BYTES
        if self._in_head and is_long and b"\r\n\r\n" not in data[: HEAD_BYTES + 4]:
            self._refuse(_too_large())
            return
        super().data_received(data)
        if not self._in_head and self._other_bytes > HEAD_BYTES:
            self._refuse(_too_large())

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header of the head; what is sent as one behind a body counts for nothing."""
        if self._in_head:
            super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        """A part of a body has come."""
        self._other_bytes = 0
        super().on_body(body)

    def on_response_complete(self) -> None:
        """An answer is written: the rest of its request may come for a moment, and is passed over."""
        self._writes.flush()
        super().on_response_complete()
        if not self._in_head and self.cycle.response_complete and not self.transport.is_closing():
            self._rest = self.loop.call_later(REST_SECONDS, self._abort)
        self._watch_reader()

    def send_400_response(self, msg: str) -> None:
        """What has come is no HTTP."""
        self._refuse(Refused(Kind.BAD_JSON, msg, remedy="send HTTP/1.1"))

    def pause_writing(self) -> None:
        """The client does not read, or slowly."""
        super().pause_writing()
        self._watch_reader()

    def resume_writing(self) -> None:
        """The client has read."""
        self._stop_watching()
        super().resume_writing()

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._in_head, self._other_bytes = False, 0
        self._stop_waiting()
        if self.parser.get_http_version() not in VERSIONS:
            raise ValueError(
                "no version of HTTP that is spoken here"
            )  # the parser refuses the request
        super().on_headers_complete()
        if len(self.pipeline) > MOST_AHEAD:
            raise ValueError("too many requests that wait for the answer before")
        if self._ending and self.cycle is not None:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        """The request is whole: the next one begins with a head."""
        super().on_message_complete()
        self._in_head, self._other_bytes = True, 0
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None
        if self.cycle.response_complete:
            self._wait_for_head()

    def shutdown(self) -> None:
        """The worker is to end: an idle connection may bring one more request, which may be on its way already."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = False
            return
        self._ending = True
        self.loop.call_later(LAST_REQUEST_SECONDS, self._close_if_idle)

    def _close_if_idle(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()

    def _wait_for_head(self) -> None:
        self._stop_waiting()
        self._patience = self.loop.call_later(HEAD_SECONDS, self._refuse_slow_head)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _refuse_slow_head(self) -> None:
        detail = f"The head took more than {HEAD_SECONDS:g} seconds to arrive."
        self._refuse(Refused(Kind.TOO_SLOW, detail))

    def _watch_reader(self) -> None:
        """Give the connection up if its client reads too little of what was written from now on."""
        self._stop_watching()
        left = self._unread_bytes()
        if left:
            self._reading = self.loop.call_later(READ_SECONDS, self._look_at_reader, left)

    def _look_at_reader(self, left_before: int) -> None:
        left = self._unread_bytes()
        if left and left_before - left < LEAST_READ_BYTES:
            self._abort()
        else:
            self._watch_reader()

    def _abort(self) -> None:
        """Let go of the connection, and of what the kernel still holds for it."""
        self._end_exchange()
        with suppress(OSError, RuntimeError), self.transport.get_extra_info("socket").dup() as same:
            same.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        self.transport.abort()

    def _end_exchange(self) -> None:
        """Whoever answers hears that the client has gone, and what is still written goes nowhere."""
        if self._answered is not None and not self._answered.response_complete:
            self._answered.disconnected = True
            self._answered.message_event.set()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self._answered = cycle
        super()._start_asgi_task(cycle, app)

    def _unread_bytes(self) -> int:
        try:
            return int(self.transport.get_write_buffer_size())
        except RuntimeError:  # uvloop: it is closed
            return 0

    def _stop_watching(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _refuse(self, refused: Refused) -> None:
        """Say why, unless another answer is on its way, and close."""
        self._stop_waiting()
        if self.transport.is_closing():
            return
        on = self._answered
        is_over = on is None or on.response_complete
        is_this = on is self.cycle and not self._in_head
        if is_over or (is_this and not on.response_started):
            self.transport.write(_response(refused))
            self._end_exchange()
        self.transport.close()
        self._watch_reader()


def _too_large() -> Refused:
    return Refused(
        Kind.HEAD_TOO_LARGE,
        f"More than {HEAD_BYTES:,} bytes came that belong to no body.",
        remedy="send fewer and shorter headers",
    )


def _response(refused: Refused) -> bytes:
    """A refusal as the bytes of a response after which the connection is closed."""
    length = (b"content-length", str(len(refused.body)).encode())
    headers = [*refused.headers, length, *SECURITY_HEADERS, (b"connection", b"close")]
    lines = [f"HTTP/1.1 {refused.kind.status} {refused.kind.name}".encode()]
    lines += [name + b": " + value for name, value in headers]
    return b"\r\n".join([*lines, b"", refused.body])
