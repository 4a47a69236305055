"""Requests as bytes on a socket: nothing is normalised, corrected or refused on the way to the service."""

import json
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

SECONDS = 30.0
"""How long an answer is waited for."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    """0: the connection was closed without a word."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def is_problem(self) -> bool:
        """Whether it is a problem document whose status is that of the response."""
        if self.headers.get("content-type") != "application/problem+json":
            return False
        said: Any = json.loads(self.body)
        return bool(said["status"] == self.status and said["title"] and said["detail"])


CLOSED = Answer(0)


class Connection:
    """A connection that is kept for as long as the service keeps it."""

    def __init__(self, address: tuple[str, int], seconds: float = SECONDS) -> None:
        self._address = address
        self._seconds = seconds
        self._socket: socket.socket | None = None
        self._come = b""

    def ask(self, request: bytes, *, is_head: bool = False) -> Answer:
        """The answer to a whole request; a connection that the service has closed meanwhile is opened again."""
        is_kept = self._socket is not None
        try:
            self.send(request)
            answer = self.answer(is_head=is_head)
        except OSError:
            answer = CLOSED
        if answer is CLOSED:
            self.close()
            if is_kept:
                return self.ask(request, is_head=is_head)
        elif answer.headers.get("connection") == "close":
            self.close()
        return answer

    def send(self, content: bytes) -> None:
        """Send bytes."""
        if self._socket is None:
            self._socket = socket.create_connection(self._address, timeout=self._seconds)
            self._come = b""
        self._socket.sendall(content)

    def end(self) -> None:
        """Say that nothing more is sent; nobody hears it where the service has closed the connection (ENOTCONN)."""
        assert self._socket is not None
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def answer(self, *, is_head: bool = False) -> Answer:
        """The next answer.

        Raises:
            TimeoutError: nothing has come.
        """
        while b"\r\n\r\n" not in self._come:
            if not self._more():
                return CLOSED
        head, _, self._come = self._come.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (x.partition(": ") for x in lines)}
        status = int(first.split(" ")[1])
        length = 0 if is_head else int(headers.get("content-length", "0"))
        while len(self._come) < length:
            if not self._more():
                return CLOSED
        body, self._come = self._come[:length], self._come[length:]
        return self.answer(is_head=is_head) if status == 100 else Answer(status, headers, body)

    def close(self) -> None:
        """Give the connection up."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _more(self) -> bool:
        assert self._socket is not None
        try:
            part = self._socket.recv(65_536)
        except ConnectionError:
            part = b""
        self._come += part
        return bool(part)


def head(method: bytes, target: bytes, headers: Mapping[bytes, bytes]) -> bytes:
    """The head of a request."""
    lines = [method + b" " + target + b" HTTP/1.1", b"host: service"]
    lines += [name + b": " + value for name, value in headers.items()]
    return b"\r\n".join([*lines, b"", b""])


def posted(target: bytes, body: bytes, headers: Mapping[bytes, bytes]) -> bytes:
    """A POST of JSON; ``headers`` may say otherwise."""
    stated = {
        b"content-type": b"application/json",
        b"content-length": str(len(body)).encode(),
        **headers,
    }
    return head(b"POST", target, stated) + body
