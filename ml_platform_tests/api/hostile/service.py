"""The service for hostile requests: a worker in a process of its own, behind its own HTTP protocol and socket."""

import asyncio
import multiprocessing
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import psutil
import psycopg2

from ml_platform.adapters.artifact_files import write_artifact
from ml_platform.adapters.serving.answer_days import AnswerDays
from ml_platform.adapters.serving.feature_socket import LINE_BYTES, Question, Reply, make_room
from ml_platform.adapters.serving.spool import REFUSED_SUFFIX, SPOOL_SUFFIX
from ml_platform.adapters.serving.state_file import write_state
from ml_platform.api.access import COOKIE
from ml_platform.api.options import WorkerOptions
from ml_platform.api.processes import worker
from ml_platform.application.live_rows import MOST_AT_ONCE
from ml_platform.serving.keys import OPERATOR_SCOPES
from ml_platform.serving.sessions import issue
from ml_platform.serving.state import ServiceState
from ml_platform.serving.table import ServedModel, ServedVersion, ServingTable
from ml_platform_tests.api.hostile.names import CANARY_FILE
from ml_platform_tests.api.hostile.wire import Answer, Connection, head, posted
from ml_platform_tests.api.routes.small_service import NAMES, SmallHome, small_home
from ml_platform_tests.api.running import SESSION_SECRET, libpq, worker_options
from ml_platform_tests.api.services import rules_artifact
from ml_platform_tests.application.homes import SPEC

CANARY = "ml-platform-canary-4711"
"""What the file beside the home holds."""
TEXTS = "texts"
"""A model whose features are texts; those of the others are numbers."""
ASKED_BY_ROUTES = (
    "workflow_recommender",
    "suggestion_scorer",
    "anomaly_detector",
    "trigger_predictor",
)


@dataclass
class HostileService:
    """A running worker, and what it must not touch."""

    address: tuple[str, int]
    key: str
    session: str
    process: psutil.Process
    home: SmallHome
    folder: Path
    """Holds the home and, beside it, the canary."""

    @property
    def headers(self) -> dict[bytes, bytes]:
        """Those of an operator."""
        return {b"authorization": f"Bearer {self.key}".encode()}

    @property
    def page_headers(self) -> dict[bytes, bytes]:
        """Those of an operator's browser."""
        return {b"cookie": f"{COOKIE}={self.session}".encode()}

    def connection(self) -> Connection:
        """A new connection."""
        return Connection(self.address)

    def post(self, path: bytes, body: bytes, **headers: bytes) -> Answer:
        """A POST on a connection of its own."""
        connection = self.connection()
        named = {name.replace("_", "-").encode(): value for name, value in headers.items()}
        try:
            return connection.ask(posted(path, body, {**self.headers, **named}))
        finally:
            connection.close()

    def get(self, path: bytes) -> Answer:
        """A GET on a connection of its own."""
        connection = self.connection()
        try:
            return connection.ask(head(b"GET", path, self.headers))
        finally:
            connection.close()

    def megabytes(self) -> float:
        """The proportional set size of the worker: its own memory, and its part of what is shared."""
        return float(self.process.memory_full_info().pss) / 1e6

    def files(self) -> dict[str, int]:
        """Everything beside the home, and of the home all but what the service itself writes, with its time."""
        written = self.home.platform.settings.serving
        return {
            str(path): path.lstat().st_mtime_ns
            for path in self.folder.rglob("*")
            if path.is_file() and not path.is_relative_to(written)
        }

    def logged(self) -> set[str]:
        """The ids of all predictions in the log."""
        connection = psycopg2.connect(libpq(self.home.database))
        try:
            cursor = connection.cursor()
            cursor.execute("SELECT prediction_id::text FROM answers")
            return {name for (name,) in cursor.fetchall()}
        finally:
            connection.close()

    def set_aside(self) -> list[str]:
        """The files of answers that PostgreSQL takes from nobody, once it was offered all that went to the disk."""
        spool = self.home.platform.settings.spool
        until = time.monotonic() + 30
        days = AnswerDays(self.home.database)
        while days.drain(spool) or list(spool.glob(f"*{SPOOL_SUFFIX}")):
            assert time.monotonic() < until, "answers stay on the disk"
            time.sleep(0.2)
        days.close()
        return sorted(path.name for path in spool.glob(f"*{REFUSED_SUFFIX}"))


@contextmanager
def hostile_service(folder: Path, database_url: str) -> Iterator[HostileService]:
    """The service on a home in ``folder``, for as long as the block runs."""
    (folder / CANARY_FILE).write_text(CANARY)
    small = small_home(folder / "home", database_url)
    operator, key = small.stored_key("operator", *OPERATOR_SCOPES)
    session = issue(operator.key_id, datetime.now(UTC) + timedelta(hours=1), SESSION_SECRET)
    state = _state(small)
    write_state(small.platform.settings.serving, state)
    with _features_as_of_now(small), socket.create_server(("127.0.0.1", 0)) as listening:
        # What the kernel takes for a client that does not read, the worker need not hold.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
        me = psutil.Process()
        options = _options(small, state, (me.pid, me.create_time()))
        process = multiprocessing.get_context("spawn").Process(
            target=worker, args=(options, listening), daemon=True
        )
        process.start()
        assert process.pid is not None
        address = listening.getsockname()
        running = psutil.Process(process.pid)
        service = HostileService(address, key, session, running, small, folder)
        try:
            _wait_until_ready(service)
            yield service
        finally:
            process.terminate()
            process.join(15)
            process.kill()


def _state(small: SmallHome) -> ServiceState:
    """The home's own state, with a version for each model that routes ask by name, and one that takes texts."""
    state = small.state
    served = state.table.models["example"]
    artifact = rules_artifact(0.9)
    path = f"artifacts/{artifact.sha256}"
    write_artifact(artifact, small.platform.settings.home / path)
    texts = ServedModel(TEXTS, ServedVersion("1", artifact.sha256, path), None, None, 1)
    models = {name: replace(served, name=name) for name in ASKED_BY_ROUTES}
    table = ServingTable({**state.table.models, **models, TEXTS: texts}, datetime.now(UTC))
    return replace(state, table=table, home=str(small.platform.settings.home))


def _options(small: SmallHome, state: ServiceState, supervisor: tuple[int, float]) -> WorkerOptions:
    names = (*NAMES, *state.table.models)
    return worker_options(
        small.platform.settings.home,
        tasks=dict.fromkeys(names, SPEC.task),
        tables=dict.fromkeys(names, SPEC.table.name),
        titles=NAMES,
        supervisor=supervisor,
    )


def _wait_until_ready(service: HostileService) -> None:
    until = time.monotonic() + 60
    while service.get(b"/ready").status != 200:
        assert time.monotonic() < until, "the worker is not ready"
        time.sleep(0.1)


@contextmanager
def _features_as_of_now(small: SmallHome) -> Iterator[None]:
    """A process on the socket of features: a row for whatever is asked, one for each of many."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                question = msgspec.json.decode(await reader.readuntil(b"\n"), type=Question)
                asked = question.about.get("workflows") or question.about.get("starts")
                many = len(asked) if isinstance(asked, list) else 1
                row = {"x": 1.0, "user_id": question.about["user_id"]}
                is_few = many <= MOST_AT_ONCE
                reply = Reply([row] * many) if is_few else Reply(refused="too many")
                writer.write(msgspec.json.encode(reply) + b"\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    loop = asyncio.new_event_loop()
    path = str(make_room(small.platform.settings.serving))
    server = loop.run_until_complete(asyncio.start_unix_server(answer, path, limit=LINE_BYTES))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
