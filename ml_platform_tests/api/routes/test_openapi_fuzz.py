"""Requests that schemathesis draws from the OpenAPI of the service: nothing unforeseen, answers as described."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable

from ml_platform.api.app import Service
from ml_platform_tests.api.routes.small_service import SmallHome, serving

schemathesis = pytest.importorskip("schemathesis")
pytestmark = pytest.mark.timeout(600)
EXAMPLES = 15
"""Requests of each kind that each route gets."""
MAY_BE_AWAY = 503


@pytest.fixture
def key(small: SmallHome) -> str:
    """The key of an operator, made before the worker reads the keys."""
    return small.operator()


@pytest.fixture
def address(small: SmallHome, key: str) -> Iterator[str]:
    """A worker behind a socket of its own, which takes ``key``."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = {"lifespan": "off", "log_level": "critical"}
    servers: list[uvicorn.Server] = []
    ready = threading.Event()

    async def serve() -> None:
        async with serving(small) as service:
            servers.append(uvicorn.Server(uvicorn.Config(Service(service.worker), **config)))
            ready.set()
            await servers[0].serve(sockets=[listening])

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(60)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    servers[0].should_exit = True
    thread.join(30)


def test_whatever_is_sent_nothing_unforeseen_comes_back(address: str, key: str) -> None:
    """Valid and invalid requests to every route; what a route documents is what it answers."""
    headers = {"Authorization": f"Bearer {key}"}
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json")
    faults: set[str] = set()
    asked: set[str] = set()
    for found in schema.get_all_operations():
        operation = found.ok()
        asked.add(operation.path)
        for mode in schemathesis.GenerationMode:
            with contextlib.suppress(Unsatisfiable):
                _ask(operation, mode, headers, faults)
    assert len(asked) > 20
    assert sorted(faults) == []


def _ask(operation: Any, mode: Any, headers: dict[str, str], faults: set[str]) -> None:
    """Send requests of one kind to one route, and note what is wrong with the answers."""
    is_described = "401" in operation.definition.raw["responses"]

    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        response = case.call(headers=headers)
        where = f"{case.method} {case.path}: {response.status_code}"
        if response.status_code >= 500 and response.status_code != MAY_BE_AWAY:
            faults.add(where)
        elif is_described:
            faults.update(f"{where}: {why}" for why in _not_as_described(case, response))

    ask()


def _not_as_described(case: Any, response: Any) -> list[str]:
    """How an answer of a route differs from what the route documents."""
    from schemathesis.specs.openapi import checks

    held = (
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_schema_conformance,
    )
    try:
        case.validate_response(response, checks=list(held))
    except schemathesis.errors.FailureGroup as group:
        return [str(each).replace("\n", " ")[:300] for each in group.exceptions]
    return []
