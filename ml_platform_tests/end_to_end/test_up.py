"""`ml-platform up`: everything starts, comes back after a kill -9, stops on Ctrl-C, and leaves nothing."""

import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from ml_platform_tests.browser import browser, find_browser
from ml_platform_tests.end_to_end.command import nothing_left, start

pytestmark = [pytest.mark.xdist_group("up"), pytest.mark.timeout(400)]


def read_addresses(process: "subprocess.Popen[str]") -> dict[str, str]:
    found: dict[str, str] = {}
    assert process.stdout is not None
    for line in process.stdout:
        name, _, address = line.partition(" ")
        found[name] = address.strip()
        if "Ctrl-C" in line:
            return found
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


def test_dagster_and_mlflow_answer(addresses: dict[str, str]) -> None:
    wait_for(f"{addresses['Dagster']}/server_info")
    wait_for(f"{addresses['MLflow']}/health")
    assert "***" in addresses["PostgreSQL"], "the password is not shown"


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


@pytest.mark.parametrize("server", ["dagster-webserver", "dagster-daemon", "mlflow.server"])
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
