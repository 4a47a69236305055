"""PostgreSQL and MLflow together, as commands and assets use them; and the doctor's look at a home."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from contextlib import closing

import psutil
import pytest
from sqlalchemy.engine import make_url

from ml_platform.adapters.database_owner import claim_database
from ml_platform.adapters.database_urls import answers
from ml_platform.adapters.doctor import examine
from ml_platform.adapters.ledger.postgres import PostgresLedger
from ml_platform.adapters.processes import read_record, record_path
from ml_platform.adapters.services import running_services, services, start_services, stop_services
from ml_platform.errors import ServiceError, UsageError
from ml_platform.settings import Settings
from ml_platform_tests.adapters.test_processes import gone

SHORT_COMMAND = """
import sys
from pathlib import Path
from ml_platform.adapters.services import services
from ml_platform.settings import Settings
with services(Settings(Path(sys.argv[1]), None, None, None), tracking=False) as started:
    print(started.database.process.pid, flush=True)
    sys.stdin.readline()
"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return Settings(tmp_path_factory.mktemp("home"), None, None, None)


def test_both_start_are_shared_and_end_with_the_block(settings):
    with services(settings) as started:
        ledger = PostgresLedger(started.urls.ml_platform)
        ledger.set_state("clock", {"n": 1})
        ledger.close()
        shared = running_services(settings)
        assert shared.database is not None
        assert shared.database.process is None
        assert shared.tracking_address is None
        assert shared.tracking_url == started.tracking_url == started.tracking_address
        assert shared.tracker.server.process is None
        _refuses_a_strange_host(started.tracking_url)
        mlflow = psutil.Process(started.tracker.server.process.pid)
        assert mlflow.memory_info().rss < 450e6
        assert mlflow.children() == []
        assert started.ended() == ()
        names = {f.name: f.detail for f in examine(settings)}
        assert names["postgres"].startswith("runs on port ")
        mlflow.kill()
        mlflow.wait(10)
        started.tracker.server.process._guard.wait(10)
        assert started.ended() == ("mlflow",)
    assert read_record(settings.home, "postgres") is None
    assert not psutil.pid_exists(started.database.process.pid)


def _refuses_a_strange_host(url):
    """MLflow's own check holds: of the host of any request, and of the origin of one that changes something."""
    create = f"{url}/api/2.0/mlflow/experiments/create"
    for address, body, name, value in (
        (f"{url}/api/2.0/mlflow/experiments/search", None, "Host", "evil.example"),
        (create, b'{"name": "foreign"}', "Host", "evil.example"),
        (create, b'{"name": "foreign"}', "Origin", "http://evil.example"),
        (create, b'{"name": "foreign"}', "Origin", "null"),
    ):
        json_body = {"Content-Type": "application/json", name: value}
        request = urllib.request.Request(address, body, json_body)
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)
        assert refused.value.code == 403


def test_a_database_belongs_to_the_first_home_that_opens_it(database_url, tmp_path):
    claim_database(database_url, tmp_path / "first")
    claim_database(database_url, tmp_path / "first")
    with pytest.raises(
        UsageError, match=f"belongs to the home {tmp_path}/first on .*/second"
    ) as error:
        claim_database(database_url, tmp_path / "second")
    assert make_url(database_url).password not in str(error.value)
    (tmp_path / "first").rename(tmp_path / "moved")
    claim_database(database_url, tmp_path / "moved")
    with closing(PostgresLedger(database_url)) as ledger:
        changed = [table.table for table in ledger.stored_rows() if table.changed]
    assert changed == [], "the claim is a row of the ledger like the others"


@pytest.fixture
def short_command(settings):
    """Another process that started the database, and the process id of that."""
    process = subprocess.Popen(
        [sys.executable, "-c", SHORT_COMMAND, str(settings.home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    yield process, int(process.stdout.readline())
    process.kill()
    process.communicate()


def test_a_borrowed_database_that_ended_is_noticed(settings, short_command):
    process, server = short_command
    watching = start_services(settings, tracking=False)
    assert watching.database.process is None
    assert watching.ended() == ()
    process.kill()
    assert gone(server)
    assert watching.ended() == ("postgres",)
    again = start_services(settings, tracking=False)
    assert not again.ended()
    assert again.database.process is not None
    stop_services(again)


def test_who_started_a_database_waits_for_those_who_borrowed_it(settings, short_command):
    process, server = short_command
    with services(settings, tracking=False) as borrowed:
        assert borrowed.database.process is None
        process.stdin.write("\n")
        process.stdin.flush()
        # Started by root, the first line may tell of folders that were opened.
        assert any("waiting for its end" in line for line in process.stderr)
        time.sleep(0.2)
        assert answers(borrowed.urls.ml_platform)
        assert borrowed.ended() == ()
    assert process.wait(15) == 0
    assert gone(server)


def test_who_watches_alone_holds_nobody_up(settings, short_command):
    process, server = short_command
    watching = start_services(settings, tracking=False)
    process.communicate("\n", timeout=15)
    assert gone(server)
    assert watching.ended() == ("postgres",)


def test_an_mlflow_of_the_settings_that_does_not_answer_is_told(settings, monkeypatch):
    monkeypatch.setattr("ml_platform.adapters.mlflow_server._FOREIGN_TIMEOUT", 0.1)
    elsewhere = Settings(settings.home, None, "http://127.0.0.1:9", None)
    with (
        services(elsewhere) as started,
        pytest.raises(ServiceError, match=r"http://127\.0\.0\.1:9 does not answer"),
    ):
        _ = started.tracking_url


def test_a_healthy_home_has_no_findings(settings):
    findings = examine(settings)
    assert [finding for finding in findings if not finding.ok] == []
    names = {finding.name for finding in findings}
    assert {"python", "packages", "home", "disk", "postgres", "mlflow"} <= names


def test_each_fault_is_found_with_its_remedy(tmp_path):
    home = tmp_path / "home"
    (home / "lake").mkdir(parents=True)
    (home / "lake" / "day.parquet.1.writing").write_text("half")
    started = psutil.Process().create_time()
    record = {"name": "postgres", "pid": os.getpid(), "started": started, "port": 1}
    record_path(home, "postgres").parent.mkdir()
    record_path(home, "postgres").write_text(
        json.dumps({**record, "owner": 999_999_999, "owner_started": 0.0})
    )
    settings = Settings(home, "postgresql://me:hush@127.0.0.1:9", "http://127.0.0.1:9", None)
    faults = {finding.name: finding for finding in examine(settings) if not finding.ok}
    assert set(faults) == {"stale processes", "leftovers", "database", "tracking"}
    assert faults["leftovers"].detail == "1 half-written: day.parquet.1.writing"
    assert all(finding.remedy for finding in faults.values())
    assert "hush" not in str(faults)


def test_a_home_that_cannot_be_made_is_found(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    findings = examine(Settings(file / "home", None, None, None))
    assert [finding.name for finding in findings if not finding.ok] == ["home"]
