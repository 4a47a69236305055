"""MLflow's server on our database, as one process: uvicorn with MLflow's application (`adapters.mlflow_app`).

``mlflow server --workers 1`` is the same application behind two more processes (the command itself
and the job runner): measured 0.29 GB and 3.6 s here. The environment below is what that command
hands to its workers. Clients see artifacts through the server, so they need no path.
"""

import os
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ml_platform.adapters.home_files import last_port, locked, remember_port, secret
from ml_platform.adapters.processes import (
    ServerProcess,
    ServerRecord,
    end_process,
    free_port,
    is_same_process,
    read_record,
    record_path,
    start_server,
    still_runs,
)
from ml_platform.errors import ServiceError

_NAME = "mlflow"
_START_TIMEOUT = 120.0
"""Seconds; the first start also makes MLflow's tables."""
_FOREIGN_TIMEOUT = 30.0
"""Seconds for a server that somebody else starts: three times a slow start."""


@dataclass(frozen=True)
class StartingMlflow:
    """A server that was asked to start; `wait` before the first request."""

    url: str
    port: int
    home: Path
    process: ServerProcess | None
    """``None`` when another process of the home owns it."""
    borrowed: ServerRecord | None = None
    """The record of the process that owns the server, where that is another one."""

    def alive(self) -> bool:
        """Whether the server still runs, whoever owns it."""
        return still_runs(self.process, self.borrowed)

    def wait(self) -> str:
        """The URL, once the server answers; `ServiceError` with the end of its log if it does not."""
        if self.process is None:
            wait_for_foreign(self.url)
        else:
            self.process.wait_until(lambda: answers(self.url), _START_TIMEOUT, every=0.1)
        return self.url

    def stop(self) -> None:
        """Stop the server, if it is ours."""
        if self.process is not None:
            self.process.stop()


def answers(url: str) -> bool:
    """Whether an MLflow server at ``url`` says it is healthy; at most 2 s."""
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=2.0) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def running_address(home: Path) -> str | None:
    """The address of the server of a home that runs, whether it answers or not; ``None`` where none does."""
    record = read_record(home, _NAME)
    if record is None or not is_same_process(record.pid, record.started):
        return None
    return _url(record.port)


def start_mlflow(home: Path, database_url: str, artifacts: Path) -> StartingMlflow:
    """The MLflow server of a home: the one that runs, or a new one; returns before it answers.

    Args:
        home: The home folder.
        database_url: Its backend store, handed over in the environment (nobody else reads it there).
        artifacts: Folder of artifacts, served by the server.
    """
    with locked(home, _NAME):
        return _reuse_or_start(home, database_url, artifacts)


def _reuse_or_start(home: Path, database_url: str, artifacts: Path) -> StartingMlflow:
    record = read_record(home, _NAME)
    if record is not None and is_same_process(record.pid, record.started):
        if is_same_process(record.owner, record.owner_started):
            return StartingMlflow(_url(record.port), record.port, home, None, record)
        _wait_for_the_old_one(home)
    artifacts.mkdir(parents=True, exist_ok=True)
    port = free_port(last_port(home, _NAME))
    arguments = ["--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"]
    process = start_server(
        home,
        _NAME,
        [sys.executable, "-m", "uvicorn", *arguments, "ml_platform.adapters.mlflow_app:app"],
        environment=_environment(os.environ, home, database_url, artifacts, port),
        grace=2.0,
    )
    process.record(port)
    remember_port(home, _NAME, port)
    return StartingMlflow(_url(port), port, home, process)


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _environment(
    inherited: Mapping[str, str], home: Path, database_url: str, artifacts: Path, port: int
) -> dict[str, str]:
    """The environment that MLflow's own command gives its workers, without its job runner and telemetry."""
    kept = {
        key: value
        for key, value in inherited.items()
        if not key.startswith(("MLFLOW_", "_MLFLOW_", "DAGSTER_"))
    }
    return {
        **kept,
        "_MLFLOW_SERVER_FILE_STORE": database_url,
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(artifacts),
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        "_MLFLOW_SGI_NAME": "uvicorn",
        "_MLFLOW_IN_JOB_EXECUTOR": "false",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_SERVER_ALLOWED_HOSTS": f"127.0.0.1:{port},localhost:{port}",
        "MLFLOW_FLASK_SERVER_SECRET_KEY": secret(home, _NAME),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SQLALCHEMYSTORE_POOL_SIZE": "3",
        "DO_NOT_TRACK": "true",
        "GIT_PYTHON_REFRESH": "quiet",
        # Sixty-four-bit glibc keeps an arena a thread: two save 100 MB with the server's threads.
        "MALLOC_ARENA_MAX": "2",
        "OMP_NUM_THREADS": "1",
    }


def wait_for_foreign(url: str) -> None:
    """Wait for a server that somebody else starts.

    Raises:
        ServiceError: it does not answer in that time.
    """
    until = time.monotonic() + _FOREIGN_TIMEOUT
    while not answers(url):
        if time.monotonic() > until:
            raise ServiceError(
                f"MLflow at {url} does not answer.",
                remedy="Check ML_PLATFORM_TRACKING_URL, or the process that should run it.",
            )
        time.sleep(0.2)


def _wait_for_the_old_one(home: Path) -> None:
    """A server whose owner was killed is on its way down."""
    record = read_record(home, _NAME)
    if record is None:
        return
    until = time.monotonic() + 5.0
    while is_same_process(record.pid, record.started) and time.monotonic() < until:
        time.sleep(0.05)
    end_process(record.pid, record.started, signal.SIGKILL, 5.0)
    record_path(home, _NAME).unlink(missing_ok=True)
