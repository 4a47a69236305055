"""The supervisor of the service: starts its workers, replaces what ends, and tells them what is in production."""

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path

from ml_platform.adapters.home_files import secret
from ml_platform.adapters.processes import creation_time
from ml_platform.adapters.serving.followed import running
from ml_platform.api.options import DRAIN_SECONDS, WorkerOptions
from ml_platform.api.processes import BESIDE_THE_WORKERS, worker
from ml_platform.errors import PlatformError, UsageError
from ml_platform.settings import Settings

FOLLOW_EVERY = 0.5
"""Seconds between looks at the ledger: with the look of a worker, what changes there answers within a second."""
KEEP_EVERY = 2.0
"""Seconds between looks for spools that PostgreSQL can take back."""
GUARD_EVERY = 15.0
HELPER_AGAIN = 5.0
"""Seconds between two starts of a process beside the workers."""
_BACKLOG = 2_048
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class ServeOptions:
    """How the service is started."""

    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    rate: float = 1_000.0
    """Requests a second that one key may make."""
    burst: float = 2_000.0
    guard_every: float = GUARD_EVERY
    """Seconds between looks of the guard of rollouts."""


@dataclass
class Supervisor:
    """The processes of the service, for as long as it runs."""

    settings: Settings
    options: ServeOptions
    database: Callable[[], str]
    """Where the ledger is, asked for again after each failure; SQLAlchemy's form of a URL."""
    stopped: Callable[[], bool]
    context: ForkServerContext
    """What processes are forked from, see `processes.begin_importing`."""
    _workers: dict[int, BaseProcess] = field(default_factory=dict)
    _helpers: dict[str, tuple[BaseProcess, float]] = field(default_factory=dict)
    """Processes beside the workers by name, and when each was started."""

    @property
    def folder(self) -> Path:
        """Where the state of the service and the spools lie."""
        return self.settings.serving

    def run(self) -> None:
        """Serve until `stopped`; then what has begun is answered first."""
        with running(self.folder):
            self._run()

    def _run(self) -> None:
        listening = _listening(self.options.host, self.options.port)
        context = self.context
        worker_options = self._worker_options()
        try:
            self._revive(context, worker_options, listening)
            threading.Thread(target=self._begin_the_rest, daemon=True).start()
            while not self.stopped():
                self._revive(context, worker_options, listening)
                self._revive_helpers(context, worker_options)
                time.sleep(0.05)
        finally:
            listening.close()
            self._end_workers()

    def _begin_the_rest(self) -> None:
        """Everything but the workers, which wait for nothing that it imports."""
        from ml_platform.api.supervised import FollowLedger, GuardRollouts, KeepLog

        for name, work, every in (
            ("follow the ledger", FollowLedger(self.settings, self.database), FOLLOW_EVERY),
            ("keep the log", KeepLog(self.settings, self.database), KEEP_EVERY),
            ("guard rollouts", GuardRollouts(self.settings), self.options.guard_every),
        ):
            threading.Thread(
                target=self._repeat, args=(work, every), daemon=True, name=name
            ).start()

    def _revive(
        self, context: ForkServerContext, options: WorkerOptions, listening: socket.socket
    ) -> None:
        for number in range(self.options.workers):
            process = self._workers.get(number)
            if process is not None and process.is_alive():
                continue
            if process is not None:
                _LOG.warning("worker %d ended (%s); starting another", number, process.exitcode)
            started = context.Process(
                target=worker, args=(options, listening), name=f"worker {number}", daemon=True
            )
            started.start()
            self._workers[number] = started

    def _revive_helpers(self, context: ForkServerContext, options: WorkerOptions) -> None:
        """Start the processes beside the workers; one that ended has to wait."""
        for name, target in BESIDE_THE_WORKERS.items():
            process, started_at = self._helpers.get(name, (None, float("-inf")))
            waits = time.monotonic() - started_at < HELPER_AGAIN
            if (process is not None and process.is_alive()) or waits:
                continue
            if process is not None:
                _LOG.warning("%s ended (%s); starting another", name, process.exitcode)
            started = context.Process(target=target, args=(options,), name=name, daemon=True)
            started.start()
            self._helpers[name] = (started, time.monotonic())

    def _processes(self) -> list[BaseProcess]:
        return [*self._workers.values(), *(process for process, _ in self._helpers.values())]

    def _end_workers(self) -> None:
        for process in self._processes():
            if process.pid is not None and process.is_alive():
                os.kill(process.pid, signal.SIGTERM)
        until = time.monotonic() + DRAIN_SECONDS + 2
        for process in self._processes():
            process.join(max(0.1, until - time.monotonic()))
            if process.is_alive():
                process.kill()

    def _worker_options(self) -> WorkerOptions:
        from ml_platform.adapters.plugins import installed_catalogue

        models = installed_catalogue().models
        started = creation_time(os.getpid())
        assert started is not None
        return WorkerOptions(
            home=self.settings.home,
            folder=self.folder,
            tasks={spec.name: spec.task for spec in models},
            tables={spec.name: spec.table.name for spec in models},
            titles={spec.name: spec.title for spec in models},
            workers=self.options.workers,
            rate=self.options.rate,
            burst=self.options.burst,
            supervisor=(os.getpid(), started),
            session_secret=secret(self.settings.home, "sessions").encode(),
        )

    def _repeat(self, work: Callable[[], None], every: float) -> None:
        """Do something again and again; what fails is told once, until it succeeds again."""
        told = ""
        while not self.stopped():
            try:
                work()
                told = ""
            except PlatformError as error:
                if str(error) != told:
                    _LOG.warning("%s", error)
                told = str(error)
            except Exception:
                _LOG.exception("an error that nobody has foreseen; it is tried again")
            time.sleep(every)


def _listening(host: str, port: int) -> socket.socket:
    """The socket that all workers take connections from: what waits for one that ends, another one takes."""
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise UsageError(
            f"{host}:{port} cannot be listened at: {error.strerror}.",
            remedy="choose another --port",
        ) from error
    listening.listen(_BACKLOG)
    listening.setblocking(False)
    return listening
