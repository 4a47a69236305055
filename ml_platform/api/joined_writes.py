"""A connection's transport that sends the head and the body of a response by one system call."""

import asyncio
from typing import Any

MOST_HELD_BYTES = 65_536
"""More than this is not held until the response is whole."""


class JoinedWrites(asyncio.Transport):
    """Holds what is written until `flush`, at the latest until the event loop's next turn.

    uvicorn writes the head and the body of a response one after the other, and uvloop sends each at once: twice the
    system calls, which take most of the time of a short answer.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        """What is written goes through this transport of a connection."""
        super().__init__()
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._held: list[bytes] = []
        self._next_turn: asyncio.Handle | None = None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send this with what is written right behind it."""
        if data:
            self._held.append(bytes(data))
        if len(data) > MOST_HELD_BYTES:
            self.flush()
        elif self._next_turn is None:
            self._next_turn = self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Send what is held."""
        if self._next_turn is not None:
            self._next_turn.cancel()
            self._next_turn = None
        if self._held:
            held, self._held = self._held, []
            self._transport.write(b"".join(held))

    def close(self) -> None:
        """Send what is held, and close the connection once it is sent."""
        self.flush()
        self._transport.close()

    def drop(self) -> None:
        """Forget what is held: the client has gone."""
        self._held.clear()
        self.flush()

    def abort(self) -> None:
        """Close the connection at once; what is held goes nowhere."""
        self.drop()
        self._transport.abort()

    def get_write_buffer_size(self) -> int:
        """Bytes that were written and are not sent."""
        return self._transport.get_write_buffer_size() + sum(map(len, self._held))

    def is_closing(self) -> bool:
        """Whether the connection is closed, or will be once all is sent."""
        return self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What the connection's transport says of itself."""
        return self._transport.get_extra_info(name, default)

    def pause_reading(self) -> None:
        """Take nothing from the client for now."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Take from the client again."""
        self._transport.resume_reading()
