"""`ml-platform up`: everything starts, comes back after a kill -9, stops on Ctrl-C, and leaves nothing."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from ml_platform.adapters.home_files import last_port
from ml_platform.adapters.postgres import start_postgres
from ml_platform.application.connections import DAGSTER_UI
from ml_platform.home import HomeState, SourceChoice, write_home
from ml_platform.settings import Settings
from ml_platform_tests.cli.test_abandoned import WORKER
from ml_platform_tests.end_to_end.command import call, environment, nothing_left, start
from ml_platform_tests.reporting.browser import browser, find_browser

pytestmark = pytest.mark.timeout(400)


def read_addresses(process: "subprocess.Popen[str]") -> dict[str, str]:
    address_by_name: dict[str, str] = {}
    assert process.stdout is not None
    for line in process.stdout:
        name, _, address = line.partition(" ")
        address_by_name[name] = address.strip()
        if "Ctrl-C" in line:
            return address_by_name
    raise AssertionError(f"`up` ended: {process.communicate()[1]}")


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def wait_for(url: str, seconds: float = 90.0) -> None:
    until = time.monotonic() + seconds
    while not answers(url):
        assert time.monotonic() < until, f"{url} does not answer"
        time.sleep(0.3)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("up") / "home"


@pytest.fixture(scope="module")
def addresses(home: Path) -> Iterator[dict[str, str]]:
    process = start(home, "up", "--port", "3877")
    yield read_addresses(process)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    nothing_left(home)


def process_of(home: Path, word: str) -> psutil.Process:
    """The server itself, not its guard: the newest process whose command line has the word."""
    found = [
        process
        for process in psutil.process_iter(["cmdline", "environ", "create_time"])
        if word in " ".join(process.info["cmdline"] or [])
        and "guard.py" not in " ".join(process.info["cmdline"] or [])
        and (process.info["environ"] or {}).get("ML_PLATFORM_HOME", str(home)) == str(home)
        and str(home) in " ".join([*(process.info["cmdline"] or []), str(process.info["environ"])])
    ]
    return max(found, key=lambda process: process.info["create_time"])


def test_dagster_and_mlflow_answer(addresses: dict[str, str], home: Path) -> None:
    wait_for(f"{addresses['Dagster']}/server_info")
    assert addresses["Dagster"] == f"http://127.0.0.1:{last_port(home, DAGSTER_UI)}", "for links"
    wait_for(f"{addresses['MLflow']}/health")
    assert "***" in addresses["PostgreSQL"], "the password is not shown"


def test_a_second_one_on_the_same_home_is_refused(addresses: dict[str, str], home: Path) -> None:
    out, error_output = call(home, "up", "--port", "3878", code=2)
    assert out == ""
    assert error_output.startswith(
        f"ml-platform: `ml-platform up` runs already in the home {home} (process "
    )
    assert error_output.count("\n") == 1


def test_the_asset_graph_is_drawn_in_a_browser(addresses: dict[str, str]) -> None:
    executable = find_browser()
    if executable is None:
        pytest.skip("no Chromium was found: the browser test did NOT run")
    wait_for(f"{addresses['Dagster']}/server_info")
    with browser(executable) as opened:
        page = opened.new_page(viewport={"width": 1400, "height": 900})
        page.goto(f"{addresses['Dagster']}/assets/pattern_classifier/evaluation_report?view=checks")
        page.get_by_text("over_rules").first.wait_for(timeout=60_000)
        assert page.get_by_text("artifact_hash").count() > 0


def asked(addresses: dict[str, str], query: str) -> Any:
    request = urllib.request.Request(
        f"{addresses['Dagster']}/graphql",
        data=json.dumps({"query": query}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.loads(response.read())["data"]


def test_the_queue_is_freed_of_a_run_whose_process_was_killed(
    addresses: dict[str, str], home: Path
) -> None:
    urls = start_postgres(home).urls
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(home / "dagster"), "events"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**environment(), "ML_PLATFORM_DAGSTER_DATABASE": urls.dagster},
    )
    assert worker.stdout is not None
    assert worker.stdout.readline() == "at work\n"
    query = "{ runsOrError { ... on Runs { results { status } } } }"
    assert [run["status"] for run in asked(addresses, query)["runsOrError"]["results"]] == [
        "STARTED"
    ]
    worker.kill()
    worker.communicate()
    until = time.monotonic() + 30
    while asked(addresses, query)["runsOrError"]["results"][0]["status"] != "FAILURE":
        assert time.monotonic() < until, "the run is still open"
        time.sleep(0.5)


def test_the_windows_follow_the_first_run_of_a_home(addresses: dict[str, str], home: Path) -> None:
    assert "Nothing" in addresses, "the hint: nothing has been run yet"
    clock = datetime(2026, 9, 1, tzinfo=UTC)
    state = HomeState(SourceChoice("simulate"), clock, datetime(2026, 8, 31, 18, tzinfo=UTC), True)
    write_home(Settings(home, None, None, None), state)
    query = """{ partitionSetsOrError(pipelineName: "monitoring", repositorySelector:
        {repositoryName: "__repository__", repositoryLocationName: "ml_platform"})
        { ... on PartitionSets { results { partitionsOrError(limit: 1) {
        ... on Partitions { results { name } } } } } } }"""
    until = time.monotonic() + 60
    while "2026-08-31-18:00" not in json.dumps(asked(addresses, query)):
        assert time.monotonic() < until, asked(addresses, query)
        time.sleep(0.5)
    home.joinpath("home.json").unlink()


def test_a_ui_that_is_killed_while_everything_starts_again_comes_back(
    addresses: dict[str, str], home: Path
) -> None:
    """MLflow is killed first, with which everything starts again."""
    before = process_of(home, "dagster_webserver").pid
    mlflow = process_of(home, "adapters.mlflow_app")
    mlflow.kill()
    kill_when_new(home, "dagster_webserver", before)
    wait_for(f"{addresses['Dagster']}/server_info")
    wait_for(f"{addresses['MLflow']}/health")
    assert process_of(home, "adapters.mlflow_app").pid != mlflow.pid


def kill_when_new(home: Path, server: str, before: int) -> None:
    """Kill the ``server`` that has taken the place of process ``before``, as soon as it is there."""
    until = time.monotonic() + 90
    while time.monotonic() < until:
        with suppress(ValueError, psutil.NoSuchProcess):
            if process_of(home, server).pid != before:
                process_of(home, server).kill()
                return
        time.sleep(0.1)
    raise AssertionError(f"{server} was not started again")


@pytest.mark.parametrize("server", ["dagster_webserver", "dagster-daemon"])
def test_a_killed_server_comes_back(addresses: dict[str, str], home: Path, server: str) -> None:
    killed = process_of(home, server)
    os.kill(killed.pid, signal.SIGKILL)
    until = time.monotonic() + 90
    while time.monotonic() < until:
        try:
            if process_of(home, server).pid != killed.pid:
                break
        except ValueError:
            pass
        time.sleep(0.5)
    assert process_of(home, server).pid != killed.pid
    wait_for(f"{addresses['Dagster']}/server_info")
    wait_for(f"{addresses['MLflow']}/health")
