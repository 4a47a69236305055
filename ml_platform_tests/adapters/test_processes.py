"""A server cannot outlive whoever started it, however that ends; and says why it did not start."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from ml_platform.adapters.processes import (
    creation_time,
    end_process,
    free_port,
    is_same_process,
    last_lines,
    read_record,
    start_server,
)
from ml_platform.errors import ServiceError

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
print(child.pid, flush=True)
time.sleep(600)
"""
OWNER = """
import os, sys, time
from pathlib import Path
from ml_platform.adapters.processes import start_server
command = [sys.executable, "-c", "import time; time.sleep(600)"]
server = start_server(Path(sys.argv[1]), "sleeper", command, environment=dict(os.environ), grace=1.0)
server.record(1)
{fork}
print(server.pid, server._guard.pid, flush=True)
time.sleep(600)
"""
FORK = "os.fork() or time.sleep(600)"


def start(home, command, **options):
    return start_server(home, "sleeper", command, environment=dict(os.environ), **options)


def gone(pid: int, within: float = 10.0) -> bool:
    until = time.monotonic() + within
    while creation_time(pid) is not None and time.monotonic() < until:
        time.sleep(0.02)
    return creation_time(pid) is None


def owner(home: Path, fork: str = "") -> "tuple[subprocess.Popen[str], int, int]":
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER.format(fork=fork), str(home)],
        stdout=subprocess.PIPE,
        text=True,
    )
    server, guard = process.stdout.readline().split()
    return process, int(server), int(guard)


def test_stop_ends_server_and_guard_and_its_record(tmp_path):
    server = start(tmp_path, SLEEP)
    server.record(1234)
    record = read_record(tmp_path, "sleeper")
    assert (record.pid, record.owner, record.port) == (server.pid, os.getpid(), 1234)
    assert server.alive()
    server.stop()
    assert not server.alive()
    assert gone(server.pid)
    assert read_record(tmp_path, "sleeper") is None
    server.stop()


def test_kill_9_of_the_owner_ends_the_server(tmp_path):
    process, server, guard = owner(tmp_path)
    process.kill()
    process.communicate()
    assert gone(server)
    assert gone(guard)


def test_kill_9_of_the_owner_ends_the_server_though_a_fork_holds_the_pipe(tmp_path):
    process, server, guard = owner(tmp_path, FORK)
    (fork,) = (child for child in psutil.Process(process.pid).children() if child.pid != guard)
    process.kill()
    process.wait()
    assert gone(server)
    assert gone(guard)
    fork.kill()
    process.stdout.close()


def test_kill_9_of_the_guard_ends_the_server(tmp_path):
    process, server, guard = owner(tmp_path)
    os.kill(guard, signal.SIGKILL)
    assert gone(server)
    process.kill()
    process.communicate()


def test_a_server_that_ignores_its_signal_is_killed_with_descendants_that_left(tmp_path):
    server = start(tmp_path, [sys.executable, "-c", STUBBORN], grace=0.3)
    server.wait_until(lambda: server.log.read_text().strip() != "", 20)
    child = int(server.log.read_text())
    assert creation_time(child) is not None
    server.stop()
    assert gone(server.pid)
    assert gone(child)


def test_a_server_that_ends_at_once_is_told_with_the_end_of_its_log(tmp_path):
    server = start(tmp_path, [sys.executable, "-c", "print('no luck today'); raise SystemExit(7)"])
    with pytest.raises(ServiceError, match=r"ended with exit code 7; its log ends: no luck today"):
        server.wait_until(lambda: False, 20)
    server.stop()


def test_a_program_that_is_not_there_is_told(tmp_path):
    server = start(tmp_path, ["/no/such/program"])
    with pytest.raises(ServiceError, match="cannot start /no/such/program"):
        server.wait_until(lambda: False, 20)
    server.stop()


def test_a_server_that_is_never_ready_is_told(tmp_path):
    server = start(tmp_path, SLEEP)
    with pytest.raises(ServiceError, match=r"was not ready within 0 s"):
        server.wait_until(lambda: False, 0.1)
    server.stop()


def test_secrets_of_the_owner_are_not_inherited_unless_given(tmp_path):
    server = start_server(
        tmp_path,
        "sleeper",
        [sys.executable, "-c", "import os; print(sorted(os.environ))"],
        environment={"LC_ALL": "C"},
    )
    while server.alive():
        time.sleep(0.02)
    assert "ML_PLATFORM" not in server.log.read_text()
    assert "LC_ALL" in server.log.read_text()
    server.stop()


def test_a_port_in_use_is_not_offered():
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_port(port) != port
    assert free_port(port) == port


def test_a_reused_process_id_is_another_process():
    mine = creation_time(os.getpid())
    assert mine is not None
    assert is_same_process(os.getpid(), mine)
    assert not is_same_process(os.getpid(), mine - 60)
    assert end_process(os.getpid(), mine - 60, signal.SIGKILL, 1.0)


def test_the_last_lines_of_a_log(tmp_path):
    log = tmp_path / "log"
    assert last_lines(log) == "(no log)"
    log.write_text("\n".join(f"line {n}" for n in range(2_000)))
    assert last_lines(log, 2) == "line 1998 | line 1999"


def test_a_broken_record_counts_as_none(tmp_path):
    (tmp_path / "run").mkdir()
    for text in ("", "{", '{"name": "sleeper"}'):
        (tmp_path / "run" / "sleeper.json").write_text(text)
        assert read_record(tmp_path, "sleeper") is None
