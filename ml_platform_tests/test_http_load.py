"""The load generator of the benchmarks tells what a server did: how long each request waited, and what failed."""

import asyncio
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest

from benchmarks.http_clients import arrivals
from benchmarks.http_load import (
    ClosedLoop,
    OpenLoop,
    Requests,
    nearest_rank,
    run_load,
    start_load,
    summarised,
)

BODIES = ('{"row": 1}', '{"row": 2}', '{"row": 3}')
HEADERS = {"Authorization": "Bearer mlp_example"}


@dataclass
class Server:
    """Answers as ``act`` says, which gets the number of the request and the writer of its connection."""

    act: "Callable[[Server, int, asyncio.StreamWriter], None]"
    port: int = 0
    bodies: list[str] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    stalls_until: float = 0.0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not writer.is_closing():
            try:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
            except (asyncio.IncompleteReadError, ConnectionError):
                writer.close()
                return
            length = int(head.lower().split("content-length: ")[1].split("\r\n")[0])
            self.bodies.append((await reader.readexactly(length)).decode())
            self.heads.append(head)
            number = len(self.bodies)
            await asyncio.sleep(max(0.0, self.stalls_until - time.monotonic()))
            self.act(self, number, writer)

    def requests(self) -> Requests:
        return Requests(f"http://127.0.0.1:{self.port}/predict?x=1", BODIES, HEADERS)


def ok(server: Server, number: int, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")


@contextmanager
def serving(
    act: Callable[[Server, int, asyncio.StreamWriter], None] = ok,
) -> Iterator[Server]:
    """A server in a thread of its own."""
    server, ready, loop = Server(act), threading.Event(), asyncio.new_event_loop()
    stopped = asyncio.Event()

    async def main() -> None:
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        server.port = listening.sockets[0].getsockname()[1]
        ready.set()
        await stopped.wait()
        listening.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    thread = threading.Thread(target=loop.run_until_complete, args=(main(),))
    thread.start()
    ready.wait()
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join()
        loop.close()


def test_a_closed_loop_sends_each_body_in_turn_with_its_headers() -> None:
    with serving() as server:
        result = run_load(server.requests(), ClosedLoop(clients=2, seconds=0.5, warm_up=0.2))
    assert result.answered == result.sent == result.statuses["200"] < len(server.bodies)
    assert result.errors == {}
    assert result.events == ()
    assert result.connects == 2
    counts = [server.bodies.count(body) for body in BODIES]
    assert max(counts) - min(counts) <= 2
    assert {head.split("\r\n")[0] for head in server.heads} == {"POST /predict?x=1 HTTP/1.1"}
    assert all("Authorization: Bearer mlp_example\r\n" in head for head in server.heads)
    assert result.rate == pytest.approx(result.answered / 0.5, rel=0.05)
    assert 0 < result.p50 <= result.p99 <= result.longest == result.latencies_ms[-1]


@pytest.mark.parametrize(("poisson", "spread"), [(False, 5), (True, 35)])
def test_a_stall_makes_every_request_late_that_was_meant_to_be_sent_in_it(
    poisson: bool, spread: int
) -> None:
    loop = OpenLoop(rate=100, connections=8, seconds=2.0, warm_up=0.3, poisson=poisson, seed=3)
    with serving() as server, start_load(server.requests(), loop) as load:
        load.wait_until_counting()
        time.sleep(0.3)
        server.stalls_until = time.monotonic() + 1.0
        result = load.result()
    assert result.answered == result.sent
    # A busy machine makes more of them late, never fewer; sent when a connection is free, 8 would be.
    assert 90 - spread <= result.slower_than(100) <= 90 + 40
    assert 50 - spread <= result.slower_than(500) <= 50 + 40
    assert 850 < result.longest < 1_500
    sent_in_time = 8
    assert result.slower_than(100) - sent_in_time <= result.late_sends <= result.slower_than(1)


def test_the_same_stall_is_one_slow_request_a_client_in_a_closed_loop() -> None:
    loop = ClosedLoop(clients=4, seconds=1.5, warm_up=0.2)
    with serving() as server, start_load(server.requests(), loop) as load:
        load.wait_until_counting()
        time.sleep(0.2)
        server.stalls_until = time.monotonic() + 0.5
        result = load.result()
    assert result.slower_than(200) == 4


def test_a_run_goes_on_with_the_body_after_the_last_one() -> None:
    loop = OpenLoop(rate=20, seconds=0.2, warm_up=0.0)
    with serving() as server:
        first = run_load(server.requests(), loop)
        assert first.next_body == 4 % len(BODIES)
        run_load(replace(server.requests(), first=first.next_body), loop)
    assert server.bodies == [BODIES[number % len(BODIES)] for number in range(8)]


def test_answers_that_hold_the_marker_are_counted() -> None:
    def act(server: Server, number: int, writer: asyncio.StreamWriter) -> None:
        body = b'{"cached":true}' if number % 4 == 0 else b'{"cached":false}'
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
        writer.write(head + body[:8])
        asyncio.get_running_loop().call_later(0.005, writer.write, body[8:])

    loop = OpenLoop(rate=40, seconds=1.0, warm_up=0.0)
    with serving(act) as server:
        result = run_load(replace(server.requests(), marker='"cached":true'), loop)
    assert (result.answered, result.marked) == (40, 10)


def test_answers_other_than_200_are_events_with_their_time_and_text() -> None:
    def act(server: Server, number: int, writer: asyncio.StreamWriter) -> None:
        if number % 10:
            ok(server, number, writer)
        else:
            writer.write(
                b"HTTP/1.1 503 Service Unavailable\r\nTransfer-Encoding: chunked\r\n\r\n"
                b"5\r\nfull \r\n4\r\nup\r\n\r\n0\r\n\r\n"
            )

    with serving(act) as server:
        began = time.time()
        result = run_load(server.requests(), OpenLoop(rate=100, seconds=1.0, warm_up=0.5))
        ended = time.time()
    assert result.statuses == {"200": 90, "503": 10}
    assert result.answered == len(result.latencies_ms) == 90
    assert {event.what for event in result.events} == {"503"}
    assert {event.text for event in result.events} == {"full up\r\n"}
    assert sum(event.seconds < 0 for event in result.events) == 5
    assert all(began < event.at < ended for event in result.events)
    assert result.connects <= 32, "a connection is kept"


def test_a_reset_fails_the_request_under_way_and_no_other() -> None:
    def act(server: Server, number: int, writer: asyncio.StreamWriter) -> None:
        if number % 20:
            ok(server, number, writer)
        else:
            writer.transport.abort()

    with serving(act) as server:
        result = run_load(server.requests(), OpenLoop(rate=200, seconds=1.0, warm_up=0.0))
    assert result.sent == 200
    assert result.answered == 190
    assert sum(result.errors.values()) == len(result.events) == 10
    assert set(result.errors) <= {"ConnectionResetError", "ConnectionClosed"}


def test_a_connection_that_is_closed_between_requests_is_no_error() -> None:
    def act(server: Server, number: int, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}")
        writer.close()

    with serving(act) as server:
        result = run_load(server.requests(), ClosedLoop(clients=2, seconds=0.3, warm_up=0.0))
    assert result.errors == {}
    assert result.answered == result.sent == result.connects


def test_what_is_not_answered_is_given_up_and_what_was_never_sent_is_told() -> None:
    def act(server: Server, number: int, writer: asyncio.StreamWriter) -> None:
        """Say nothing."""

    loop = OpenLoop(rate=100, connections=3, seconds=1.0, warm_up=0.0, timeout=0.4)
    with serving(act) as server:
        result = run_load(server.requests(), loop)
    assert result.answered == 0
    assert math.isnan(result.p50)
    assert result.figures()["p50"] is None
    assert sum(result.errors.values()) == 100
    assert result.errors["TimeoutError"] == result.sent
    assert result.errors["never sent"] == 100 - result.sent > 50


def test_without_a_server_every_request_is_refused() -> None:
    with serving() as server:
        pass
    result = run_load(server.requests(), OpenLoop(rate=50, seconds=0.4, warm_up=0.0))
    assert result.errors == {"ConnectionRefusedError": 20}
    closed = run_load(server.requests(), ClosedLoop(clients=2, seconds=0.4, warm_up=0.0))
    assert 2 < closed.errors["ConnectionRefusedError"] < 30, "a client waits before it tries again"


def test_the_generator_fails_with_what_is_wrong() -> None:
    with pytest.raises(RuntimeError, match=r"http://HOST:PORT/PATH"):
        run_load(Requests("https://127.0.0.1/x", BODIES), ClosedLoop(seconds=0.1))
    with (
        start_load(Requests("http://127.0.0.1:1/x", ()), ClosedLoop(seconds=0.1)) as load,
        pytest.raises(RuntimeError, match=r"no body"),
    ):
        load.wait_until_counting()


def test_the_times_of_an_open_loop() -> None:
    assert list(arrivals(OpenLoop(rate=4), 10.0, 11.0)) == [10.0, 10.25, 10.5, 10.75]
    drawn = list(arrivals(OpenLoop(rate=1_000, poisson=True, seed=1), 0.0, 10.0))
    assert drawn == list(arrivals(OpenLoop(rate=1_000, poisson=True, seed=1), 0.0, 10.0))
    assert drawn != list(arrivals(OpenLoop(rate=1_000, poisson=True, seed=2), 0.0, 10.0))
    assert len(drawn) == pytest.approx(10_000, abs=400), "four standard deviations"
    gaps = [after - before for before, after in pairwise(drawn)]
    longer = sum(gap > 0.001 for gap in gaps) / len(gaps)
    assert longer == pytest.approx(math.exp(-1), abs=0.02)


def test_ranks() -> None:
    hundred = [float(number) for number in range(1, 101)]
    ranks = [nearest_rank(hundred, share) for share in (0.5, 0.9, 0.99, 0.999, 1.0)]
    assert ranks == [50.0, 90.0, 99.0, 100.0, 100.0]
    assert nearest_rank([7.0], 0.5) == 7.0


@pytest.mark.parametrize(("seconds", "itself"), [(1.6, False), (1.8, True)])
def test_a_generator_without_time_to_spare_says_so(seconds: float, itself: bool) -> None:
    counted = {"seconds": 2.0, "sent": 2, "rate": 1.0, "statuses": {"200": 2}, "errors": {}}
    result = summarised(
        latencies=[2.0, 1.0],
        events=[],
        processor_seconds=seconds,
        late_sends=0,
        late_wakes=0,
        connects=1,
        marked=0,
        next_body=0,
        began_at=0.0,
        **counted,
    )
    assert result.measures_itself is itself
    assert result.latencies_ms == (1.0, 2.0)
