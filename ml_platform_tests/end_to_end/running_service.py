"""`ml-platform serve` of a small home, and clients that ask it: real processes, a real database, real artifacts."""

import asyncio
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psutil
import psycopg2

from ml_platform.adapters.ledger.postgres import PostgresLedger
from ml_platform.adapters.manifest import Manifest
from ml_platform.adapters.processes import free_port, read_record
from ml_platform.adapters.services import services
from ml_platform.adapters.training_set_files import rows_path
from ml_platform.application.change_version import asked
from ml_platform.application.connections import Connections
from ml_platform.application.promote import promote
from ml_platform.application.roll_back import roll_back
from ml_platform.registry.records import VersionRecord
from ml_platform.serving.keys import Scope, new_key
from ml_platform.settings import Settings
from ml_platform_tests.application import homes
from ml_platform_tests.end_to_end.command import COMMAND, environment

MODEL = "pattern_classifier"
WORKERS, CLIENTS = 2, 8
OPTIONS = ("--workers", str(WORKERS), "--rate", "100000")
DATA = replace(homes.DATA, model=MODEL)


@dataclass
class Answers:
    """What clients got."""

    ids: dict[str, str] = field(default_factory=dict)
    """The version that answered, by prediction."""
    statuses: list[int] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    refused: list[httpx.Response] = field(default_factory=list)
    """The responses that were no 200."""


@dataclass
class RunningService:
    """The running service and its home."""

    settings: Settings
    process: "subprocess.Popen[str]"
    address: str
    key: str
    platform: Connections
    records: list[VersionRecord]
    """Two versions; the first one is in production at the start."""

    def workers(self) -> list[psutil.Process]:
        """Its workers: those that listen at its port."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        port = int(self.address.rpartition(":")[2])
        return [child for child in children if _listens(child, port)]

    def promote(self, record: VersionRecord) -> None:
        """Let a version be in production, or again; where the policy has steps, let its rollout begin."""
        state = self.platform.ledger.production(MODEL)
        if state.version is not None and state.version > record.version:
            request = asked(self.platform, "test", "back")
            roll_back(self.platform, MODEL, request, str(record.version))
            return
        evaluation = homes.evaluation_record_of(self.platform, record)
        spec = replace(homes.SPEC, name=MODEL)
        promote(self.platform, spec, DATA, evaluation, record, homes.CHECKS)

    def logged(self, seconds: float = 30.0, *, of: set[str]) -> dict[str, str]:
        """The version by prediction in the log, once every spool has been drained."""
        until = time.monotonic() + seconds
        while True:
            rows = self._rows()
            if of <= {prediction for prediction, _ in rows} or time.monotonic() > until:
                break
            time.sleep(0.3)
        assert len(rows) == len(dict(rows)), "a prediction is in the log twice"
        return dict(rows)

    def _rows(self) -> list[tuple[str, str]]:
        with suppress(psycopg2.Error):
            return self.query(
                "SELECT prediction_id::text, version FROM answers WHERE origin = 'served'"
            )
        return []

    def query(self, statement: str) -> list[tuple]:
        """The rows that a statement gives, by a connection of its own."""
        url = self.platform.urls.ml_platform.replace("+psycopg2", "")
        connection = psycopg2.connect(url)
        try:
            cursor = connection.cursor()
            cursor.execute(statement)
            return cursor.fetchall()
        finally:
            connection.close()

    def server(self, name: str) -> list[psutil.Process]:
        """The processes of a server of the home, ``postgres`` or ``mlflow``, its own first."""
        record = read_record(self.settings.home, name)
        assert record is not None
        process = psutil.Process(record.pid)
        return [process, *process.children(recursive=True)]

    @contextmanager
    def hanging(self, name: str) -> Iterator[None]:
        """Let a server of the home answer nobody meanwhile, SIGSTOP: first the one that starts the others."""
        (own, *_) = self.server(name)
        own.suspend()
        family = [own, *own.children(recursive=True)]
        try:
            for process in family[1:]:
                process.suspend()
            yield
        finally:
            for process in family:
                with suppress(psutil.NoSuchProcess):  # a worker of PostgreSQL that was ending
                    process.resume()


def _listens(process: psutil.Process, port: int) -> bool:
    with suppress(psutil.Error):
        return any(
            each.laddr.port == port and each.status == psutil.CONN_LISTEN
            for each in process.net_connections("tcp")
        )
    return False


def version(platform: Connections, share: float) -> VersionRecord:
    """A registered version that says ``a`` with a probability of its own."""
    tables = [{"columns": ["x"], "shares": {}}]
    content = {"overall": [share, round(1 - share, 3)], "tables": tables}
    return homes.promotable(platform, json.dumps(content).encode(), model=MODEL)


@contextmanager
def running_service(
    folder: Path, *options: str, pythonpath: Path | None = None
) -> Iterator[RunningService]:
    """The service of a new home in ``folder``, for as long as the block runs.

    Args:
        folder: Gets the home, and the log of the service (``serve.log``).
        options: Of the command, beside those that every service here has.
        pythonpath: Where the service finds packages of somebody else.
    """
    home = folder / "home"
    home.mkdir(mode=0o755)
    settings = Settings(home, None, None, None)
    with services(settings, tracking=False) as running:
        platform = homes.home(home, PostgresLedger(running.urls.ml_platform))
        records = [version(platform, 0.9), version(platform, 0.8)]
        platform.ledger.save_training_set(DATA)
        Manifest(home).write_bytes(rows_path(settings.training_sets, DATA), homes.ROWS)
        key, text = new_key("ada", tuple(Scope), datetime.now(UTC), secrets.token_bytes, by="test")
        platform.ledger.add_api_key(key)
        found = RunningService(settings, None, "", text, platform, records)  # type: ignore[arg-type]
        found.promote(records[0])
    port = free_port()
    surroundings = environment()
    if pythonpath is not None:
        # what it brings may be a part of these tests, which are no part of what is installed
        paths = [str(pythonpath), *filter(None, sys.path)]
        surroundings["PYTHONPATH"] = os.pathsep.join(paths)
    with (folder / "serve.log").open("w") as log:
        found.process = subprocess.Popen(
            [COMMAND, "serve", "--home", str(home), "--port", str(port), *OPTIONS, *options],
            stdout=subprocess.DEVNULL,
            stderr=log,
            text=True,
            env=surroundings,
        )
    try:
        found.address = f"http://127.0.0.1:{port}"
        _wait_until_ready(found.address)
        yield connected_anew(found)
    finally:
        found.process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            found.process.wait(30)
        found.process.kill()


def connected_anew(service: RunningService) -> RunningService:
    """The same service with connections of its own: its database may have been another process before."""
    urls = Connections(service.settings).urls
    platform = homes.home(service.settings.home, PostgresLedger(urls.ml_platform))
    return replace(service, platform=platform)


def _wait_until_ready(address: str) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with suppress(httpx.HTTPError):
            if httpx.get(f"{address}/ready", timeout=2).status_code == 200:
                return
        time.sleep(0.05)
    raise AssertionError("the service is not ready")


def under_load(
    service: RunningService,
    seconds: float,
    meanwhile: Callable[[], Awaitable[None]],
    answers: Answers | None = None,
) -> Answers:
    """What clients get for some seconds at least, in which something is done to the service.

    Args:
        service: That is asked.
        seconds: How long at least; as long as ``meanwhile`` goes on in any case.
        meanwhile: What is done to the service.
        answers: Where the answers are kept, for ``meanwhile`` to look at.
    """
    answers = answers or Answers()
    headers = {"Authorization": f"Bearer {service.key}"}

    async def client(number: int, until: float, done: asyncio.Event) -> None:
        async with httpx.AsyncClient(base_url=service.address, headers=headers) as http:
            count = 0
            while time.monotonic() < until or not done.is_set():
                count += 1
                body = {"model": MODEL, "features": {"x": number + count / 1e6}}
                try:
                    response = await http.post("/api/ml/predict", json=body, timeout=20)
                except httpx.HTTPError as error:
                    answers.errors.append(type(error).__name__)
                    continue
                answers.statuses.append(response.status_code)
                if response.status_code == 200:
                    answer = response.json()
                    answers.ids[answer["prediction_id"]] = answer["version"]
                else:
                    answers.refused.append(response)
                await asyncio.sleep(0.005)

    async def all_of_it() -> None:
        until, done = time.monotonic() + seconds, asyncio.Event()
        clients = [client(number, until, done) for number in range(CLIENTS)]

        async def then_done() -> None:
            try:
                await meanwhile()
            finally:
                done.set()

        await asyncio.gather(*clients, then_done())

    asyncio.run(all_of_it())
    return answers


async def until(condition: Callable[[], bool], seconds: float, what: str) -> float:
    """The seconds until something holds, looked at five times a second in a thread."""
    began = time.monotonic()
    while not await asyncio.to_thread(condition):
        assert time.monotonic() - began < seconds, f"not within {seconds:g} s: {what}"
        await asyncio.sleep(0.2)
    return time.monotonic() - began


def require_logged(service: RunningService, answers: Answers) -> None:
    """Every 200 is in the log once, with the version that answered."""
    logged = service.logged(of=set(answers.ids))
    missing = answers.ids.items() - logged.items()
    assert not missing, f"{len(missing)} of {len(answers.ids)} answers are not in the log"
