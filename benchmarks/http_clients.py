"""The process of `benchmarks.http_load`: reads what to send on standard input, sends it, prints what it counted.

One thread: asyncio protocols on uvloop, requests that are bytes before it begins, answers read by httptools. Times
of an open loop come from the interval timer, since those of libuv are whole milliseconds.
"""

import asyncio
import gc
import itertools
import json
import random
import signal
import sys
import time
from array import array
from collections import Counter, deque
from collections.abc import Callable, Iterator
from typing import Any, cast
from urllib.parse import urlsplit

import httptools
import uvloop

from benchmarks.http_load import COUNTING, ClosedLoop, OpenLoop

LATE = 1e-3
"""Seconds after its time from which on a request counts as sent late."""
MOST_EVENTS = 100_000
_LOOK_EVERY = 0.05
"""Seconds between looks for requests to give up."""
_PAUSE = 0.05
"""Seconds for which a client of a closed loop waits after a request that was not answered."""
_SHOWN = 200
_OK = 200
_clock = time.perf_counter


class Count:
    """What is counted of requests meant for ``[begin, end)``, in seconds of `_clock`."""

    def __init__(self, begin: float, end: float, marker: bytes) -> None:
        self.begin, self.end = begin, end
        self.marker = marker
        self.unix = time.time() - _clock()
        self.sent = self.in_time = self.marked = 0
        self.late_sends = self.late_wakes = self.connects = 0
        self.statuses: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.latencies = array("d")
        self.events: list[tuple[float, float, str, float, str]] = []

    def answer(self, intended: float, status: int, text: bytes) -> None:
        """Count an answer that has just come."""
        now = _clock()
        if self.begin <= intended < self.end:
            self.statuses[str(status)] += 1
            if status == _OK:
                self.latencies.append((now - intended) * 1e3)
                self.marked += bool(self.marker) and self.marker in text
        if status != _OK:
            self._event(now, intended, str(status), text[:_SHOWN].decode(errors="replace"))
        elif self.begin <= now < self.end:
            self.in_time += 1

    def error(self, intended: float, name: str) -> None:
        """Count a request that stays without an answer."""
        if self.begin <= intended < self.end:
            self.errors[name] += 1
        self._event(_clock(), intended, name, "")

    def sending(self, intended: float) -> None:
        """Count a request as it is sent."""
        if self.begin <= intended < self.end:
            self.sent += 1
            self.late_sends += _clock() - intended > LATE

    def _event(self, now: float, intended: float, what: str, text: str) -> None:
        if len(self.events) < MOST_EVENTS:
            waited = (now - intended) * 1e3
            self.events.append((self.unix + now, now - self.begin, what, waited, text))


class Connection(asyncio.Protocol):
    """One TCP connection of a client, with at most one request under way."""

    def __init__(self, client: "Client") -> None:
        self.client: Client | None = client
        self.transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._reads = client.reads
        self._text = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Read a part of an answer."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self.lost(type(error).__name__)

    def on_body(self, body: bytes) -> None:
        """Keep a body that says what is wrong, or may hold the marker."""
        if self._reads or self._parser.get_status_code() != _OK:
            self._text += body

    def on_message_complete(self) -> None:
        """Hand the answer to the client."""
        text, self._text = self._text, b""
        if self.client is not None:
            keep = self._parser.should_keep_alive()
            self.client.answered(self._parser.get_status_code(), text, keep=keep)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the client, unless it has given the connection up."""
        self.lost(type(exc).__name__ if exc else "ConnectionClosed")

    def lost(self, name: str) -> None:
        """Leave the client without a connection; its request, if there is one, fails with this name."""
        client, self.client = self.client, None
        if self.transport is not None:
            self.transport.abort()
        if client is not None:
            client.lost(name)


class Client:
    """Sends one request at a time over a connection that it keeps, and opens again where it is gone."""

    def __init__(
        self, address: tuple[str, int], count: Count, free: "Callable[[Client, bool], None]"
    ) -> None:
        """``free`` is called after each request, with whether it was answered."""
        self._address, self._count, self._free = address, count, free
        self._connection: Connection | None = None
        self._opening: asyncio.Task[None] | None = None
        self._intended: float | None = None
        self._since = 0.0

    @property
    def reads(self) -> bool:
        """Whether the bodies of all answers are looked at."""
        return bool(self._count.marker)

    @property
    def waits(self) -> bool:
        """Whether a request is under way."""
        return self._intended is not None

    def send(self, request: bytes, intended: float) -> None:
        """Send the request, which was meant to be sent at ``intended``."""
        self._intended, self._since = intended, _clock()
        self._count.sending(intended)
        if self._connection is None:
            self._opening = asyncio.get_running_loop().create_task(self._open(request))
        else:
            assert self._connection.transport is not None
            self._connection.transport.write(request)

    async def _open(self, request: bytes) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(lambda: Connection(self), *self._address)
        except OSError as error:
            self._fail(type(error).__name__)
            return
        self._count.connects += 1
        if connection.client is self and connection.transport is not None:
            self._connection = connection
            connection.transport.write(request)

    def answered(self, status: int, text: bytes, *, keep: bool) -> None:
        """Count the answer; without ``keep`` the server is about to close the connection."""
        if self._intended is None:
            return
        intended, self._intended = self._intended, None
        self._count.answer(intended, status, text)
        if not keep:
            self._leave()
        self._free(self, True)

    def lost(self, name: str) -> None:
        """The connection is gone."""
        self._connection = None
        self._fail(name)

    def give_up(self, before: float) -> None:
        """Give up a request that was sent before this time."""
        if self._intended is not None and self._since < before:
            if self._opening is not None:
                self._opening.cancel()
            self._leave()
            self._fail("TimeoutError")

    def _leave(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None and connection.transport is not None:
            connection.client = None
            connection.transport.abort()

    def _fail(self, name: str) -> None:
        if self._intended is not None:
            intended, self._intended = self._intended, None
            self._count.error(intended, name)
            self._free(self, False)


class Closed:
    """The clients of a closed loop."""

    def __init__(
        self, loop: ClosedLoop, address: tuple[str, int], requests: Iterator[bytes], count: Count
    ) -> None:
        self._requests, self._count = requests, count
        self.clients = [Client(address, count, self._free) for _ in range(loop.clients)]

    def start(self) -> None:
        """Send the first request of each client."""
        for client in self.clients:
            self._send(client)

    def stop(self) -> list[float]:
        """Send nothing more; the times of requests that were not sent: none."""
        return []

    def _free(self, client: Client, answered: bool) -> None:
        if answered:
            self._send(client)
        else:
            asyncio.get_running_loop().call_later(_PAUSE, self._send, client)

    def _send(self, client: Client) -> None:
        now = _clock()
        if now < self._count.end:
            client.send(next(self._requests), now)


class Open:
    """The connections of an open loop, and the times of its requests."""

    def __init__(
        self,
        loop: OpenLoop,
        address: tuple[str, int],
        requests: Iterator[bytes],
        count: Count,
        start: float,
    ) -> None:
        self._requests, self._count = requests, count
        self._times = deque(arrivals(loop, start, count.end))
        self._waiting: deque[float] = deque()
        self.clients = [Client(address, count, self._free) for _ in range(loop.connections)]
        self._idle = deque(self.clients)

    def start(self) -> None:
        """Send each request at its time from now on."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGALRM, self._wake)
        self._wake()

    def stop(self) -> list[float]:
        """Send nothing more; the times of requests that were not sent, since no connection was free."""
        left = [*self._waiting, *self._times]
        self._waiting.clear()
        self._times.clear()
        return left

    def _wake(self) -> None:
        times, count = self._times, self._count
        now = _clock()
        while times and times[0] <= now:
            intended = times.popleft()
            if intended >= count.begin:
                count.late_wakes += now - intended > LATE
            if self._idle:
                self._idle.popleft().send(next(self._requests), intended)
            else:
                self._waiting.append(intended)
            now = _clock()
        if times:
            signal.setitimer(signal.ITIMER_REAL, max(times[0] - now, 1e-6))

    def _free(self, client: Client, answered: bool) -> None:
        if self._waiting:
            client.send(next(self._requests), self._waiting.popleft())
        else:
            self._idle.append(client)


def arrivals(loop: OpenLoop, start: float, end: float) -> Iterator[float]:
    """The times of the requests of an open loop in ``[start, end)``."""
    draw = random.Random(loop.seed)
    number, at = 0, start
    while at < end:
        yield at
        number += 1
        at = at + draw.expovariate(loop.rate) if loop.poisson else start + number / loop.rate


def prebuilt(requests: dict[str, Any]) -> tuple[tuple[str, int], list[bytes]]:
    """The host and port, and every request as it goes over the wire."""
    address = urlsplit(requests["address"])
    if address.scheme != "http" or address.hostname is None:
        raise ValueError(f"{requests['address']} is no address of http://HOST:PORT/PATH")
    host, port = address.hostname, address.port or 80
    path = (address.path or "/") + (f"?{address.query}" if address.query else "")
    headers = {
        "Host": f"{host}:{port}",
        "Content-Type": "application/json",
        "Accept": "*/*",
        **requests["headers"],
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"POST {path} HTTP/1.1\r\n{lines}".encode()
    bodies = [body.encode() for body in requests["bodies"]]
    if not bodies:
        raise ValueError("there is no body to send")
    return (host, port), [head + b"Content-Length: %d\r\n\r\n" % len(b) + b for b in bodies]


async def sent(order: dict[str, Any]) -> dict[str, Any]:
    """Send everything, wait for the last answers, and return what was counted."""
    address, requests = prebuilt(order["requests"])
    gc.collect()
    gc.freeze()
    gc.disable()
    start = _clock()
    begin = start + order["loop"]["warm_up"]
    marker, first = order["requests"]["marker"].encode(), order["requests"]["first"]
    count = Count(begin, begin + order["loop"]["seconds"], marker)
    numbers = itertools.count(first)
    sends = (requests[number % len(requests)] for number in numbers)
    load: Closed | Open
    if order["kind"] == ClosedLoop.__name__:
        closed = ClosedLoop(**order["loop"])
        load, timeout = Closed(closed, address, sends, count), closed.timeout
    else:
        opened = OpenLoop(**order["loop"])
        load = Open(opened, address, sends, count, start)
        timeout = opened.timeout
    load.start()
    await asyncio.sleep(begin - _clock())
    sys.stdout.write(f"{COUNTING}\n")
    sys.stdout.flush()
    processor = time.process_time()
    while (now := _clock()) < count.end:
        give_up(load, now - timeout)
        await asyncio.sleep(min(_LOOK_EVERY, count.end - now))
    processor = time.process_time() - processor
    while _clock() < count.end + timeout and any(client.waits for client in load.clients):
        give_up(load, _clock() - timeout)
        await asyncio.sleep(_LOOK_EVERY)
    for intended in load.stop():
        count.error(intended, "never sent")
    give_up(load, _clock())
    return {
        "seconds": order["loop"]["seconds"],
        "sent": count.sent,
        "rate": count.in_time / order["loop"]["seconds"],
        "statuses": dict(count.statuses),
        "marked": count.marked,
        "errors": dict(count.errors),
        "late_sends": count.late_sends,
        "late_wakes": count.late_wakes,
        "connects": count.connects,
        "next_body": next(numbers) % len(requests),
        "processor_seconds": processor,
        "began_at": count.unix + begin,
        "latencies": [round(latency, 4) for latency in count.latencies],
        "events": count.events,
    }


def give_up(load: Closed | Open, before: float) -> None:
    """Give up the requests that were sent before this time."""
    for client in load.clients:
        client.give_up(before)


def main() -> None:
    """Send what standard input says, and print one JSON object."""
    order = json.load(sys.stdin)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.stdout.write(json.dumps(runner.run(sent(order))) + "\n")


if __name__ == "__main__":
    main()
