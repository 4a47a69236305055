"""Locks, ports of last time and secrets that a home folder keeps for its servers."""

import fcntl
import logging
import os
import secrets
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ml_platform.adapters.processes import creation_time, end_with, is_same_process
from ml_platform.errors import ServiceError, UsageError
from ml_platform.files import write_text

_LOG = logging.getLogger(__name__)


@contextmanager
def locked(home: Path, name: str) -> Iterator[None]:
    """One process at a time decides who starts a server; the lock goes with its process."""
    path = home / "run" / f"{name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def make_home(home: Path) -> None:
    """The home folder, which only its owner enters; `UsageError` if it cannot be made.

    A folder that is there keeps its permissions but for those of the others and the group: a home holds events of
    people. Started by root, PostgreSQL runs as another user and is let walk through (`postgres.closed_folders`).
    """
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        mode = stat.S_IMODE(home.stat().st_mode)
        if mode & 0o076:
            home.chmod(mode & ~0o076)
    except OSError as error:
        raise UsageError(
            f"The home {home} cannot be made: {error.strerror}.", remedy="choose another --home"
        ) from error


_LENDER = "ML_PLATFORM_AT_WORK"
"""Names the process that lets others work under its lock, to its children: id, time of creation, home."""
_at_work: dict[Path, int] = {}
"""The number of times that this process holds the lock of each home: a command holds it, and its runs do."""


@contextmanager
def at_work(home: Path, waiting: Callable[[str], None] | None = None) -> Iterator[None]:
    """Commands and the daemon's runs change a home one at a time; within a process it may be nested.

    The process of a step works under the lock that its run has lent (`lent`).

    Args:
        home: The home folder.
        waiting: Told once if another process is at work, which is then waited for; by default that is
            an error at once.

    Raises:
        UsageError: another process is at work, and nobody wants to wait.
        ServiceError: the run that this process is a step of has ended.
    """
    if home in _at_work:
        _at_work[home] += 1
        try:
            yield
        finally:
            _at_work[home] -= 1
        return
    make_home(home)
    lender = _lender(home)
    with (home / "run.lock").open("a+") as stream, _steps_lock(home) as steps:
        if lender is None:
            _lock_or_wait(stream, home, waiting)
            fcntl.flock(steps, fcntl.LOCK_EX)  # steps of a run that was killed end at once
            fcntl.flock(steps, fcntl.LOCK_UN)
        else:
            fcntl.flock(steps, fcntl.LOCK_SH)
            _work_for(*lender)
        _at_work[home] = 1
        try:
            yield
        finally:
            del _at_work[home]


@contextmanager
def lent(home: Path) -> Iterator[None]:
    """Let processes that are started in the block work under the lock that this one holds; they end with it."""
    os.environ[_LENDER] = f"{os.getpid()} {creation_time(os.getpid())} {home}"
    try:
        yield
    finally:
        del os.environ[_LENDER]


def _lender(home: Path) -> tuple[int, float] | None:
    """The process that has lent this one the lock of ``home``, whether it lives or not: id and time of creation."""
    pid, _, rest = os.environ.get(_LENDER, "").partition(" ")
    started, _, lent_home = rest.partition(" ")
    return (int(pid), float(started)) if lent_home == str(home) else None


def _work_for(pid: int, started: float) -> None:
    """End with the run that has lent its lock; one that has ended before lets nobody work any more."""
    if not is_same_process(pid, started):
        raise ServiceError(
            "The run that this step belongs to has ended.", remedy="run the same command again"
        )
    end_with(pid, started)


def _steps_lock(home: Path) -> IO[str]:
    """The file that the processes of steps lock together, and that a new command waits for."""
    path = home / "run" / "steps.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("a")


def _lock_or_wait(stream: IO[str], home: Path, waiting: Callable[[str], None] | None) -> None:
    announced = False
    while True:
        try:
            return fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            message = f"Another command, or a run of Dagster's, is at work in {home}"
            if waiting is None:
                raise UsageError(
                    f"{message}.", remedy="wait for it, or choose another --home"
                ) from error
            if not announced:
                waiting(f"{message}: waiting for its end")
                announced = True
            time.sleep(0.3)


class Users:
    """The processes that use the servers of a home: who started one waits with its end for the others.

    A shared lock on ``<home>/run/users.lock`` that goes with its process. It is taken before servers
    are looked for: whoever stops them holds it alone, so nobody finds one that is about to end.
    """

    def __init__(self, home: Path) -> None:
        make_home(home)
        path = home / "run" / "users.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        self._stream = path.open("a")
        fcntl.flock(self._stream, fcntl.LOCK_SH)

    def wait_for_others(self) -> None:
        """Return when no other process uses the servers; until `leave`, newcomers wait."""
        try:
            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _LOG.warning(
                "the servers of this command are in use by another one: waiting for its end"
            )
            fcntl.flock(self._stream, fcntl.LOCK_EX)

    def leave(self) -> None:
        """Stop using the servers."""
        self._stream.close()


@contextmanager
def only_one(home: Path, name: str, what: str) -> Iterator[None]:
    """Hold a place that a home has once, such as that of its supervisor, until the block or the process ends.

    Args:
        home: The home folder.
        name: Names the lock file.
        what: The description of this process that a second one is shown.

    Raises:
        UsageError: another process has the place; the message says which.
    """
    make_home(home)
    path = home / "run" / f"{name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            stream.seek(0)
            raise UsageError(
                f"`ml-platform {name}` runs already in the home {home} ({stream.read().strip()}).",
                remedy="use that one, end it with Ctrl-C, or choose another --home",
            ) from error
        stream.truncate(0)
        stream.write(what)
        stream.flush()
        yield


def last_port(home: Path, name: str) -> int | None:
    """The port of last time, so that addresses and links stay valid between runs where they can."""
    path = home / "run" / f"{name}.port"
    text = path.read_text().strip() if path.exists() else ""
    return int(text) if text.isdigit() else None


def remember_port(home: Path, name: str, port: int) -> None:
    """Keep the port for the next time."""
    write_text(home / "run" / f"{name}.port", str(port))


def secret(home: Path, name: str) -> str:
    """A random secret of this home, made once, in a file (0600) that only its owner reads."""
    path = home / "secrets" / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.parent.chmod(0o700)
        write_text(path, secrets.token_urlsafe(24))
        path.chmod(0o600)
    return path.read_text()
