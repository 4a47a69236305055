"""`ml-platform serve` under load while its processes, its database and its models are taken away.

Real processes, a real database of the home, real artifacts. Whatever is done to them: nobody gets an answer of a
version that was not verified, no 200 is missing in the log, and none is there twice.
"""

import asyncio
import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from click.testing import CliRunner

from ml_platform.adapters.home_files import last_port
from ml_platform.application.connections import SERVICE
from ml_platform.cli.main import cli
from ml_platform_tests.end_to_end.running_service import (
    CLIENTS,
    MODEL,
    WORKERS,
    RunningService,
    connected_anew,
    require_logged,
    running_service,
    under_load,
)

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with running_service(tmp_path_factory.mktemp("service")) as service:
        yield service


@pytest.fixture
def service(running: RunningService) -> RunningService:
    """The service of this file, with all its workers and the first version in production: so a test leaves it."""
    until = time.monotonic() + 20
    while len(running.workers()) < WORKERS:
        assert time.monotonic() < until, "no worker took its place"
        time.sleep(0.05)
    return connected_anew(running)


@pytest.fixture
def own_service(tmp_path: Path) -> Iterator[RunningService]:
    """A service for a test that does not leave it whole."""
    with running_service(tmp_path) as service:
        yield service


def test_a_worker_that_is_killed_takes_only_what_it_had_begun(service):
    async def kill():
        for _ in range(3):
            await asyncio.sleep(1)
            workers = await asyncio.to_thread(service.workers)
            workers[0].kill()
            until = time.monotonic() + 20
            while len(await asyncio.to_thread(service.workers)) < WORKERS:
                assert time.monotonic() < until, "no worker took its place"
                await asyncio.sleep(0.05)

    answers = under_load(service, 5, kill)
    assert set(answers.statuses) == {200}
    assert len(answers.errors) <= 3 * CLIENTS
    assert len(answers.ids) > 100
    require_logged(service, answers)


def test_a_worker_that_is_asked_to_end_answers_everything_first(service):
    async def ask_to_end():
        for _ in range(2):
            await asyncio.sleep(1)
            (await asyncio.to_thread(service.workers))[0].terminate()

    answers = under_load(service, 4, ask_to_end)
    assert set(answers.statuses) == {200}
    assert answers.errors == []
    require_logged(service, answers)


def test_a_database_that_hangs_holds_nobody_up(service):
    async def stop_and_go_on():
        await asyncio.sleep(1)
        with service.hanging("postgres"):
            await asyncio.sleep(4)

    answers = under_load(service, 6, stop_and_go_on)
    assert set(answers.statuses) == {200}
    assert answers.errors == []
    require_logged(service, answers)


def test_a_database_that_is_killed_comes_back_and_misses_nothing(service):
    async def kill():
        await asyncio.sleep(1)
        service.server("postgres")[0].kill()

    answers = under_load(service, 6, kill)
    assert set(answers.statuses) == {200}
    assert answers.errors == []
    require_logged(service, answers)


def test_promotions_and_rollbacks_are_followed_within_two_seconds(service):
    first, second = service.records
    seen: list[float] = []

    async def change():
        async with httpx.AsyncClient(base_url=service.address) as http:
            for record in (second, first):
                await asyncio.to_thread(service.promote, record)
                began = time.monotonic()
                while await _versions(http, service, 6) != {str(record.version)}:
                    assert time.monotonic() - began < 20, "not followed"
                seen.append(time.monotonic() - began)

    answers = under_load(service, 5, change)
    assert set(answers.statuses) == {200}
    assert set(answers.ids.values()) == {"1", "2"}
    require_logged(service, answers)
    assert min(seen) < 2.0


def test_a_new_key_works_at_once_and_a_revoked_one_no_more(service):
    def keys(*typed: str) -> dict:
        words = ["keys", *typed, "--home", str(service.settings.home), "--json"]
        return json.loads(CliRunner().invoke(cli, words, catch_exceptions=False).stdout)

    def status(key: str) -> int:
        headers = {"Authorization": f"Bearer {key}"}
        body = {"model": MODEL, "features": {"x": 1.0}}
        asked = f"{service.address}/api/ml/predict"
        return httpx.post(asked, json=body, headers=headers, timeout=20).status_code

    for number in range(3):
        made = keys("create", "--user", f"user {number}")
        assert [status(made["key"]) for _ in range(8)] == [200] * 8
        keys("revoke", made["key_id"], "--reason", "lost")
        assert [status(made["key"]) for _ in range(8)] == [401] * 8


async def _versions(http: httpx.AsyncClient, service: RunningService, times: int) -> set[str]:
    headers = {"Authorization": f"Bearer {service.key}", "Connection": "close"}
    body = {"model": MODEL, "features": {"x": 0}}
    found = set()
    for _ in range(times):
        response = await http.post("/api/ml/predict", json=body, headers=headers)
        found.add(response.json()["version"])
    return found


def test_an_artifact_that_was_changed_never_answers(own_service):
    second = own_service.records[1]
    file = own_service.settings.home / second.artifact_path / "rules.json"

    async def break_and_promote():
        await asyncio.to_thread(own_service.promote, second)
        await asyncio.sleep(1.5)
        whole = file.read_bytes()
        file.write_bytes(whole.replace(b"0.8", b"0.7"))
        for worker in await asyncio.to_thread(own_service.workers):
            worker.kill()  # those that take their place have to load it

    answers = under_load(own_service, 5, break_and_promote)
    assert set(answers.statuses) == {200}
    versions = own_service.logged(of=set(answers.ids))
    assert "2" in versions.values()
    rules = {name for name in versions.values() if name not in ("1", "2")}
    assert not rules
    said = own_service.query("SELECT DISTINCT round(confidence::numeric, 2) FROM answers")
    assert {float(row[0]) for row in said} <= {0.9, 0.8}


def test_it_ends_in_order_and_leaves_nothing(own_service):
    family = psutil.Process(own_service.process.pid).children(recursive=True)
    assert last_port(own_service.settings.home, SERVICE) is not None
    own_service.process.send_signal(signal.SIGINT)
    assert own_service.process.wait(40) == 0
    _, alive = psutil.wait_procs(family, timeout=10)
    assert not alive, [process.cmdline() for process in alive]
