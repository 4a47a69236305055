"""Small things a home folder keeps for its servers: locks, ports of last time, secrets."""

import fcntl
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ml_platform.files import write_text


@contextmanager
def locked(home: Path, name: str) -> Iterator[None]:
    """One process at a time decides who starts a server; the lock goes with its process."""
    path = home / "run" / f"{name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def last_port(home: Path, name: str) -> int | None:
    """The port of last time, so that addresses and links stay true between runs where they can."""
    path = home / "run" / f"{name}.port"
    return int(path.read_text()) if path.exists() else None


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
