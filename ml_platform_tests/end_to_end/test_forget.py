"""A person is forgotten in a home that a run has made, killed at every step; the next run leaves them out."""

import os
import signal
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from sqlalchemy.engine import make_url

from ml_platform.adapters.database_urls import DATABASES
from ml_platform.adapters.postgres import binaries, start_postgres
from ml_platform_tests.application.person_homes import traces
from ml_platform_tests.end_to_end.command import (
    AS_OF,
    COMMAND,
    call,
    environment,
    nothing_left,
    start,
    told,
)
from ml_platform_tests.end_to_end.fault_checker import faults_of

MODEL = "sequence_ngram"
THREE_DAYS = ("--models", MODEL, "--days", "3", "--users", "120", "--as-of", AS_OF)
pytestmark = pytest.mark.timeout(1500)


def busiest_user(home: Path) -> str:
    """The user with the most events of the last day, who therefore was predicted for as well."""
    newest = sorted((home / "lake" / "events").glob("day=*/rows.parquet"))[-1]
    users = pq.read_table(newest, columns=["user_id"], partitioning=None).column("user_id")
    counts = users.value_counts().to_pylist()
    return str(max(counts, key=lambda each: (each["counts"], each["values"]))["values"])


def dumps_with(home: Path, text: str) -> list[str]:
    """The databases of a home whose plain dump has the text; where none was started they lie still."""
    server = start_postgres(home)
    try:
        found = []
        for name in DATABASES:
            url = make_url(getattr(server.urls, name))
            password = {"PGPASSWORD": str(url.password)}
            dumped = subprocess.run(
                [
                    *(
                        str(binaries() / "pg_dump"),
                        "--host",
                        str(url.host),
                        "--port",
                        str(url.port),
                    ),
                    *("--username", str(url.username), "--dbname", name),
                ],
                env=os.environ | password,
                capture_output=True,
                check=True,
            )
            assert len(dumped.stdout) > 1_000
            found += [name] if text.encode() in dumped.stdout else []
        return found
    finally:
        server.stop()


def killed_at_each_step(home: Path, user: str) -> int:
    """Begin to forget, and SIGKILL when a step begins that was not reached before, until it comes to its end."""
    reached = set[str]()
    while True:
        process = start(home, "forget", user, "--apply", "--reason", "a request")
        assert process.stderr is not None
        for line in process.stderr:
            what = line.partition("(")[0]
            if line.endswith(": begun\n") and what not in reached:
                reached.add(what)
                process.send_signal(signal.SIGKILL)
                break
        shown, said = process.communicate()
        if process.returncode != -signal.SIGKILL:
            assert process.returncode == 0, f"{sorted(reached)}\n{shown}\n{said}"
            return len(reached)
        assert told(home, "verify")["ok"]


def test_a_person_is_forgotten_whatever_is_killed_and_does_not_come_back(tmp_path: Path) -> None:
    home = tmp_path / "home"
    told(home, "run", *THREE_DAYS, seconds=500)
    user = busiest_user(home)
    assert len(traces(home, user)) > 10
    assert dumps_with(home, user) == ["ml_platform"]
    shown = told(home, "forget", user)
    assert (shown["applied"], shown["forgotten_at"]) == (False, None)
    assert killed_at_each_step(home, user) > 8
    nothing_left(home)
    assert traces(home, user) == []
    assert dumps_with(home, user) == []
    assert told(home, "verify")["ok"]

    again = told(home, "run", "--force", "--models", MODEL, seconds=500)
    assert again["models"][MODEL]["verdict"] != "INSUFFICIENT"
    assert traces(home, user) == []
    assert dumps_with(home, user) == []
    # The report of before has counted the rows of the person as well.
    assert [fault for fault in faults_of(home) if not fault.startswith("(d) ")] == []
    nothing = told(home, "forget", user)
    assert nothing["steps"] == []
    _, said = call(home, "forget", "nobody-of-this-name", code=2)
    assert said.startswith("ml-platform: Nobody of this id is in this home. Remedy:")
    assert "nobody-of-this-name" not in said


def test_an_id_from_standard_input_stands_in_no_list_of_processes(tmp_path: Path) -> None:
    home = tmp_path / "home"
    call(home, "ingest", "--days", "2", "--users", "20", "--as-of", AS_OF)
    user = busiest_user(home)
    process = subprocess.run(
        [COMMAND, "forget", "-", "--apply", "--home", str(home)],
        input=f"{user}\n",
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    assert user not in process.stdout + process.stderr
    assert "Forgotten." in process.stdout
    assert traces(home, user) == []
