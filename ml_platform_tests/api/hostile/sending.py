"""Many requests to the service, over a few connections at a time."""

import itertools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import NamedTuple

from ml_platform_tests.api.hostile.service import HostileService
from ml_platform_tests.api.hostile.wire import Answer

AT_ONCE = 4
"""Connections that send at the same time."""


class Sent(NamedTuple):
    """A request that was sent, and its answer."""

    what: str
    answer: Answer


def send(service: HostileService, requests: Sequence[tuple[str, bytes]]) -> list[Sent]:
    """The answer to each request."""

    def some(part: Sequence[tuple[str, bytes]]) -> list[Sent]:
        connection = service.connection()
        found = [Sent(what, connection.ask(request)) for what, request in part]
        connection.close()
        return found

    parts = [requests[place::AT_ONCE] for place in range(AT_ONCE)]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(itertools.chain.from_iterable(threads.map(some, parts)))


def exchange(service: HostileService, content: bytes) -> Answer:
    """The first answer to these bytes, after which nothing more is sent.

    Raises:
        TimeoutError: the service neither answers nor closes the connection.
    """
    connection = service.connection()
    try:
        with suppress(ConnectionError):
            connection.send(content)
            connection.end()
        return connection.answer()
    finally:
        connection.close()
