"""A server of `benchmarks.serving` while it runs: its start-up, its memory, and one request to it."""

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from benchmarks.http_load import Requests
from benchmarks.serving_peers import Server
from ml_platform.adapters.processes import start_server
from ml_platform.errors import ServiceError

_START_LIMIT = 120.0
_GRACE = 15.0
"""Seconds for a server to end by itself."""
_PATIENCE = 15.0
"""Seconds of nothing but refusals after which a server is given up: it may follow its keys only after its start."""
_REFUSALS = (401, 403, 413, 415, 422)
"""Statuses that tell of the request; 400 is none, since MLServer answers it until its model is loaded."""


@dataclass(frozen=True)
class Started:
    """A server that answers."""

    server: Server
    pid: int
    start_seconds: float
    """From the start of its process to its first prediction."""


@dataclass(frozen=True)
class Memory:
    """One process of a server."""

    name: str
    megabytes: float
    """Proportional set size: pages that processes share are divided among them."""
    pandas: bool
    """Whether it has mapped a library of pandas."""


@contextmanager
def started(server: Server, folder: Path) -> Iterator[Started]:
    """A server until the end of the context, or of this process, however it ends; its log is below ``folder``.

    Raises:
        ServiceError: it has ended, has refused the request, or did not predict within two minutes.
    """
    process = start_server(
        folder, server.name, server.command, environment=server.environment, grace=_GRACE
    )
    try:
        process.wait_until(_Probe(server.requests).predicts, _START_LIMIT, every=0.05)
        seconds = time.time() - psutil.Process(process.pid).create_time()
        yield Started(server, process.pid, seconds)
    finally:
        process.stop(2 * _GRACE)


@dataclass
class _Probe:
    """Asks a server that starts for a prediction."""

    requests: Requests
    refused_since: float | None = None

    def predicts(self) -> bool:
        """Whether it answers with 200.

        Raises:
            ServiceError: it has refused the request for `_PATIENCE`.
        """
        try:
            status, body = _asked(self.requests)
        except (OSError, http.client.HTTPException):
            return False
        if status not in _REFUSALS:
            self.refused_since = None
            return status == http.client.OK
        self.refused_since = self.refused_since or time.monotonic()
        if time.monotonic() - self.refused_since > _PATIENCE:
            raise _refusal(self.requests, status, body)
        return False


def asked_once(requests: Requests, patience: float = 0.0) -> Any:
    """The JSON of the answer to the first body.

    Args:
        requests: What is asked.
        patience: Seconds for which it is asked again, since its model may still be loaded.

    Raises:
        ServiceError: the answer is not 200.
    """
    until = time.monotonic() + patience
    status, body = _asked(requests)
    while status != http.client.OK and time.monotonic() < until:
        time.sleep(0.1)
        status, body = _asked(requests)
    if status != http.client.OK:
        raise _refusal(requests, status, body)
    return json.loads(body)


def _asked(requests: Requests) -> tuple[int, bytes]:
    address = urlsplit(requests.address)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    try:
        headers = {"Content-Type": "application/json", **requests.headers}
        connection.request("POST", address.path, requests.bodies[0], headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _refusal(requests: Requests, status: int, body: bytes) -> ServiceError:
    return ServiceError(
        f"{requests.address} answered {status}: {body[:300].decode(errors='replace')}",
        remedy="the request and the server do not fit each other",
    )


def memory_of(pid: int) -> tuple[Memory, ...]:
    """The Python processes of a server, largest first."""
    found = []
    parent = psutil.Process(pid)
    for process in (parent, *parent.children(recursive=True)):
        try:
            words = process.cmdline()
            if words and "python" in Path(process.exe()).name:
                maps = Path(f"/proc/{process.pid}/maps").read_text()
                size = process.memory_full_info().pss / 1e6
                found.append(Memory(_short(words), size, "/pandas/_libs/" in maps))
        except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
            continue
    return tuple(sorted(found, key=lambda each: -each.megabytes))


def _short(words: list[str]) -> str:
    """What a process is, by the first words of its command line without options and folders."""
    if any("multiprocessing" in word for word in words):
        return "a child by multiprocessing"
    return " ".join(Path(word).name for word in words[1:] if not word.startswith("-"))[:30]
