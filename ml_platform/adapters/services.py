"""PostgreSQL and MLflow, started for as long as a block runs; whatever already runs is used instead."""

import atexit
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

from ml_platform.adapters.database_urls import DatabaseUrls, create_databases, database_urls
from ml_platform.adapters.ledger.migrate import upgrade
from ml_platform.adapters.mlflow_server import StartingMlflow, answers, start_mlflow
from ml_platform.adapters.postgres import RunningPostgres, start_postgres
from ml_platform.errors import ServiceError
from ml_platform.settings import Settings


class _Tracking:
    """The address of MLflow: known at once, waited for once."""

    def __init__(self, url: str | None, starting: StartingMlflow | None) -> None:
        self._url = url
        self._starting = starting
        self._lock = threading.Lock()
        self._ready = False

    def address(self) -> str | None:
        """Where it is or will be, without waiting."""
        return self._starting.url if self._starting else self._url

    def url(self) -> str:
        """Where it is; waits until it answers."""
        with self._lock:
            if not self._ready:
                if self._starting is not None:
                    self._starting.wait()
                elif self._url is None:
                    raise ServiceError(
                        "MLflow was not asked for.", remedy="Open the services with tracking=True."
                    )
                elif not answers(self._url):
                    raise ServiceError(
                        f"MLflow at {self._url} does not answer.",
                        remedy="Check ML_PLATFORM_TRACKING_URL, or unset it to use one of our own.",
                    )
                self._ready = True
        address = self.address()
        assert address is not None
        return address


@dataclass(frozen=True)
class Services:
    """What runs: database URLs at once, ``tracking_url`` when first asked for (MLflow starts meanwhile)."""

    urls: DatabaseUrls
    database: RunningPostgres | None
    """``None``: the server of the settings."""
    mlflow: StartingMlflow | None
    tracking: _Tracking

    @property
    def tracking_url(self) -> str:
        """MLflow's address; waits until it answers (some 5 s after the start, 10 s the first time)."""
        return self.tracking.url()

    @property
    def tracking_address(self) -> str | None:
        """MLflow's address without waiting; ``None`` if it was not asked for."""
        return self.tracking.address()

    def ended(self) -> tuple[str, ...]:
        """Names of our own servers that have ended (killed by somebody); for a supervisor."""
        ours = {
            "postgres": self.database.process if self.database else None,
            "mlflow": self.mlflow.process if self.mlflow else None,
        }
        return tuple(name for name, process in ours.items() if process and not process.alive())


def start_services(settings: Settings, *, tracking: bool = True) -> Services:
    """Start what does not run, apply our migrations, and return; `stop_services` ends what is ours.

    Raises:
        ServiceError: the database did not start or does not answer.
    """
    database = None
    if settings.database_url is None:
        database = start_postgres(settings.home)
        urls = database.urls
    else:
        urls = database_urls(settings.database_url)
        create_databases(urls)
    mlflow = None
    try:
        if tracking and settings.tracking_url is None:
            mlflow = start_mlflow(settings.home, urls.mlflow, settings.mlflow_artifacts)
        upgrade(urls.ml_platform)
    except BaseException:
        _stop(database, mlflow)
        raise
    return Services(urls, database, mlflow, _Tracking(settings.tracking_url, mlflow))


def stop_services(services: Services) -> None:
    """Stop the servers that this process started, MLflow before its database."""
    _stop(services.database, services.mlflow)


def _stop(database: RunningPostgres | None, mlflow: StartingMlflow | None) -> None:
    if mlflow is not None:
        mlflow.stop()
    if database is not None:
        database.stop()


@cache
def running_services(settings: Settings) -> Services:
    """The services for code that lives inside a process of its own (a Dagster step, a sensor).

    Whatever runs in this home is used; what does not is started once, and ends with this process.
    """
    found = start_services(settings)
    atexit.register(stop_services, found)
    return found


@contextmanager
def services(settings: Settings, *, tracking: bool = True) -> Iterator[Services]:
    """PostgreSQL (and MLflow) for as long as the block runs; they end with this process in any case."""
    running = start_services(settings, tracking=tracking)
    try:
        yield running
    finally:
        stop_services(running)
