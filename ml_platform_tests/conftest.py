"""One PostgreSQL for all tests of a run, its workers included; a fresh database for each that asks."""

import fcntl
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from threadpoolctl import threadpool_limits

from ml_platform.adapters.database_urls import DatabaseUrls, connect
from ml_platform.adapters.ledger.schema_upgrade import upgrade
from ml_platform.adapters.mlflow_server import start_mlflow
from ml_platform.adapters.postgres import start_postgres
from ml_platform_tests.shared_folders import made_once

if TYPE_CHECKING:
    from ml_platform_tests.features.compiled_features import CompiledFeatures

_MADE: list[str] = []


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """A folder of our own for temporary files: pytest's closes itself to others at each start.

    Started by root, PostgreSQL runs as another user, which must be able to walk to its data.
    """
    if config.option.basetemp is None and not hasattr(config, "workerinput"):
        config.option.basetemp = tempfile.mkdtemp(prefix="ml-platform-tests-")
        _MADE.append(config.option.basetemp)
    # A plugin of pytest has imported numpy before the platform could say how many threads it is to use.
    threadpool_limits(int(os.environ["OMP_NUM_THREADS"]))
    if not hasattr(config, "workerinput"):
        # Definitions that a test loads without a home of its own parse the dbt project once for all.
        home = tempfile.mkdtemp(prefix="ml-platform-tests-home-")
        os.environ["ML_PLATFORM_HOME"] = home
        # And homes that a test makes go on with what dbt has parsed for another test's.
        os.environ["ML_PLATFORM_CACHE"] = tempfile.mkdtemp(prefix="ml-platform-tests-cache-")
        _MADE.extend((home, os.environ["ML_PLATFORM_CACHE"]))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files whose tests may take longest come first, then those of whole homes, so that no worker waits at the end.

    Within what is alike the order stays random; the tests of a file stay together.
    """
    longest: dict[Path, float] = {}
    for item in items:
        mark = item.get_closest_marker("timeout")
        longest[item.path] = max(longest.get(item.path, 0.0), mark.args[0] if mark else 0.0)
    items.sort(key=lambda item: (-longest[item.path], item.path.parent.name != "end_to_end"))


def pytest_sessionfinish(exitstatus: int) -> None:
    """The folder stays after a failure, to be looked at."""
    if exitstatus == pytest.ExitCode.OK:
        for folder in _MADE:
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[DatabaseUrls]:
    """The server; whoever started it waits with its end until no worker uses it any more."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", f"alone-{os.getpid()}")
    home = Path(tempfile.gettempdir(), f"ml-platform-tests-{run}")
    home.mkdir(exist_ok=True, mode=0o755)
    with (home / "users").open("w") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        server = start_postgres(home)
        upgrade(server.urls.ml_platform)
        _forget_the_disk(server.urls)
        yield server.urls
        fcntl.flock(users, fcntl.LOCK_UN)
        if server.process is not None:
            fcntl.flock(users, fcntl.LOCK_EX)
            server.stop()
            shutil.rmtree(home)


def _forget_the_disk(urls: DatabaseUrls) -> None:
    """What tests write need not survive a power cut: 2 s a database become 50 ms on a busy disk."""
    connection = connect(urls.ml_platform, database="postgres")
    cursor = connection.cursor()
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        cursor.execute(f"ALTER SYSTEM SET {setting} = off")
    cursor.execute("SELECT pg_reload_conf()")
    connection.close()


@pytest.fixture
def database_url(postgres: DatabaseUrls) -> Iterator[str]:
    """A fresh database with the ledger's tables, copied from the migrated one (50 ms)."""
    with fresh_database(postgres) as url:
        yield url


@contextmanager
def fresh_database(postgres: DatabaseUrls) -> Iterator[str]:
    """The same for a fixture that lives longer than a test."""
    name = f"test_{uuid.uuid4().hex}"
    connection = connect(postgres.ml_platform, database="postgres")
    cursor = connection.cursor()
    try:
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE ml_platform')
        yield postgres.ml_platform.rsplit("/", 1)[0] + f"/{name}"
        cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        connection.close()


@dataclass(frozen=True)
class MlflowParts:
    """A running MLflow server, and where it keeps what it is told."""

    url: str
    database: str
    artifacts: Path


@pytest.fixture(scope="module")
def mlflow_parts(
    tmp_path_factory: pytest.TempPathFactory, postgres: DatabaseUrls
) -> Iterator[MlflowParts]:
    """An MLflow server with a database of its own, shared by the tests of a file."""
    name = f"mlflow_{uuid.uuid4().hex}"
    connection = connect(postgres.ml_platform, database="postgres")
    cursor = connection.cursor()
    try:
        cursor.execute(f'CREATE DATABASE "{name}"')
        home = tmp_path_factory.mktemp("mlflow")
        url = postgres.mlflow.rsplit("/", 1)[0] + f"/{name}"
        running = start_mlflow(home, url, home / "mlflow")
        running.wait()
        yield MlflowParts(running.url, url, home / "mlflow")
        running.stop()
        cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        connection.close()


@pytest.fixture
def mlflow_server(mlflow_parts: MlflowParts) -> str:
    """The address of the MLflow server of the file."""
    return mlflow_parts.url


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> "CompiledFeatures":
    """The SQL of the platform's models, to be run on any lake without dbt; dbt compiles it once a run."""
    from ml_platform_tests.features.compiled_features import CompiledFeatures, compile_features

    return made_once(tmp_path_factory, "compiled", CompiledFeatures, compile_features)
