"""A rollback under a real `ml-platform up` while one of its servers answers nobody: stopped, not ended."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from ml_platform.adapters.mlflow_tracking import MlflowTracking
from ml_platform.adapters.services import services
from ml_platform.adapters.tracking import CHAMPION
from ml_platform_tests.application.homes import home as made_home
from ml_platform_tests.application.test_mirror import promote, register
from ml_platform_tests.end_to_end.command import call, nothing_left, start, told
from ml_platform_tests.end_to_end.test_up import process_of, read_addresses

pytestmark = pytest.mark.timeout(400)
MODEL = "pattern_classifier"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two versions that were promoted one after the other."""
    folder = tmp_path_factory.mktemp("down") / "home"
    folder.mkdir()
    platform = made_home(folder)
    with services(platform.settings):
        del platform.ledger
        for revision, letter in enumerate("ab"):
            promote(platform, register(platform, MODEL, letter), revision)
        platform.ledger.close()
    return folder


@pytest.fixture(scope="module")
def mlflow(home: Path) -> Iterator[MlflowTracking]:
    """MLflow under `up`, once it shows the champion."""
    process = start(home, "up", "--port", "3897")
    tracking = MlflowTracking(read_addresses(process)["MLflow"])
    assert shown_after(tracking, "2") < 120
    yield tracking
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    nothing_left(home)


def shown_after(tracking: MlflowTracking, number: str, limit: float = 120.0) -> float:
    """Seconds until MLflow's champion is the version with this number, and the model's page says so."""
    began = time.monotonic()
    sentence = f"In production: version {number}"
    while (
        tracking.alias(MODEL, CHAMPION) != number
        or sentence not in tracking.registry(MODEL)[MODEL].description
    ):
        assert time.monotonic() - began < limit, f"MLflow does not show {number} as the champion"
        time.sleep(0.3)
    return time.monotonic() - began


@contextmanager
def stopped(server: psutil.Process) -> Iterator[None]:
    """The server and its children get no processor: who connects is answered by nobody."""
    processes = [server, *server.children(recursive=True)]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


def in_production(home: Path) -> int:
    number: int = told(home, "models", "show", MODEL)["state"]["in_production"]
    return number


def test_a_stopped_database_is_one_line_within_ten_seconds(
    home: Path, mlflow: MlflowTracking
) -> None:
    before = in_production(home)
    with stopped(process_of(home, "bin/postgres")):
        began = time.monotonic()
        out, error = call(home, "models", "rollback", MODEL, "--reason", "wrong", code=1)
        assert time.monotonic() - began < 14, "6 s, and the command itself on a busy machine"
    assert out == ""
    assert error.startswith("ml-platform: The PostgreSQL of process ")
    assert error.count("\n") == 1
    assert in_production(home) == before
    assert mlflow.alias(MODEL, CHAMPION) == str(before)


def test_a_rollback_needs_no_mlflow_which_follows_within_a_minute_of_its_return(
    home: Path, mlflow: MlflowTracking
) -> None:
    assert in_production(home) == 2
    with stopped(process_of(home, "adapters.mlflow_app")):
        began = time.monotonic()
        done = told(home, "models", "rollback", MODEL, "--reason", "wrong")
        assert time.monotonic() - began < 20, "it takes a second; whoever asks MLflow never ends"
        assert (done["left"], done["answers"]) == (2, "version 1")
    assert shown_after(mlflow, "1") < 60
