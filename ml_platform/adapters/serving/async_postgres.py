"""PostgreSQL from an event loop, each statement with a limit of time: a server that hangs holds nobody up."""

import asyncio
import select
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg2
from psycopg2 import extensions

from ml_platform.errors import ServiceError

_REMEDY = "`ml-platform doctor` says whether PostgreSQL runs"


class AsyncPostgres:
    """One connection that is opened when it is needed and given up when a statement fails or takes too long.

    Each statement is a transaction of its own. One statement at a time; others wait.
    """

    def __init__(self, dsn: str, *, seconds: float) -> None:
        """Nothing is opened yet.

        Args:
            dsn: Where the server is, as libpq reads it.
            seconds: How long connecting, and a statement, may take.
        """
        self.dsn = dsn
        self._seconds = seconds
        self._connection: Any = None
        self._turn = asyncio.Lock()

    async def execute(
        self, statement: str, parameters: Sequence[Any] | Mapping[str, Any] = ()
    ) -> list[tuple[Any, ...]]:
        """The rows that a statement gives; none of one that gives no rows.

        Raises:
            ServiceError: the server cannot be reached, ended, or took too long. Whether the statement was done is
                not known.
            psycopg2.Error: the statement or a value of it is refused.
        """
        async with self._turn:
            try:
                async with asyncio.timeout(self._seconds):
                    if self._connection is None:
                        await self._connect()
                    cursor = self._connection.cursor()
                    cursor.execute(statement, parameters)
                    await self._finished()
                    return list(cursor.fetchall()) if cursor.description else []
            except (psycopg2.OperationalError, psycopg2.InterfaceError, TimeoutError) as error:
                self.close()
                what = str(error).strip().splitlines()
                raise ServiceError(
                    f"PostgreSQL does not answer: {what[0] if what else 'it took too long'}.",
                    remedy=_REMEDY,
                ) from error
            except BaseException:
                self.close()
                raise

    def move_to(self, dsn: str) -> None:
        """Let the next statement go to another server."""
        self.dsn = dsn
        self.close()

    def close(self) -> None:
        """Give the connection up; the next statement opens another one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def _connect(self) -> None:
        if not self.dsn:  # libpq would look for a server of its own choice
            raise ServiceError("Nobody has said where PostgreSQL is.", remedy=_REMEDY)
        self._connection = psycopg2.connect(self.dsn, async_=1)
        await self._finished()

    async def _finished(self) -> None:
        """Return when the connection has done what it was last asked."""
        connection = self._connection
        while True:
            state = connection.poll()
            if state == extensions.POLL_OK:
                return
            mode = select.POLLIN if state == extensions.POLL_READ else select.POLLOUT
            await _ready(connection.fileno(), mode)


async def _ready(descriptor: int, mode: int) -> None:
    """Return when there is something to read from a descriptor, or room to write to it."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    reading = mode == select.POLLIN
    watch, leave = (
        (loop.add_reader, loop.remove_reader) if reading else (loop.add_writer, loop.remove_writer)
    )
    watch(descriptor, lambda: None if ready.done() else ready.set_result(None))
    try:
        await ready
    finally:
        leave(descriptor)
