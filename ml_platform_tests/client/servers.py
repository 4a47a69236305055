"""A server on a real socket that does to each connection what a script says."""

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

ANSWER = (
    b'{"prediction_id":"p","model":"m","version":"3","arm":"champion","prediction":"yes",'
    b'"confidence":0.75,"fallback":false,"of_a_later_release":1}'
)
Act = Callable[[socket.socket], None]


def response(status: int, body: bytes, *headers: str, kind: str = "application/json") -> bytes:
    lines = [f"HTTP/1.1 {status} x", f"Content-Length: {len(body)}", f"Content-Type: {kind}"]
    return "\r\n".join([*lines, *headers, "Connection: close", "", ""]).encode() + body


def answers(text: bytes) -> Act:
    return lambda connection: connection.sendall(text)


def good(connection: socket.socket) -> None:
    connection.sendall(response(200, ANSWER))


def drops(connection: socket.socket) -> None:
    """The connection ends before an answer."""


def drops_in_the_middle(connection: socket.socket) -> None:
    connection.sendall(response(200, ANSWER)[:-20])


def silent(connection: socket.socket) -> None:
    time.sleep(3)


def drips(connection: socket.socket) -> None:
    text = response(200, ANSWER)
    connection.sendall(text[:100])
    for byte in text[100:]:
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def problem(status: int, *headers: str) -> Act:
    body = (
        b'{"type":"about:blank#unavailable","title":"t","status":%d,"detail":"Not now.",'
        b'"remedy":"wait","errors":["a","b"]}' % status
    )
    return answers(response(status, body, *headers, kind="application/problem+json"))


class Served:
    """What the server was asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests: list[bytes] = []

    def header(self, name: str) -> list[str]:
        """The value of a header in each request."""
        found = []
        for request in self.requests:
            lines = request.split(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
            found += [v.strip() for k, _, v in (line.partition(":") for line in lines) if k == name]
        return found


@contextmanager
def server(*script: Act) -> Iterator[Served]:
    """Serve one connection after the other: each act of the script once, the last one again and again."""
    listening = socket.create_server(("127.0.0.1", 0))
    served = Served(f"http://127.0.0.1:{listening.getsockname()[1]}")
    threading.Thread(target=_serve, args=(listening, served, script), daemon=True).start()
    try:
        yield served
    finally:
        listening.close()


def _serve(listening: socket.socket, served: Served, script: Sequence[Act]) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listening.accept()
            act = script[min(len(served.requests), len(script) - 1)]
            threading.Thread(target=_act, args=(connection, act, served), daemon=True).start()


def _act(connection: socket.socket, act: Act, served: Served) -> None:
    with connection, suppress(OSError):
        text = b""
        while b"\r\n\r\n" not in text:
            text += connection.recv(65_536)
        head, _, body = text.partition(b"\r\n\r\n")
        length = next(
            (
                int(line[15:])
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length:")
            ),
            0,
        )
        while len(body) < length:
            body += connection.recv(65_536)
        served.requests.append(head + b"\r\n\r\n" + body)
        act(connection)
        connection.shutdown(socket.SHUT_RDWR)
