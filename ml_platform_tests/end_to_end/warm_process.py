"""A process that has imported the libraries, and nothing of ours, and forks one command after the other.

Libraries cost a command up to 10 s of processor time to import, the same each time. Steps of a run are forked
from such a process, too (`ml_platform/defs/executor.py`). The platform itself is imported by each command, from the
folders that its environment names. Run as a script this is that process, as a module its client.
"""

import importlib
import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

LIBRARIES = (
    "dagster",
    "dagster_dbt",
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


@dataclass(frozen=True)
class Ended:
    """A command that has ended: what it wrote, and its exit code as `subprocess` counts them."""

    out: str
    err: str
    code: int


class WarmProcess:
    """The client: starts the process, and ends with its own."""

    def __init__(self, environment: dict[str, str]) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env=environment,
            )
        self._socket = ours
        self._replies = ours.makefile("r")

    def run(
        self, command: list[str], environment: dict[str, str], folder: Path, seconds: float
    ) -> Ended:
        """Run a console script of ours with its arguments; its output passes through files in ``folder``.

        Raises:
            subprocess.TimeoutExpired: it took longer than ``seconds``, and was killed.
        """
        asked = {"command": command, "environment": environment, "folder": str(folder)}
        self._socket.settimeout(seconds)
        self._socket.sendall(json.dumps(asked).encode() + b"\n")
        pid = int(self._replies.readline())
        try:
            code = int(self._replies.readline())
        except TimeoutError:
            os.kill(pid, signal.SIGKILL)
            self._process.kill()  # its reply is half read: the next command gets another process
            raise subprocess.TimeoutExpired(command, seconds) from None
        out, err = ((folder / name).read_text() for name in ("out", "err"))
        return Ended(out, err, code)

    def alive(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
        self._replies.close()
        self._socket.close()
        self._process.wait()


def serve(connection: socket.socket) -> dict[str, object]:
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
    sys.path[:] = [str(Path(command[0]).parent), *_entries(environment), *installed]
    for name in inherited.keys() - environment.keys():
        os.environ.pop(name, None)
    os.environ.update(environment)
    sys.argv[:] = command
    sys.modules["__main__"].__file__ = command[0]
    sys.modules["numpy"].random.seed()  # else all would draw the same
    for descriptor, name in ((1, "out"), (2, "err")):
        written = os.open(Path(folder, name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(written, descriptor)
        os.close(written)


def _entries(environment: dict[str, str]) -> list[str]:
    return [entry for entry in environment.get("PYTHONPATH", "").split(os.pathsep) if entry]


def main() -> NoReturn:
    inherited = dict(os.environ)
    for name in LIBRARIES:
        importlib.import_module(name)
    assert not any(name.partition(".")[0] == "ml_platform" for name in sys.modules)
    become(inherited, **serve(socket.socket(fileno=int(sys.argv[1]))))  # type: ignore[arg-type]
    from ml_platform.cli.main import main as command

    command()
    raise AssertionError("it exits")


if __name__ == "__main__":
    main()
