"""The application of one worker on a home that a test fills, with a real PostgreSQL and without a server."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import uvicorn

from ml_platform.adapters.artifact_files import write_artifact
from ml_platform.adapters.ledger.postgres import PostgresLedger
from ml_platform.api.app import Service
from ml_platform.api.worker import Worker
from ml_platform.application.connections import Connections
from ml_platform.serving.keys import OPERATOR_SCOPES, PERSON_SCOPES, ApiKey, Keyring
from ml_platform.serving.state import ServiceState
from ml_platform.serving.table import ServedModel, ServedVersion, ServingTable
from ml_platform.spec.task import Classification, Task
from ml_platform_tests.api.running import key_for, libpq, prepare_days, worker_options
from ml_platform_tests.application.homes import home
from ml_platform_tests.conformance.scorer_examples import Example
from ml_platform_tests.registry.examples import RECORD, permit_for

CLASSIFICATION = Classification()
ORIGIN = "http://service.test"
OWN = {"Origin": ORIGIN}
FOREIGN = [
    {},
    {"Origin": "http://evil.test"},
    {"Origin": "null"},
    {"Origin": "http://service.test.evil.test"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none", "Origin": ORIGIN},
    {"Sec-Fetch-Site": "cross-site", "Origin": ORIGIN},
]
"""Headers of requests that do not come from a page of the service."""
HOSTILE = "<script>alert(1)</script>"
"""The name of a model of `conftest.service`, and what somebody types who wishes a page ill."""


@dataclass(frozen=True)
class Trial:
    """A worker with its home, an operator's key and a person's."""

    worker: Worker
    platform: Connections
    operator: str
    person: str

    def client(self) -> httpx.AsyncClient:
        """A browser of somebody, without a session yet."""
        transport = httpx.ASGITransport(app=Service(self.worker))
        return httpx.AsyncClient(transport=transport, base_url=ORIGIN)

    @asynccontextmanager
    async def signed_in(self) -> AsyncIterator[httpx.AsyncClient]:
        """The browser of an operator."""
        async with self.client() as client:
            response = await client.post("/login", data={"key": self.operator}, headers=OWN)
            assert response.status_code == 303
            yield client

    def take(self, table: ServingTable, keys: tuple[ApiKey, ...]) -> None:
        """Let the worker have this state, as if it had read it."""
        self.worker.state = ServiceState(table, keys, self.worker.state.database)
        self.worker.access.keyring = Keyring(keys)


@contextmanager
def trial(
    folder: Path, database_url: str, *models: str, task: Task = CLASSIFICATION
) -> Iterator[Trial]:
    """A service of a simulated home whose catalogue has these models."""
    platform = home(folder, PostgresLedger(database_url))
    options = worker_options(
        folder,
        tasks=dict.fromkeys(models, task),
        tables=dict.fromkeys(models, "pattern_features"),
    )
    options.folder.mkdir()
    worker = Worker(options)
    operator, operators = key_for("ada", *OPERATOR_SCOPES)
    person, persons = key_for("ann", *PERSON_SCOPES)
    made = Trial(worker, platform, operators, persons)
    worker.state = ServiceState(database=libpq(database_url))
    made.take(ServingTable(), (operator, person))
    yield made
    platform.ledger.close()


def put_in_production(trial: Trial, example: Example) -> ServedModel:
    """Version 1 of the model 'example' in the ledger and on disk, and what the worker is told of it."""
    artifact, ledger = example.artifact, trial.platform.ledger
    folder = trial.platform.settings.artifacts / artifact.sha256
    write_artifact(artifact, folder)
    record = ledger.register(
        replace(
            RECORD,
            artifact_sha256=artifact.sha256,
            artifact_path=f"artifacts/{artifact.sha256}",
            input_schema=dict(artifact.features),
            feature_versions=dict.fromkeys(artifact.features, "v1"),
            classes=artifact.classes,
        )
    )
    ledger.promote(
        "example",
        1,
        expected_revision=0,
        permit=permit_for(record),
        at=record.registered_at,
        actor="ada",
    )
    version = ServedVersion("1", artifact.sha256, record.artifact_path)
    return ServedModel("example", version, None, None, 1)


@contextmanager
def serving(trial: Trial, model: ServedModel) -> Iterator[str]:
    """The address of the service in a thread of this process, once it answers for a model."""
    prepare_days(trial.platform.ledger._engine.url.render_as_string(False))
    trial.take(ServingTable({model.name: model}), trial.worker.access.keyring.keys)
    config = uvicorn.Config(Service(trial.worker), port=0, lifespan="off", log_level="warning")
    server = uvicorn.Server(config)

    async def serve() -> None:
        for connection in (trial.worker.postgres, trial.worker.queries):
            connection.move_to(trial.worker.state.database)
        trial.worker.log.start()
        await trial.worker.answering.follow(model)
        await server.serve()
        await trial.worker.log.stop()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.02)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
