"""Servers as children that cannot outlive the process that started them, not even after its kill -9."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from ml_platform.errors import ServiceError
from ml_platform.files import write_text

_GUARD = Path(__file__).with_name("guard.py")
_LOG_LINES_IN_ERRORS = 8
_LOOK_EVERY = 0.5
"""The seconds between looks whether a process that another one follows still runs."""


@dataclass(frozen=True)
class ServerRecord:
    """The content of ``<home>/run/<name>.json``: a running server, for other processes of the home."""

    name: str
    pid: int
    started: float
    """Creation time of ``pid`` as the kernel tells it: a reused process id is recognised."""
    owner: int
    owner_started: float
    port: int


def record_path(home: Path, name: str) -> Path:
    """The path of a server's record, which is removed when the server is stopped in good order."""
    return home / "run" / f"{name}.json"


def log_path(home: Path, name: str) -> Path:
    """The log of a server."""
    return home / "logs" / f"{name}.log"


def read_record(home: Path, name: str) -> ServerRecord | None:
    """The record of a server, or ``None``; a record that cannot be read counts as none."""
    try:
        return ServerRecord(**json.loads(record_path(home, name).read_text()))
    except (FileNotFoundError, NotADirectoryError, json.JSONDecodeError, TypeError):
        return None


def creation_time(pid: int) -> float | None:
    """The time at which the process was created; ``None`` if it is gone (a zombie is gone)."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
    except psutil.NoSuchProcess:
        return None


def is_same_process(pid: int, started: float) -> bool:
    """Whether ``pid`` is still the process that was created at ``started`` (within a second).

    A second, because the kernel counts from boot and the boot time moves with clock corrections.
    """
    created = creation_time(pid)
    return created is not None and abs(created - started) < 1.0


def free_port(preferred: int | None = None) -> int:
    """A free port of 127.0.0.1; ``preferred`` if it is free."""
    for port in (preferred, 0) if preferred else (0,):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port or 0))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ServiceError("No port of 127.0.0.1 is free.", remedy="Close programs that listen.")


def last_lines(path: Path, lines: int = _LOG_LINES_IN_ERRORS) -> str:
    """The end of a log in one line, for an error message."""
    if not path.exists():
        return "(no log)"
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - 8192))
        text = stream.read().decode(errors="replace").splitlines()
    return " | ".join(line.strip() for line in text[-lines:] if line.strip())


class ServerProcess:
    """A started server and its guard; `stop` ends both, and so does the end of this process."""

    def __init__(
        self, home: Path, name: str, guard: "subprocess.Popen[bytes]", pipe: int, pid: int
    ) -> None:
        self.home = home
        self.name = name
        self.pid = pid
        self._guard = guard
        self._pipe: int | None = pipe

    @property
    def log(self) -> Path:
        """The path of the server's output."""
        return log_path(self.home, self.name)

    def alive(self) -> bool:
        """Whether the server runs; a guard ends with its server."""
        return self._guard.poll() is None

    def record(self, port: int) -> None:
        """Write the record that lets other processes of the home use this server."""
        started = creation_time(self.pid)
        owner_started = creation_time(os.getpid())
        if started is None or owner_started is None:
            raise self.failure("ended while it was starting")
        fields = {"name": self.name, "pid": self.pid, "started": started, "port": port}
        owner = {"owner": os.getpid(), "owner_started": owner_started}
        write_text(record_path(self.home, self.name), json.dumps({**fields, **owner}))

    def failure(self, what: str) -> ServiceError:
        """The error that says what happened, with the end of the log."""
        return ServiceError(
            f"{self.name} {what}; its log ends: {last_lines(self.log)}",
            remedy=f"Read {self.log}; `ml-platform doctor` names ports, disk and stale processes.",
        )

    def wait_until(self, ready: Callable[[], bool], timeout: float, every: float = 0.03) -> None:
        """Poll ``ready`` until it holds; `ServiceError` if the server ends or ``timeout`` seconds pass."""
        until = time.monotonic() + timeout
        while not ready():
            if not self.alive():
                raise self.failure(f"ended with exit code {self._guard.returncode}")
            if time.monotonic() > until:
                raise self.failure(f"was not ready within {timeout:.0f} s")
            time.sleep(every)

    def wait(self) -> int:
        """Wait until the server has ended by itself, and return the exit code that its guard reports."""
        return self._guard.wait()

    def stop(self, timeout: float = 20.0) -> None:
        """Ask the guard to take the server down and wait for both; calling it twice is fine."""
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None
        try:
            self._guard.wait(timeout)
        except subprocess.TimeoutExpired:
            # The guard's own graces are shorter; only a stopped (SIGSTOP) guard gets here.
            self._guard.kill()
            self._guard.wait()
            end_process(self.pid, creation_time(self.pid) or 0.0, signal.SIGKILL, 5.0)
        recorded = read_record(self.home, self.name)
        if recorded is not None and recorded.pid == self.pid:
            record_path(self.home, self.name).unlink(missing_ok=True)


def start_server(
    home: Path,
    name: str,
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str],
    stop_signal: signal.Signals = signal.SIGTERM,
    grace: float = 5.0,
    user: tuple[int, int] | None = None,
    cwd: Path | None = None,
) -> ServerProcess:
    """Start ``command`` under a guard; its output goes to ``<home>/logs/<name>.log``.

    Args:
        home: The home folder.
        name: Names the log and the record.
        command: Program (by path) and arguments; no secrets, since every user sees them.
        environment: All of the server's environment.
        stop_signal: What asks the server to end (PostgreSQL: SIGINT, a fast shutdown).
        grace: Seconds between that and SIGKILL to its process group and descendants.
        user: (uid, gid) to run as, when this process is root.
        cwd: Working directory; the home by default.
    """
    log = log_path(home, name)
    log.parent.mkdir(parents=True, exist_ok=True)
    read_end, write_end = os.pipe()
    order = {
        "command": [str(part) for part in command],
        "log": str(log),
        "cwd": str(cwd or home),
        "uid": user[0] if user else None,
        "gid": user[1] if user else None,
        "stop_signal": int(stop_signal),
        "grace": grace,
        "pipe": read_end,
        "parent": os.getpid(),
    }
    with log.open("ab") as errors:
        guard = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_GUARD), json.dumps(order)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=dict(environment),
            pass_fds=(read_end,),
            start_new_session=True,
        )
    os.close(read_end)
    assert guard.stdout is not None
    first_line = guard.stdout.readline()
    guard.stdout.close()
    if not first_line.strip():
        os.close(write_end)
        code = guard.wait()
        raise ServiceError(
            f"The guard of {name} ended with exit code {code}: {last_lines(log)}",
            remedy=f"Read {log}.",
        )
    return ServerProcess(home, name, guard, write_end, int(first_line))


def still_runs(process: ServerProcess | None, borrowed: ServerRecord | None) -> bool:
    """Whether a server still runs that this process started, or that it ``borrowed`` from another one."""
    if process is not None:
        return process.alive()
    return borrowed is None or is_same_process(borrowed.pid, borrowed.started)


def end_process(pid: int, started: float, number: signal.Signals, timeout: float) -> bool:
    """Signal one process, if it is still the one that was created at ``started``, and wait for its end."""
    until = time.monotonic() + timeout
    if is_same_process(pid, started):
        os.kill(pid, number)
    while is_same_process(pid, started):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def end_with(pid: int, started: float) -> None:
    """End this process, wherever it is, within half a second after the one that was created at ``started``.

    A forked process has another parent than the one that it works for; the kernel tells it nothing.
    """

    def follow() -> None:
        while is_same_process(pid, started):
            time.sleep(_LOOK_EVERY)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=follow, daemon=True, name=f"follow {pid}").start()
