"""What is written to a connection in one turn of the event loop leaves by one system call."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
import uvloop

from ml_platform.api.http_protocol import BoundedHttp
from ml_platform.api.joined_writes import MOST_HELD_BYTES, JoinedWrites


@asynccontextmanager
async def connection() -> AsyncIterator[tuple[JoinedWrites, socket.socket]]:
    """A connection that joins what is written, and its other end."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=ours)
    try:
        yield JoinedWrites(transport), theirs
    finally:
        transport.abort()
        theirs.close()


def arrived(end: socket.socket) -> bytes | None:
    """What has come, b"" once the connection is closed, None if nothing is there."""
    try:
        return end.recv(1_000_000)
    except BlockingIOError:
        return None


async def joined() -> None:
    async with connection() as (writes, end):
        writes.write(b"head ")
        writes.write(b"")
        writes.write(b"body")
        assert arrived(end) is None
        assert writes.get_write_buffer_size() == 9
        await asyncio.sleep(0)
        assert arrived(end) == b"head body"
        assert writes.get_write_buffer_size() == 0

        writes.write(b"at once")
        writes.flush()
        assert arrived(end) == b"at once"


async def large_at_once() -> None:
    async with connection() as (writes, end):
        writes.write(b"head ")
        writes.write(b"x" * (MOST_HELD_BYTES + 1))
        assert (arrived(end) or b"").startswith(b"head x")


async def closed_after_what_is_held() -> None:
    async with connection() as (writes, end):
        writes.write(b"last words")
        writes.close()
        await asyncio.sleep(0.01)
        assert writes.is_closing()
        assert arrived(end) == b"last words"
        assert arrived(end) == b""


async def nothing_after_an_abort() -> None:
    async with connection() as (writes, end):
        writes.write(b"never heard")
        writes.abort()
        await asyncio.sleep(0.01)
        assert arrived(end) == b""


def test_what_is_written_in_one_turn_leaves_as_one() -> None:
    uvloop.run(joined())


def test_what_is_large_is_not_held() -> None:
    uvloop.run(large_at_once())


def test_a_closed_connection_has_sent_what_was_held() -> None:
    uvloop.run(closed_after_what_is_held())


def test_an_aborted_connection_sends_nothing_more() -> None:
    uvloop.run(nothing_after_an_abort())


class Sends(asyncio.Transport):
    """Counts the system calls of a transport."""

    def __init__(self, transport: asyncio.Transport, sent: list[bytes]) -> None:
        super().__init__()
        self._transport, self._sent = transport, sent

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._sent.append(bytes(data))
        self._transport.write(data)

    def __getattribute__(self, name: str) -> Any:
        if name in ("write", "_transport", "_sent"):
            return object.__getattribute__(self, name)
        return getattr(object.__getattribute__(self, "_transport"), name)


async def parts(scope: Any, receive: Any, send: Any) -> None:
    """An app whose answer has a head and two parts, the second after a pause where the path says so."""
    await receive()
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"8")]}
    )
    await send({"type": "http.response.body", "body": b"some", "more_body": True})
    if scope["path"] == "/pause":
        await asyncio.sleep(0.05)
    await send({"type": "http.response.body", "body": b"more"})


async def system_calls(path: str) -> list[bytes]:
    """What leaves the service for one request, a system call each."""
    sent: list[bytes] = []

    class Counted(BoundedHttp):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(Sends(transport, sent))

    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(parts, http=Counted, log_level="error", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    writer.write(f"GET {path} HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n".encode())
    assert (await asyncio.wait_for(reader.read(), 30)).endswith(b"somemore")
    writer.close()
    server.should_exit = True
    await asyncio.wait_for(serving, 30)
    return sent


def test_a_response_is_one_system_call() -> None:
    (whole,) = uvloop.run(system_calls("/"))
    assert whole.startswith(b"HTTP/1.1 200")
    assert whole.endswith(b"somemore")


def test_a_part_that_comes_later_does_not_hold_up_the_first() -> None:
    first, second = uvloop.run(system_calls("/pause"))
    assert first.endswith(b"some")
    assert second == b"more"
