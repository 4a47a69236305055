"""Files that appear whole or not at all: written beside their place, flushed, then renamed."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TEMPORARY_SUFFIX = ".writing"
"""Ending of a file while it is written; what a killed process leaves is removed at the next start."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path beside ``path`` to write to; at the end it becomes ``path`` in one step.

    On an error (a full disk, an interrupt) the half-written file is removed and ``path`` stays as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{os.getpid()}{TEMPORARY_SUFFIX}")
    try:
        yield beside
        flush(beside)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def flush(path: Path) -> None:
    """Return when the bytes of a file are on the disk."""
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a small file whole or not at all."""
    with replacing(path) as beside:
        beside.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Write a small UTF-8 file whole or not at all."""
    write_bytes(path, content.encode())


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Yield a folder beside ``path`` to fill; at the end it becomes ``path`` in one step.

    A ``path`` that exists already is left alone and the new folder is dropped: names are hashes of the content.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{os.getpid()}{TEMPORARY_SUFFIX}")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir()
    try:
        yield beside
        if not path.exists():
            beside.replace(path)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def remove_leftovers(folder: Path) -> tuple[Path, ...]:
    """Remove what killed processes left half written below ``folder``; the removed paths.

    A file that a living process is writing stays, and so does one whose name has no process id.
    """
    leftovers = tuple(
        path for path in sorted(folder.rglob(f"*{TEMPORARY_SUFFIX}")) if _writer_is_gone(path)
    )
    for leftover in leftovers:
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)
    return leftovers


def _writer_is_gone(path: Path) -> bool:
    """Whether the process in ``<name>.<pid>.writing`` ended, or another one has its id by now."""
    import psutil

    pid = path.name.removesuffix(TEMPORARY_SUFFIX).rpartition(".")[2]
    if not pid.isdigit():
        return False
    try:
        return bool(psutil.Process(int(pid)).create_time() > path.stat().st_mtime + 1.0)
    except psutil.NoSuchProcess:
        return True
    except FileNotFoundError:
        return False  # it was finished meanwhile
