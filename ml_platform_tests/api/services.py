"""A worker of the service in the process of a test: a real database, small real artifacts, no network."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import psycopg2

from ml_platform.adapters.artifact_files import write_artifact
from ml_platform.adapters.serving.state_file import write_state
from ml_platform.api.options import WorkerOptions
from ml_platform.api.worker import Worker
from ml_platform.models.rules import CLASSIFICATION_RULES, RULES_FILE
from ml_platform.serving.keys import ApiKey, Scope
from ml_platform.serving.state import ServiceState
from ml_platform.serving.table import ServedModel, ServedVersion, ServingTable
from ml_platform.spec.artifact import Artifact
from ml_platform.spec.task import Classification
from ml_platform_tests.api.running import (
    client_of,
    key_for,
    libpq,
    prepare_days,
    running,
    worker_options,
)
from ml_platform_tests.api.slow_scorer import SLOW

MODEL = "example"
FEATURES = {"tool": "editor", "operation": "save"}
LEAST = {"model": MODEL, "features": FEATURES}
PREDICT = "/api/ml/predict"


def rules_artifact(share: float, more_features: tuple[str, ...] = ()) -> Artifact:
    """A tiny real artifact: it says ``a`` with the probability ``share``."""
    names = (*FEATURES, *more_features)
    table = {"columns": names, "shares": {}}
    content = {"overall": [share, round(1 - share, 6)], "tables": [table]}
    return Artifact(
        kind=CLASSIFICATION_RULES.name,
        classes=("a", "b"),
        features=MappingProxyType(dict.fromkeys(names, "category")),
        files=MappingProxyType({RULES_FILE: json.dumps(content).encode()}),
    )


def slow_artifact(seconds: float) -> Artifact:
    """An artifact that takes so long for a row."""
    return Artifact(
        kind=SLOW.name,
        classes=("a", "b"),
        features=MappingProxyType(dict.fromkeys(FEATURES, "category")),
        files=MappingProxyType({"seconds.txt": str(seconds).encode()}),
    )


@dataclass
class Home:
    """A home as the service sees it: artifacts, its state, keys."""

    folder: Path
    database_url: str = ""
    rate: float = 1e6
    is_copy_of: str = ""
    """The home whose state this one has, if it was copied."""
    keys: list[ApiKey] = field(default_factory=list)
    models: dict[str, ServedModel] = field(default_factory=dict)

    def version(self, name: str, share: float, *more_features: str) -> ServedVersion:
        """A version on disk that says ``a`` with the probability ``share``."""
        return self.stored(name, rules_artifact(share, more_features))

    def stored(self, name: str, artifact: Artifact) -> ServedVersion:
        """A version whose artifact this is, on disk."""
        folder = self.folder / "artifacts" / artifact.sha256
        write_artifact(artifact, folder)
        path = f"artifacts/{artifact.sha256}"
        return ServedVersion(name, artifact.sha256, path, "data", "features")

    def serve(self, **fields: Any) -> ServedModel:
        """Let this answer for the model from now on: ``champion``, ``rules``, ``rollout``, ``revision``."""
        before = self.models.get(MODEL, ServedModel(MODEL, None, None, None, 0))
        self.models[MODEL] = replace(before, **fields)
        self.write()
        return self.models[MODEL]

    def key(self, user: str = "ada", *scopes: Scope) -> str:
        """The text of a new key; by default with every scope."""
        key, text = key_for(user, *(scopes or Scope))
        self.keys.append(key)
        self.write()
        return text

    def write(self) -> None:
        """Write the state that workers follow."""
        state = ServiceState(
            ServingTable(dict(self.models), datetime.now(UTC)),
            tuple(self.keys),
            libpq(self.database_url),
            home=self.is_copy_of or str(self.folder),
        )
        write_state(self.folder / "serving", state)

    def options(self, supervisor: tuple[int, float] = (0, 0.0)) -> WorkerOptions:
        """What its workers are told."""
        models = (MODEL, *self.models)
        return worker_options(
            self.folder,
            tasks=dict.fromkeys(models, Classification()),
            tables=dict.fromkeys(models, "pattern_features"),
            rate=self.rate,
            burst=2 * self.rate,
            supervisor=supervisor,
        )

    def rows(self, what: str = "*", table: str = "answers") -> list[tuple[Any, ...]]:
        """What is in a table, in the order of time."""
        connection = psycopg2.connect(libpq(self.database_url))
        try:
            cursor = connection.cursor()
            order = "predicted_at" if table == "answers" else "1"
            cursor.execute(f"SELECT {what} FROM {table} ORDER BY {order}")
            return cursor.fetchall()
        finally:
            connection.close()


@dataclass
class Served:
    """A worker that answers, and a client of it."""

    worker: Worker
    client: httpx.AsyncClient

    async def ask(
        self, key: str, body: Any = None, path: str = PREDICT, **headers: str
    ) -> httpx.Response:
        """A POST with a key."""
        sent = {"Authorization": f"Bearer {key}"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        if isinstance(body, bytes):
            sent.setdefault("Content-Type", "application/json")
            return await self.client.post(path, content=body, headers=sent)
        return await self.client.post(path, json=LEAST if body is None else body, headers=sent)

    async def follows(self) -> None:
        """Return when the worker has seen what was written last."""
        await self.worker.follow_once()


@asynccontextmanager
async def served(home: Home) -> AsyncIterator[Served]:
    """The worker of a home, for as long as the block runs."""
    if home.database_url:
        prepare_days(home.database_url)
    home.write()
    async with running(home.options()) as worker, client_of(worker) as client:
        await worker.follow_once()
        yield Served(worker, client)
