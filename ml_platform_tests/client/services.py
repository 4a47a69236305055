"""The real application of the service in the process of a test, with a trigger predictor of known numbers."""

import asyncio
import json
import math
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import MappingProxyType

import httpx
import uvicorn

from ml_platform.adapters.artifact_files import write_artifact
from ml_platform.api.app import Service
from ml_platform.api.worker import Worker
from ml_platform.client import AsyncClient
from ml_platform.models.start_times.artifact_kinds import START_TIME_RULES
from ml_platform.models.start_times.design import HOUR_COS, HOUR_SIN, UNIT
from ml_platform.models.start_times.rules import RULES_FILE
from ml_platform.serving.keys import Keyring, Scope
from ml_platform.serving.table import ServedModel, ServedVersion
from ml_platform.spec.artifact import Artifact
from ml_platform.spec.task import NO, YES, OffPolicyChoice
from ml_platform_tests.api.running import key_for, running, worker_options

MODEL = "trigger_predictor"
RATES = (0.1, 0.9, 0.52, 0.3)
"""Chances of success of the workflow `deploy` by night, morning, afternoon and evening."""


def features(hour: int, workflow: str = "deploy") -> dict[str, object]:
    """Those of a start at this hour of the day."""
    turn = 2 * math.pi * hour / 24
    return {UNIT: workflow, HOUR_SIN: math.sin(turn), HOUR_COS: math.cos(turn)}


def trigger_predictor(home: Path, *, in_production: bool = True) -> ServedModel:
    """A model whose version in production, or else its rules, are success rates by part of the day."""
    content = {"overall": [0.5] * 4, "rates": {"deploy": list(RATES)}}
    artifact = Artifact(
        kind=START_TIME_RULES.name,
        classes=(NO, YES),
        features=MappingProxyType({UNIT: "category", HOUR_SIN: "number", HOUR_COS: "number"}),
        files=MappingProxyType({RULES_FILE: json.dumps(content).encode()}),
    )
    write_artifact(artifact, home / "artifacts" / artifact.sha256)
    version = ServedVersion(
        "7" if in_production else "rules@0123456789ab",
        artifact.sha256,
        f"artifacts/{artifact.sha256}",
    )
    champion, rules = (version, None) if in_production else (None, version)
    return ServedModel(MODEL, champion, rules, None, 1)


@asynccontextmanager
async def working(home: Path, *models: ServedModel) -> AsyncIterator[Worker]:
    """A worker that serves these models; its log goes to the local disk."""
    options = worker_options(
        home,
        tasks={model.name: OffPolicyChoice() for model in models},
        tables={MODEL: "start_time_features"},
    )
    async with running(options) as worker:
        for model in models:
            await worker.answering.follow(model)
        yield worker


def let_in(worker: Worker, *scopes: Scope) -> str:
    """The text of a new key that the worker knows; by default it may do everything."""
    key, text = key_for("ada", *(scopes or Scope))
    worker.access.keyring = Keyring((key,))
    return text


@asynccontextmanager
async def service(
    home: Path, *models: ServedModel, scopes: frozenset[Scope] = frozenset()
) -> AsyncIterator[tuple[Worker, AsyncClient]]:
    """A worker that serves these models, and a client of it without a socket between."""
    async with working(home, *models) as worker:
        transport = httpx.ASGITransport(Service(worker), raise_app_exceptions=False)
        key = let_in(worker, *scopes)
        async with AsyncClient("http://service", key, transport=transport, retries=0) as client:
            yield worker, client


@contextmanager
def listening(home: Path, *models: ServedModel) -> Iterator[tuple[int, str]]:
    """The same on a port of this machine, in a thread of its own: the port, and the text of a key."""
    place = socket.create_server(("127.0.0.1", 0))
    started = threading.Event()
    told: list[tuple[uvicorn.Server, str]] = []

    async def serve() -> None:
        async with working(home, *models) as worker:
            config = uvicorn.Config(Service(worker), lifespan="off", log_config=None)
            server = uvicorn.Server(config)
            told.append((server, let_in(worker)))
            started.set()
            await server.serve(sockets=[place])

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert started.wait(30)
    ((server, key),) = told
    try:
        yield place.getsockname()[1], key
    finally:
        server.should_exit = True
        thread.join(30)


def logged(home: Path) -> list[dict[str, object]]:
    """The answers on the local disk, in their order."""
    files = sorted((home / "serving" / "spool").rglob("*"))
    lines = [line for path in files if path.is_file() for line in path.read_text().splitlines()]
    return [json.loads(line.partition(" ")[2]) for line in lines]
