"""PostgreSQL and MLflow, started for as long as a block runs; whatever already runs is used instead."""

import atexit
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ml_platform.adapters.database_owner import claim_database
from ml_platform.adapters.database_urls import DatabaseUrls, create_databases, database_urls
from ml_platform.adapters.database_urls import answers as database_answers
from ml_platform.adapters.home_files import Users
from ml_platform.adapters.ledger.schema_upgrade import upgrade
from ml_platform.adapters.mlflow_server import StartingMlflow, start_mlflow, wait_for_foreign
from ml_platform.adapters.postgres import RunningPostgres, start_postgres
from ml_platform.settings import Settings


class Tracker:
    """MLflow's address: its server is started, or found, at most once, and waited for at most once."""

    def __init__(self, url: str | None, start: Callable[[], StartingMlflow]) -> None:
        self._given = url
        self._start = start
        self._lock = threading.Lock()
        self._answered = False
        self.server: StartingMlflow | None = None

    def begin(self) -> None:
        """Start the server in the background, unless the settings name one."""
        if self._given is None and self.server is None:
            self.server = self._start()

    def url(self) -> str:
        """The address of the server, which is started if need be; returns when the server answers."""
        with self._lock:
            self.begin()
            if self.server is not None:
                return self.server.url if self._answered else self._wait(self.server)
            assert self._given is not None
            if not self._answered:
                wait_for_foreign(self._given)
            self._answered = True
            return self._given

    def address(self) -> str | None:
        """The address that the server has or will have, without waiting; ``None`` if it was not asked for."""
        return self.server.url if self.server is not None else self._given

    def _wait(self, server: StartingMlflow) -> str:
        url = server.wait()
        self._answered = True
        return url


@dataclass(frozen=True)
class Services:
    """The running servers: database URLs at once, ``tracking_url`` when first asked for."""

    urls: DatabaseUrls
    database: RunningPostgres | None
    """The PostgreSQL server of the home; ``None`` where the settings name another one."""
    tracker: Tracker

    @property
    def tracking_url(self) -> str:
        """MLflow's address; waits until it answers (4 s after its start on an idle machine)."""
        return self.tracker.url()

    @property
    def tracking_address(self) -> str | None:
        """MLflow's address without waiting; ``None`` if it was not asked for yet."""
        return self.tracker.address()

    def ended(self) -> tuple[str, ...]:
        """Names of servers that have ended, our own and those of another process; for a supervisor."""
        servers = {"postgres": self.database, "mlflow": self.tracker.server}
        return tuple(name for name, server in servers.items() if server and not server.alive())

    @property
    def owns(self) -> bool:
        """Whether this process started any of them."""
        servers = (self.database, self.tracker.server)
        return any(server is not None and server.process is not None for server in servers)


def start_services(settings: Settings, *, tracking: bool = True) -> Services:
    """Start what does not run, apply our migrations, and return; `stop_services` ends what is ours.

    Args:
        settings: Home and URLs.
        tracking: Start MLflow now, in the background; otherwise when its address is asked for.

    Raises:
        ServiceError: the database did not start or does not answer.
        UsageError: the database that the settings name belongs to another home.
    """
    users = Users(settings.home)  # not while somebody stops what this would find running
    try:
        return _start(settings, tracking)
    finally:
        users.leave()


def _start(settings: Settings, tracking: bool) -> Services:
    database = None
    if settings.database_url is None:
        database = start_postgres(settings.home)
        urls = database.urls
    else:
        urls = database_urls(settings.database_url)
        create_databases(urls)
    tracker = Tracker(
        settings.tracking_url,
        lambda: start_mlflow(settings.home, urls.mlflow, settings.mlflow_artifacts),
    )
    started = Services(urls, database, tracker)
    try:
        upgrade(urls.ml_platform)
        if database is None:
            claim_database(urls.ml_platform, settings.home)
        if tracking:
            tracker.begin()
    except BaseException:
        stop_services(started)
        raise
    return started


def stop_services(services: Services) -> None:
    """Stop the servers that this process started, MLflow before its database."""
    if services.tracker.server is not None:
        services.tracker.server.stop()
    if services.database is not None:
        services.database.stop()


_running: dict[Settings, Services] = {}
_running_lock = threading.Lock()


def running_services(settings: Settings) -> Services:
    """The services for code that lives inside a process of its own (a Dagster step, a sensor).

    Whatever runs in this home is used; what does not is started once, and ends with this process.
    """
    with _running_lock:
        running = _running.get(settings)
        if running is None or running.ended() or not database_answers(running.urls.ml_platform):
            running = start_services(settings, tracking=False)
            _running[settings] = running
            atexit.register(stop_services, running)
        return running


@contextmanager
def services(settings: Settings, *, tracking: bool = True) -> Iterator[Services]:
    """PostgreSQL (and MLflow) for as long as the block runs, and for others in such a block that use them.

    They end with this process in any case. Whoever only watches them (`up`) uses `start_services`, and
    starts its own when they end.
    """
    users = Users(settings.home)
    try:
        running = start_services(settings, tracking=tracking)
        try:
            yield running
        finally:
            if running.owns:
                users.wait_for_others()
            stop_services(running)
    finally:
        users.leave()
