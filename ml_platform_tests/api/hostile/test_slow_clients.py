"""Clients that send or read so slowly that they mean harm: given up in seconds, and nobody else waits for them."""

import logging
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from select import poll
from threading import Event, Thread

import pytest

from ml_platform.api.http_protocol import MOST_AHEAD
from ml_platform_tests.api.hostile.framing import BODY, PATH
from ml_platform_tests.api.hostile.service import HostileService
from ml_platform_tests.api.hostile.wire import head, posted

SLOW_HEADS = SLOW_BODIES = 50
DRIPS = 10
"""Of each further kind."""
MOST_SECONDS = 25.0
"""How long any of them may last: heads and bodies 5 s each, what comes or stays after an answer 10 s; and some."""
REQUESTS = 200
_LOG = logging.getLogger(__name__)


class Drip(Thread):
    """A client that sends a byte every half second until the service gives it up."""

    def __init__(self, address: tuple[str, int], begun: bytes, byte: bytes, stop: Event) -> None:
        super().__init__(daemon=True)
        self._address, self._begun, self._byte, self._stop_asked = address, begun, byte, stop
        self.lasted: float | None = None
        """Seconds until it was given up; ``None`` while it was not."""
        self.got = b""

    def run(self) -> None:
        began = time.monotonic()
        with (
            socket.create_connection(self._address, timeout=0.5) as connection,
            suppress(ConnectionError),
        ):
            connection.sendall(self._begun)
            while not self._stop_asked.is_set():
                connection.sendall(self._byte)
                with suppress(TimeoutError):
                    part = connection.recv(65_536)
                    self.got += part
                    if not part:
                        break
                    time.sleep(0.5)
        if not self._stop_asked.is_set():
            self.lasted = time.monotonic() - began


class Unread(Thread):
    """A client that asks for much and reads nothing; it asks once, or again and again."""

    def __init__(
        self, address: tuple[str, int], asked: bytes, stop: Event, *, again: bool = False
    ) -> None:
        super().__init__(daemon=True)
        self._address, self._asked, self._again, self._stop_asked = address, asked, again, stop
        self.lasted: float | None = None

    def run(self) -> None:
        began = time.monotonic()
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            connection.settimeout(0.5)
            connection.connect(self._address)
            connection.sendall(self._asked)
            gone = poll()
            gone.register(connection, 0)
            while not gone.poll(500 if not self._again else 0):
                if self._stop_asked.is_set():
                    return
                with suppress(OSError):
                    connection.sendall(self._asked if self._again else b"")
            self.lasted = time.monotonic() - began


@contextmanager
def running(clients: list[Drip | Unread], stop: Event) -> Iterator[None]:
    """The clients, until they are given up or the block ends."""
    for client in clients:
        client.start()
    try:
        yield
    finally:
        stop.set()
        for client in clients:
            client.join(10)


def seconds_of_answers(service: HostileService) -> list[float]:
    """How long each request of an ordinary client took, in order of length."""
    connection = service.connection()
    took = []
    for number in range(REQUESTS):
        body = BODY.replace(b"1.0", b"%d.5" % number)
        began = time.perf_counter()
        assert connection.ask(posted(PATH, body, service.headers)).status == 200
        took.append(time.perf_counter() - began)
    connection.close()
    return sorted(took)


def until(is_so: Callable[[], bool]) -> bool:
    """Whether it has become so in time."""
    end = time.monotonic() + MOST_SECONDS
    while not is_so() and time.monotonic() < end:
        time.sleep(0.1)
    return is_so()


@pytest.mark.timeout(180)
def test_nobody_waits_for_slow_clients(service: HostileService) -> None:
    stop = Event()
    to_predict = {**service.headers, b"content-type": b"application/json"}
    body = head(b"POST", PATH, {**to_predict, b"content-length": b"900000"})
    keyless = head(
        b"POST", PATH, {b"content-type": b"application/json", b"content-length": b"900000"}
    )
    chunked = (
        head(b"POST", PATH, {**to_predict, b"transfer-encoding": b"chunked"})
        + b"1\r\n[\r\n0\r\na: "
    )
    address = service.address
    heads = [Drip(address, b"POST ", b"x", stop) for _ in range(SLOW_HEADS)]
    bodies = [Drip(address, body, b" ", stop) for _ in range(SLOW_BODIES)]
    answered = [Drip(address, keyless, b" ", stop) for _ in range(DRIPS)]
    trailers = [Drip(address, chunked, b"b", stop) for _ in range(DRIPS)]
    page = head(b"GET", b"/openapi.json", {})
    unread = [Unread(address, page * MOST_AHEAD, stop) for _ in range(DRIPS)]
    greedy = [Unread(address, page * 100, stop, again=True) for _ in range(DRIPS)]
    slow: list[Drip | Unread] = [*heads, *bodies, *answered, *trailers, *unread, *greedy]
    alone = seconds_of_answers(service)
    before = service.megabytes()
    with running(slow, stop):
        time.sleep(0.5)
        beside = seconds_of_answers(service)
        given_up = until(lambda: all(client.lasted is not None for client in slow))
    grown = service.megabytes() - before
    last = int(REQUESTS * 0.99)
    _LOG.info(
        "p99 alone %.1f ms, beside %d slow clients %.1f ms; the worker has grown by %.1f MB",
        *(1e3 * alone[last], len(slow), 1e3 * beside[last], grown),
    )
    assert beside[-1] < 2.0
    assert given_up, [
        f"{type(client).__name__} {place}"
        for place, client in enumerate(slow)
        if client.lasted is None
    ]
    assert all(client.got.startswith(b"HTTP/1.1 408 ") for client in (*heads, *bodies, *trailers))
    assert all(client.got.startswith(b"HTTP/1.1 401 ") for client in answered)
    assert grown < 50
