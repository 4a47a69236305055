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
from ml_platform_tests.end_to_end.command import begun, call, nothing_left, told
from ml_platform_tests.end_to_end.fault_checker import faults_of
from ml_platform_tests.end_to_end.shared_homes import opened
from ml_platform_tests.end_to_end.three_days import MODEL, finished_home

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
    """Begin to forget, and SIGKILL when a step begins that was not reached before, until it comes to its end.

    The id comes from standard input, so that it stands in no list of processes, and none of the output has it.
    """
    reached = set[str]()
    while True:
        with begun(
            home, "forget", "-", "--apply", "--reason", "a request", stdin=f"{user}\n"
        ) as running:
            for line in running.error_lines():
                what = line.partition("(")[0]
                if line.endswith(": begun\n") and what not in reached:
                    reached.add(what)
                    running.kill()
                    break
            ended = running.wait()
        assert user not in ended.out + ended.err
        if ended.code != -signal.SIGKILL:
            assert ended.code == 0, f"{sorted(reached)}\n{ended.out}\n{ended.err}"
            assert "Forgotten." in ended.out
            return len(reached)
        assert told(home, "verify")["ok"]


def test_a_person_is_forgotten_whatever_is_killed_and_does_not_come_back(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    home = finished_home(tmp_path_factory, tmp_path / "home")
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

    with opened(home):
        again = told(home, "run", "--force", "--models", MODEL, seconds=500)
        assert again["models"][MODEL]["verdict"] != "INSUFFICIENT"
        # The report of before has counted the rows of the person as well.
        assert [fault for fault in faults_of(home) if not fault.startswith("(d) ")] == []
        nothing = told(home, "forget", user)
        assert nothing["steps"] == []
        _, said = call(home, "forget", "nobody-of-this-name", code=2)
    assert traces(home, user) == []
    assert dumps_with(home, user) == []
    assert said.startswith("ml-platform: Nobody of this id is in this home. Remedy:")
    assert "nobody-of-this-name" not in said
