"""A process that has imported the libraries, if asked the platform as well, and forks one command after the other.

Libraries cost a command up to 10 s of processor time to import, the platform up to 3, the same each time. Steps of
a run are forked from such a process, too (`ml_platform/defs/executor.py`). Where the platform is not imported, each
command imports it from the folders that its environment names; where it is, lines of progress count their seconds
from that import. Run as a script this is that process, as a module its client.
"""

import importlib
import json
import os
import pkgutil
import runpy
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import psutil

LIBRARIES = (
    "dagster",
    "dagster_dbt",
    "dbt.graph",
    "dagster_postgres",
    "sqlalchemy",
    "alembic.config",
    "pandas",
    "pyarrow.parquet",
    "duckdb",
    "scipy.stats",
    "sklearn.ensemble",
    "onnxruntime",
    "mlflow",
    "great_expectations",
    "evidently",
    "matplotlib.figure",
    "shap",
)
"""What most commands import; torch is missing, since most do not."""
PLATFORM = (
    "ml_platform.cli",
    "ml_platform.application",
    "ml_platform.defs",
    "ml_platform.evaluation",
    "ml_platform.gates",
    "ml_platform.monitoring",
    "ml_platform.reporting",
    "ml_platform.adapters.ledger.postgres",
    "ml_platform.adapters.sources.dispatch",
    "ml_platform.events.sources.simulate",
)
"""Packages and modules of the platform that, with what they import, are what most commands import of it."""


@dataclass(frozen=True)
class Ended:
    """A command that has ended: what it wrote, and its exit code as `subprocess` counts them."""

    out: str
    err: str
    code: int


class WarmProcess:
    """The client: starts the process, with the platform imported or without, and ends with its own."""

    def __init__(self, environment: dict[str, str], *, platform: bool) -> None:
        ours, theirs = socket.socketpair()
        packages = PLATFORM if platform else ()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno()), *packages],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env=environment,
            )
        self._socket = ours
        self._replies = ours.makefile("r")

    def begin(
        self, command: list[str], environment: dict[str, str], folder: Path, seconds: float
    ) -> "Running":
        """Begin to run a console script of ours, or ``-m`` and a module, with its arguments.

        Its output passes through the files ``out`` and ``err`` of ``folder``, its input through ``in`` if there is
        one. The next command begins when this one has ended.
        """
        asked = {"command": command, "environment": environment, "folder": str(folder)}
        self._socket.settimeout(seconds)
        try:
            self._socket.sendall(json.dumps(asked).encode() + b"\n")
            return Running(self, command, int(self._replies.readline()), folder, seconds)
        except BaseException:
            self._give_up()
            raise

    def exit_code(self, running: "Running") -> int:
        """The exit code of the command that runs, once it has ended.

        Raises:
            subprocess.TimeoutExpired: it took longer than its seconds, and was killed.
        """
        try:
            return int(self._replies.readline())
        except BaseException as error:
            running.code = -signal.SIGKILL
            self._give_up()
            if isinstance(error, TimeoutError):
                raise subprocess.TimeoutExpired(running.command, running.seconds) from None
            raise

    def _give_up(self) -> None:
        """Kill it with the command that it has forked; the next gets another process.

        A reply that nobody waits for any more, as after a test that took too long, would be taken for the next one.
        """
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self._process.pid)
            process.suspend()  # it forks nothing more meanwhile
            for command in process.children():
                command.kill()
        self._process.kill()
        self._process.wait()

    def alive(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
        self._replies.close()
        self._socket.close()
        self._process.wait()


class Running:
    """A command that has begun."""

    def __init__(
        self, warm: WarmProcess, command: list[str], pid: int, folder: Path, seconds: float
    ) -> None:
        self._warm = warm
        self.command = command
        self.pid = pid
        self.folder = folder
        self.seconds = seconds
        self.code: int | None = None

    def error_lines(self) -> Iterator[str]:
        """The lines of its standard error, each as soon as it is written, until the command has ended."""
        written, until = self.folder / "err", time.monotonic() + self.seconds
        while not written.exists() and time.monotonic() < until:
            time.sleep(0.01)
        with written.open() as lines:
            line = ""
            while time.monotonic() < until:
                ended = not psutil.pid_exists(self.pid)
                line += lines.readline()
                if line.endswith("\n"):
                    yield line
                    line = ""
                elif ended:
                    return
                else:
                    time.sleep(0.01)
        raise subprocess.TimeoutExpired(self.command, self.seconds)

    def kill(self) -> bool:
        """End it with SIGKILL; whether it was still running."""
        if self.code is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            self.code = self._warm.exit_code(self)
        return self.code == -signal.SIGKILL

    def wait(self) -> Ended:
        """Its output and exit code, once it has ended."""
        if self.code is None:
            self.code = self._warm.exit_code(self)
        out, err = ((self.folder / name).read_text() for name in ("out", "err"))
        return Ended(out, err, self.code)


def serve(connection: socket.socket) -> dict[str, Any]:
    """Fork a process for each line that asks for one; return in the forked ones, with the line."""
    with connection, connection.makefile("r") as lines:
        for line in lines:
            pid = os.fork()
            if pid == 0:
                return dict(json.loads(line))
            connection.sendall(f"{pid}\n".encode())
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            connection.sendall(f"{code}\n".encode())
    os._exit(0)


def become(
    inherited: dict[str, str], command: list[str], environment: dict[str, str], folder: str
) -> None:
    """Make this process what a fresh one with this command and environment would be, but for its imports.

    What these have added to the environment that was ``inherited`` stays.
    """
    installed = sys.path[1 + len(_entries(inherited)) :]
    first = Path.cwd() if command[0] == "-m" else Path(command[0]).parent
    sys.path[:] = [str(first), *_entries(environment), *installed]
    for name in inherited.keys() - environment.keys():
        os.environ.pop(name, None)
    os.environ.update(environment)
    sys.argv[:] = command[1:] if command[0] == "-m" else command
    sys.modules["__main__"].__file__ = command[0]
    sys.modules["numpy"].random.seed()  # else all would draw the same
    given = Path(folder, "in")
    if given.exists():
        os.dup2(os.open(given, os.O_RDONLY), 0)
    for descriptor, name in ((1, "out"), (2, "err")):
        written = os.open(Path(folder, name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(written, descriptor)
        os.close(written)


def _entries(environment: dict[str, str]) -> list[str]:
    return [entry for entry in environment.get("PYTHONPATH", "").split(os.pathsep) if entry]


def _import_all(name: str) -> None:
    folders = getattr(importlib.import_module(name), "__path__", ())
    for module in pkgutil.walk_packages(folders, f"{name}."):
        importlib.import_module(module.name)


def main() -> NoReturn:
    inherited = dict(os.environ)
    for name in LIBRARIES:
        importlib.import_module(name)
    assert not any(name.partition(".")[0] == "ml_platform" for name in sys.modules)
    for name in sys.argv[2:]:
        _import_all(name)
    asked = serve(socket.socket(fileno=int(sys.argv[1])))
    become(inherited, **asked)
    if asked["command"][0] == "-m":
        runpy.run_module(asked["command"][1], run_name="__main__", alter_sys=True)
    from ml_platform.cli.main import main as command

    command()
    raise AssertionError("it exits")


if __name__ == "__main__":
    main()
