"""The way from a worker to the process that knows features as of now: a Unix socket, one line a question."""

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import msgspec

from ml_platform.adapters.serving.traces import NO_TRACES, Traces
from ml_platform.errors import ServiceError, UsageError

SOCKET_NAME = "features.sock"
LINE_BYTES = 4_000_000
"""The longest question or answer."""
_SECONDS = 2.0


class Question(msgspec.Struct, omit_defaults=True):
    """What rows are asked for; or an event that has happened."""

    table: str
    about: dict[str, Any]
    trace: dict[str, str] = {}
    """`Traces.context` of the request that it is asked for."""


class Reply(msgspec.Struct, omit_defaults=True):
    """The rows, or why there are none."""

    rows: list[dict[str, Any]] = []
    refused: str = ""
    remedy: str = ""
    unknown: str = ""
    """Why the process cannot answer now; empty where it can."""


_REPLY = msgspec.json.Decoder(Reply)
_ENCODE = msgspec.json.Encoder().encode


class FeatureSocket:
    """A worker's end: one connection, one question at a time."""

    def __init__(self, folder: Path, traces: Traces = NO_TRACES) -> None:
        """Nothing is opened before the first question."""
        self._traces = traces
        self._path = folder / SOCKET_NAME
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._turn = asyncio.Lock()

    async def rows(self, table: str, about: dict[str, Any]) -> list[dict[str, Any]]:
        """The rows of a feature table as of now.

        Raises:
            UsageError: what is asked about is refused, or nested too deeply.
            ServiceError: the process does not answer, or does not know enough yet.
        """
        try:
            with self._traces.stage("features"):
                line = _line(Question(table, about, self._traces.context()))
                async with self._turn, asyncio.timeout(_SECONDS):
                    reply = await self._ask(line)
        except (OSError, EOFError, TimeoutError, ValueError, asyncio.LimitOverrunError) as error:
            raise ServiceError(
                "Features as of now are not at hand.",
                remedy="send the features in the request, or ask again in a moment",
            ) from error
        if reply.unknown:
            raise ServiceError(reply.unknown, remedy=reply.remedy or "ask again in a moment")
        if reply.refused:
            raise UsageError(reply.refused, remedy=reply.remedy)
        return reply.rows

    def close(self) -> None:
        """Give the connection up."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _ask(self, line: bytes) -> Reply:
        try:
            if self._streams is None:
                self._streams = await asyncio.open_unix_connection(
                    str(self._path), limit=LINE_BYTES
                )
            reader, writer = self._streams
            writer.write(line)
            await writer.drain()
            return _REPLY.decode(await reader.readuntil(b"\n"))
        except BaseException:
            self.close()
            raise


def _line(question: Question) -> bytes:
    try:
        return _ENCODE(question) + b"\n"
    except RecursionError as error:
        raise UsageError(
            "What is asked about is nested too deeply.", remedy="send texts, numbers and lists"
        ) from error


def make_room(folder: Path) -> Path:
    """The path to listen at; what a process before has left there is removed."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / SOCKET_NAME
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    return path
