"""One worker of the service: an event loop that answers, and follows what is in production."""

import asyncio
import gc
import logging
import os
import signal
import socket
import time
from dataclasses import replace

from prometheus_client import Counter

from ml_platform.adapters.serving.answer_log import AnswerLog
from ml_platform.adapters.serving.asked_marks import ASKED
from ml_platform.adapters.serving.async_postgres import AsyncPostgres
from ml_platform.adapters.serving.feature_socket import FeatureSocket
from ml_platform.adapters.serving.model_store import ModelStore
from ml_platform.adapters.serving.shadow_queue import ShadowSender
from ml_platform.adapters.serving.spool import Spool
from ml_platform.adapters.serving.state_file import StateFollower
from ml_platform.adapters.serving.traces import traces_from
from ml_platform.api.access import Access
from ml_platform.api.answering import Answering
from ml_platform.api.app import Service
from ml_platform.api.asking_about import AskingAbout
from ml_platform.api.compared import ComparedArms
from ml_platform.api.options import DRAIN_SECONDS, WorkerOptions
from ml_platform.api.telemetry import LOGGED, SHADOWED
from ml_platform.errors import IntegrityError
from ml_platform.serving.keys import Keyring
from ml_platform.serving.state import ServiceState
from ml_platform.serving.token_bucket import KeyLimits

LOOK_EVERY = 0.1
"""Seconds between looks whether what is in production has changed."""
KNOWN_SECONDS = 3.0
"""How long a new worker waits to know what is in production before it takes requests."""
LOG_SECONDS = 0.5
"""How long PostgreSQL may take for a group of answers before they go to the local disk."""
_LOG = logging.getLogger(__name__)


class Worker:
    """The parts of one worker, and how they follow the state of the service."""

    def __init__(self, options: WorkerOptions) -> None:
        self.options = options
        self.follower = StateFollower(options.folder)
        self.store = ModelStore(options.home, options.tasks)
        self.postgres = AsyncPostgres("", seconds=LOG_SECONDS)
        self.queries = AsyncPostgres("", seconds=LOG_SECONDS)
        self.log = AnswerLog(self.postgres, self.queries, Spool(options.folder / "spool"))
        self.access = Access(
            KeyLimits(options.rate, options.burst, options.workers),
            options.session_secret,
            most_at_once=options.burst / options.workers,
        )
        self.shadow = ShadowSender(options.folder)
        self.traces = traces_from(os.environ, "worker")
        self.features = FeatureSocket(options.folder, self.traces)
        compared = ComparedArms(options.folder / ASKED)
        self.answering = Answering(self.store, self.log, self.shadow, compared, self.traces)
        self.asking = AskingAbout(self.answering, self.store, self.features, options.tables)
        self.state = ServiceState()
        self.ready = False
        self._counted: dict[Counter, int] = {}

    async def follow(self) -> None:
        """Take each new state, for as long as the worker lives."""
        while True:
            await self.follow_once()
            self._count()
            await asyncio.sleep(LOOK_EVERY)

    def _count(self) -> None:
        """Tell Prometheus what became of rows since the last time."""
        log, shadow = self.log.counts, self.shadow.counts
        counted = {
            LOGGED.labels("committed"): log.committed,
            LOGGED.labels("spooled"): log.spooled,
            LOGGED.labels("refused"): log.refused,
            SHADOWED.labels("sent"): shadow.sent,
            SHADOWED.labels("dropped"): shadow.dropped,
        }
        for counter, count in counted.items():
            counter.inc(count - self._counted.get(counter, 0))
        self._counted = counted

    async def knows_something(self) -> None:
        """Return when it is known what is in production, and after some seconds in any case."""
        until = time.monotonic() + KNOWN_SECONDS
        while not self.answering.models and time.monotonic() < until:
            await asyncio.sleep(0.01)

    async def follow_once(self) -> None:
        """Take the state if it is a new one."""
        try:
            state = self.follower.changed()
        except IntegrityError as error:
            _LOG.error("%s", error)
            return
        if state is not None:
            await self._take(state)

    async def _take(self, state: ServiceState) -> None:
        self.access.keyring = Keyring(state.keys)
        if state.home not in ("", str(self.options.home)):
            state = replace(state, database="")  # a copy of the home: its database is another one
        if state.database != self.postgres.dsn:
            for connection in (self.postgres, self.queries):
                connection.move_to(state.database)
        before = self.state.table.models
        self.state = state
        for name in before.keys() - state.table.models.keys():
            self.answering.forget(name)
        changed = [each for name, each in state.table.models.items() if before.get(name) != each]
        await asyncio.gather(*map(self.answering.follow, changed))
        if not self.ready:
            gc.collect()
            gc.freeze()
            self.ready = True


def run_worker(options: WorkerOptions, listening: socket.socket) -> None:
    """Serve until SIGTERM; what has begun is answered first."""
    from ml_platform.adapters.processes import end_with

    end_with(*options.supervisor)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(level=logging.INFO, format=f"%(asctime)s {os.getpid()} %(message)s")
    gc.set_threshold(50_000, 20, 100)
    import uvloop

    uvloop.run(_serve(options, listening))


async def _serve(options: WorkerOptions, listening: socket.socket) -> None:
    import uvicorn

    from ml_platform.api.http_protocol import BoundedHttp

    worker = Worker(options)
    worker.log.start()
    following = asyncio.create_task(worker.follow(), name="follow")
    service = Service(worker)
    config = uvicorn.Config(
        service,
        loop="none",
        http=BoundedHttp,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    try:
        await worker.knows_something()
        service.others()
        await uvicorn.Server(config).serve(sockets=[listening])
    finally:
        following.cancel()
        await worker.log.stop()
        worker.traces.close()
