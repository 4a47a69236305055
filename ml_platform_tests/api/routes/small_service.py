"""One worker of the service in the process of the test: a home with two models, a PostgreSQL, keys, no sockets."""

import json
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from ml_platform.adapters.ledger.postgres import PostgresLedger
from ml_platform.api.worker import Worker
from ml_platform.application.connections import Connections
from ml_platform.application.serving_table import read_serving_table
from ml_platform.serving.keys import OPERATOR_SCOPES, PERSON_SCOPES, ApiKey, Keyring, Scope
from ml_platform.serving.state import ServiceState
from ml_platform_tests.api.running import (
    SESSION_SECRET,
    bearer,
    client_of,
    key_for,
    libpq,
    prepare_days,
    running,
    worker_options,
)
from ml_platform_tests.application.homes import SPEC, ask, home, promotable

RULES = json.dumps({"overall": [0.75, 0.25], "tables": []}).encode()
ROW = {"x": 1.0}
NAMES = {"example": SPEC.title, "untrained": "nothing yet"}


@dataclass
class SmallHome:
    """A home whose model `example` has a version in production, and keys of its people."""

    platform: Connections
    database: str
    keys: list[ApiKey] = field(default_factory=list)
    of_person: dict[str, str] = field(default_factory=dict)

    def key(self, user: str, *scopes: Scope, lifetime: timedelta | None = None) -> str:
        """A new key, as its holder sends it; by default it may do what a person may."""
        return self.stored_key(user, *scopes, lifetime=lifetime)[1]

    def stored_key(
        self,
        user: str,
        *scopes: Scope,
        lifetime: timedelta | None = None,
        born: datetime | None = None,
    ) -> tuple[ApiKey, str]:
        """The same with what the ledger keeps of it."""
        key, text = key_for(user, *(scopes or PERSON_SCOPES), born=born, lifetime=lifetime)
        self.keys.append(key)
        return key, text

    def person(self, user: str) -> str:
        """The key of a person, made when it is first asked for."""
        if user not in self.of_person:
            self.of_person[user] = self.key(user)
        return self.of_person[user]

    def operator(self) -> str:
        """A key that may do everything."""
        return self.key("operator", *OPERATOR_SCOPES)

    @property
    def state(self) -> ServiceState:
        """What the supervisor would tell its workers."""
        table = read_serving_table(self.platform, NAMES, datetime.now(UTC))
        return ServiceState(table=table, keys=tuple(self.keys), database=libpq(self.database))


def small_home(folder: Path, database_url: str) -> SmallHome:
    """A home with one version in production, on a real PostgreSQL."""
    platform = home(folder, PostgresLedger(database_url))
    record = promotable(platform, RULES)
    ask(platform, record)
    prepare_days(database_url)
    return SmallHome(platform, database_url)


@dataclass
class SmallService:
    """A running worker, asked without a socket."""

    home: SmallHome
    worker: Worker
    client: httpx.AsyncClient

    async def get(self, path: str, key: str = "", **params: Any) -> httpx.Response:
        """A GET with a key."""
        self._follow_keys()
        return await self.client.get(path, params=params or None, headers=bearer(key))

    async def post(
        self, path: str, key: str = "", body: Any = None, **headers: str
    ) -> httpx.Response:
        """A POST of JSON with a key."""
        self._follow_keys()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post(path, json=body, headers={**bearer(key), **named})

    async def predict(self, key: str, **fields: Any) -> dict[str, Any]:
        """One answer, logged."""
        body = {"model": "example", "features": ROW, **fields}
        response = await self.post("/api/ml/predict", key, body)
        assert response.status_code == 200, response.text
        return dict(response.json())

    def _follow_keys(self) -> None:
        self.worker.access.keyring = Keyring(tuple(self.home.keys))

    async def follow(self) -> None:
        """Take the present state of the home."""
        await self.worker._take(self.home.state)


@asynccontextmanager
async def serving(small: SmallHome) -> AsyncIterator[SmallService]:
    """A worker on this home, which has followed its state."""
    settings = small.platform.settings
    options = worker_options(
        settings.home,
        folder=settings.serving,
        tasks=dict.fromkeys(NAMES, SPEC.task),
        tables=dict.fromkeys(NAMES, SPEC.table.name),
        titles=NAMES,
        supervisor=(os.getpid(), 0.0),
        session_secret=SESSION_SECRET,
    )
    async with running(options) as worker, client_of(worker) as client:
        service = SmallService(small, worker, client)
        await service.follow()
        yield service


Story = Callable[[SmallService], Coroutine[Any, Any, None]]
