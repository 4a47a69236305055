"""Which versions a process asks at this moment, in a file that outlives it: so a version that ends it is known.

A file a process, of slots of the length of a hash; one in use has the hash of the version that is asked. Its
process holds a lock on it as long as it lives.
"""

import fcntl
import os
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ASKED = "asked"
"""Name of the folder of the marks, in that of the service."""
_SUFFIX = ".asked"
_SLOT = 64
_SLOTS = 16
_FREE = b"\0" * _SLOT


class AskedMarks:
    """The marks of one process."""

    def __init__(self, folder: Path) -> None:
        """Nothing is written before a version is asked.

        Args:
            folder: Where the marks of all processes lie.
        """
        self._folder = folder
        self._free = list(range(_SLOTS))
        self._descriptor: int | None = None
        self._opening = threading.Lock()

    @contextmanager
    def asking(self, artifact_sha256: str) -> Iterator[None]:
        """Say meanwhile that a version is asked; where the disk does not take that, it is asked all the same."""
        slot = self._free.pop() if self._free else None
        if slot is None:
            yield
            return
        self._write(slot, artifact_sha256.encode())
        try:
            yield
        finally:
            self._write(slot, _FREE)
            self._free.append(slot)

    def _write(self, slot: int, content: bytes) -> None:
        with suppress(OSError):
            os.pwrite(self._opened(), content, slot * _SLOT)

    def _opened(self) -> int:
        with self._opening:
            while self._descriptor is None:
                self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                path = self._folder / f"{os.getpid()}-{uuid.uuid4().hex}{_SUFFIX}"
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                if os.fstat(descriptor).st_nlink:
                    self._descriptor = descriptor
                else:  # it was taken for that of an ended process between its making and its lock
                    os.close(descriptor)
            return self._descriptor


@dataclass(frozen=True)
class EndedProcess:
    """A process that is no more, and what it asked in its last moment."""

    path: Path
    asked: frozenset[str]
    """Hashes of artifacts."""


def ended_processes(folder: Path) -> Iterator[EndedProcess]:
    """The processes that have ended and whose marks are there, each locked until the next is asked for."""
    for path in sorted(folder.glob(f"*{_SUFFIX}")):
        with suppress(FileNotFoundError, BlockingIOError), path.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            content = stream.read().decode()
            slots = (content[start : start + _SLOT] for start in range(0, len(content), _SLOT))
            yield EndedProcess(path, frozenset(slot for slot in slots if slot.strip("\0")))


def ended_while_asking(folder: Path) -> Counter[str]:
    """How many processes have ended while they asked a version, by the hash of its artifact."""
    return Counter(sha256 for ended in ended_processes(folder) for sha256 in ended.asked)


def forget_ended(folder: Path, but: frozenset[str]) -> None:
    """Remove the marks of processes that have ended, except those that name one of these hashes."""
    for ended in ended_processes(folder):
        if not ended.asked & but:
            ended.path.unlink()
