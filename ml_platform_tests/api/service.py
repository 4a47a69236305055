"""The service in the process of a test: a worker that follows a state, asked through ASGI."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx

from ml_platform.serving.keys import ApiKey
from ml_platform.serving.state import ServiceState
from ml_platform_tests.api.running import bearer, client_of, libpq, running, worker_options

T = TypeVar("T")
Answered = Callable[[httpx.AsyncClient], Awaitable[T]]


@dataclass(frozen=True)
class Asked:
    """What asks the service: a folder for its state, the database, and the keys that it knows."""

    folder: Path
    database_url: str
    keys: Iterable[ApiKey]
    options: dict[str, Any]

    def run(self, work: Answered[T]) -> T:
        """What ``work`` gives with a client of a service that runs while it does."""
        return asyncio.run(self._run(work))

    def post(self, path: str, body: object, text: str) -> httpx.Response:
        """One request by the holder of a key's text."""

        async def work(client: httpx.AsyncClient) -> httpx.Response:
            return await client.post(path, json=body, headers=bearer(text))

        return self.run(work)

    async def _run(self, work: Answered[T]) -> T:
        options = worker_options(self.folder, folder=self.folder, **self.options)
        state = ServiceState(keys=tuple(self.keys), database=libpq(self.database_url))
        async with running(options) as worker, client_of(worker) as client:
            await worker._take(state)
            return await work(client)


def service(folder: Path, database_url: str, keys: Iterable[ApiKey], **options: Any) -> Asked:
    """A service without models; ``options`` are of `WorkerOptions`."""
    return Asked(folder, database_url, tuple(keys), options)
