"""A spool of answers on the local disk, for as long as PostgreSQL is away.

A file a process: JSON lines, flushed to the disk before anybody is answered. Its writer holds a lock on it;
whoever drains spools takes the files that nobody writes any more.
"""

import fcntl
import os
import uuid
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import BinaryIO

import msgspec

from ml_platform import files
from ml_platform.errors import ServiceError
from ml_platform.serving.answer_row import AnswerRow, days_of

SPOOL_SUFFIX = ".spool"
REFUSED_SUFFIX = ".refused"
"""Ending of a file of answers that PostgreSQL takes from nobody, after the name of their spool."""
MOST_BYTES = 256 * 1024 * 1024
"""What all spools of a home may take together; beyond it nobody is answered."""
_ENCODER, _DECODER = msgspec.json.Encoder(), msgspec.json.Decoder(AnswerRow)


class SpoolFull(ServiceError):
    """Neither PostgreSQL nor the local disk takes the answer: it must not be given."""


class Spool:
    """The spool of one process."""

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        """Nothing is written before the first `append`."""
        self._folder = folder
        self._most = most_bytes
        self._descriptor: int | None = None

    def append(self, rows: Sequence[AnswerRow]) -> None:
        """Return when the rows are on the disk.

        Raises:
            SpoolFull: the disk, or the spool's share of it, is full; nothing of the rows stays.
        """
        content = b"".join(map(line_of, rows))
        try:
            if spooled_bytes(self._folder) + len(content) > self._most:
                raise OSError(f"the spool holds {self._most:,} bytes")
            descriptor = self._opened()
            end = os.fstat(descriptor).st_size
            try:
                _write_all(descriptor, content)
                os.fdatasync(descriptor)
            except OSError:
                os.ftruncate(descriptor, end)
                raise
        except OSError as error:
            raise SpoolFull(
                f"Answers can be logged neither in PostgreSQL nor in {self._folder}: {error}.",
                remedy="bring PostgreSQL back, or make room on the disk",
            ) from error

    def close(self) -> None:
        """Leave the file to whoever drains spools."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _opened(self) -> int:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        while self._descriptor is None:
            # A name of its own: ids of processes come again, and what was left under one may just be drained.
            path = self._folder / f"{os.getpid()}-{uuid.uuid4().hex}{SPOOL_SUFFIX}"
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_nlink:
                _flush_folder(self._folder)
                self._descriptor = descriptor
            else:  # it was drained between its making and its lock
                os.close(descriptor)
        return self._descriptor


@dataclass(frozen=True)
class LeftSpool:
    """A spool that nobody writes any more; whoever was given it has it locked."""

    path: Path
    rows: tuple[AnswerRow, ...]
    unreadable: tuple[bytes, ...]
    """Whole lines that are no answers of this release."""

    def set_aside(self, lines: Sequence[bytes]) -> Path:
        """Keep these lines beside the spool, on the disk; the path of the file, which nobody drains."""
        path = self.path.with_name(self.path.name + REFUSED_SUFFIX)
        with files.replacing(path) as beside:
            beside.touch(mode=0o600)
            beside.write_bytes(b"".join(lines))
        _flush_folder(path.parent)
        return path


def spooled_bytes(folder: Path) -> int:
    """The size of all spools in a folder."""
    return sum(state.st_size for _, state in _present(folder))


def spooled_days(folder: Path) -> frozenset[date]:
    """The days of the answers in all spools, those that are being written included."""
    paths = [path for path, _ in _present(folder)]
    rows = (row for path in paths for row in _whole_lines(path))
    return days_of(row for row in rows if isinstance(row, AnswerRow))


def lines_in(folder: Path) -> Iterator[AnswerRow | bytes]:
    """Every answer, and every line that is none, in all spools and in what was set aside of them."""
    for path, _ in _present(folder):
        yield from _whole_lines(path)
    for _, rows in refused_files(folder):
        yield from rows


def refused_files(folder: Path) -> Iterator[tuple[Path, tuple[AnswerRow | bytes, ...]]]:
    """What was set aside of spools: the files with their lines."""
    for path in sorted(folder.glob(f"*{REFUSED_SUFFIX}")):
        yield path, tuple(_whole_lines(path))


def left_spools(folder: Path, *, wait: bool = False) -> Iterator[LeftSpool]:
    """The spools that nobody writes any more, oldest first, each locked until the next is asked for.

    A line that a killed process left half written was never answered for, and is passed over. While somebody else
    drains the folder, or a backup holds it (`held`), there are none, unless the caller is to ``wait``.
    """
    with _locked(folder, wait=wait) as is_ours:
        for path, _ in _present(folder) if is_ours else ():
            with suppress(FileNotFoundError), path.open("rb") as stream:
                if not _is_left(path, stream):
                    continue
                found = [row for line in stream if (row := row_of(line)) is not None]
                yield LeftSpool(
                    path,
                    tuple(row for row in found if isinstance(row, AnswerRow)),
                    tuple(line for line in found if isinstance(line, bytes)),
                )


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Let nobody drain spools of this folder meanwhile; they are written all the same."""
    if folder.parent.exists():
        folder.mkdir(exist_ok=True, mode=0o700)
    with _locked(folder, wait=True):
        yield


def line_of(row: AnswerRow) -> bytes:
    """The line of an answer: a checksum, a space, JSON."""
    content = _ENCODER.encode(row)
    return b"%08x %b\n" % (zlib.crc32(content), content)


def row_of(line: bytes) -> AnswerRow | bytes | None:
    """The answer in a line; a whole line that is none as it is, and ``None`` of one that is not whole."""
    check, _, content = line.rstrip(b"\n").partition(b" ")
    if not line.endswith(b"\n") or check != b"%08x" % zlib.crc32(content):
        return None
    try:
        return _DECODER.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return line


def _whole_lines(path: Path) -> Iterator[AnswerRow | bytes]:
    """The lines of a spool; none of one that has just been drained."""
    with suppress(FileNotFoundError), path.open("rb") as stream:
        yield from (row for line in stream if (row := row_of(line)) is not None)


def _present(folder: Path) -> list[tuple[Path, os.stat_result]]:
    """The spools, oldest first; one that is drained at this moment is passed over."""
    found = []
    for path in folder.glob(f"*{SPOOL_SUFFIX}"):
        with suppress(FileNotFoundError):
            found.append((path, path.stat()))
    return sorted(found, key=lambda each: each[1].st_mtime)


@contextmanager
def _locked(folder: Path, *, wait: bool) -> Iterator[bool]:
    """Hold the lock of a folder of spools; whether it is ours. A folder that is not there has nothing to lock."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        yield True
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        is_ours = True
    except BlockingIOError:
        is_ours = False
    try:
        yield is_ours
    finally:
        os.close(descriptor)


def _is_left(path: Path, stream: BinaryIO) -> bool:
    """Lock a spool; whether nobody writes it, and it is still the one of this name."""
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return path.stat().st_ino == os.fstat(stream.fileno()).st_ino


def _write_all(descriptor: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
