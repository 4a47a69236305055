"""The bounded queue to the process that answers in shadow: what does not fit in is dropped, and counted.

A Unix socket that keeps messages whole. A sender never waits: a shadow that hangs, crashes or leaks costs an answer
some microseconds.
"""

import contextlib
import socket
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ml_platform.serving.answer_row import AnswerRow

SOCKET_NAME = "shadow.sock"
MOST_BYTES = 64_000
"""The largest row that is sent."""
_BUFFER_BYTES = 1_000_000
"""What the queue holds; about a thousand rows."""
_TRY_EVERY = 1.0
"""Seconds between two tries to reach the process."""


class ShadowRow(msgspec.Struct, frozen=True):
    """An answer that was given, and the version that is to answer the same."""

    row: AnswerRow
    version: str
    artifact_sha256: str
    artifact_path: str
    data_version: str
    feature_version: str


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(ShadowRow)


@dataclass
class ShadowCounts:
    """What became of the rows, since the worker began."""

    sent: int = 0
    dropped: int = 0


class ShadowSender:
    """A worker's end of the queue."""

    def __init__(self, folder: Path) -> None:
        """Nothing is opened before the first row."""
        self.counts = ShadowCounts()
        self._path = folder / SOCKET_NAME
        self._socket: socket.socket | None = None
        self._tried_at = float("-inf")

    def send(self, row: ShadowRow) -> None:
        """Hand a row over, or drop it; returns at once."""
        content = _ENCODER.encode(row)
        connection = self._connected()
        try:
            if connection is None or len(content) > MOST_BYTES:
                raise BlockingIOError
            connection.send(content)
            self.counts.sent += 1
        except BlockingIOError:
            self.counts.dropped += 1
        except OSError:
            self.counts.dropped += 1
            self.close()

    def close(self) -> None:
        """Give the connection up; the next row opens another one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connected(self) -> socket.socket | None:
        if self._socket is None and time.monotonic() - self._tried_at >= _TRY_EVERY:
            self._tried_at = time.monotonic()
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            connection.setblocking(False)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
            try:
                connection.connect(str(self._path))
                self._socket = connection
            except OSError:
                connection.close()
        return self._socket


def listen(folder: Path) -> socket.socket:
    """The other end: a socket that workers connect to."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / SOCKET_NAME
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listening.bind(str(path))
    listening.listen(64)
    listening.setblocking(False)
    return listening


def read_row(content: bytes) -> ShadowRow:
    """The row of a message."""
    return _DECODER.decode(content)
