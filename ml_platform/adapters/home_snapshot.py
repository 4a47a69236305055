"""The files of a home as they belong together at one moment, while others go on writing.

Every file is linked under a second name, which keeps its bytes when another one takes its place, and held against
the manifest of the same moment; what has changed in between is linked again.
"""

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from ml_platform import values
from ml_platform.adapters.manifest import FOLDERS, MANIFEST_FILE, Manifest
from ml_platform.errors import ServiceError
from ml_platform.files import TEMPORARY_SUFFIX

LEFT_OUT = frozenset(
    {"postgres", "run", "logs", "warehouse", "dbt", "run.lock", "day_digests.sqlite"}
)
"""What is dumped otherwise, made again, or of this machine alone; by name in the home."""
_ONLY_FOLDERS = "serving"
"""Of this folder what lies in its own folders is kept, the spools; its files are of this machine alone."""
_SQLITE_REMAINS = ("-journal", "-wal", "-shm")
_PATIENCE = 300.0
"""Seconds for the files and the manifest to be of one moment."""


def snapshot(home: Path, into: Path) -> None:
    """Fill the folder ``into``, on the file system of the home, with its files as they are at one moment.

    Raises:
        ServiceError: the files change faster than they can be linked.
    """
    hashes: dict[tuple[int, int, int], str] = {}
    until = time.monotonic() + _PATIENCE
    into.mkdir(parents=True, exist_ok=True)
    while True:
        for path in _files(home):
            _link(path, into / path.relative_to(home))
        _copy_database(home / MANIFEST_FILE, into / MANIFEST_FILE)
        faults = _faults(into, hashes)
        if not faults:
            return
        if time.monotonic() > until:
            raise ServiceError(
                f"The files of {home} change faster than they can be copied: {faults[0]} "
                f"({len(faults)} in all) is not what its manifest says.",
                remedy="wait for the run to end; `ml-platform verify` says whether the file is damaged",
            )
        for name in faults:
            (into / name).unlink(missing_ok=True)
        time.sleep(0.2)


def _files(home: Path) -> Iterator[Path]:
    """The files to keep, the manifest and what is being written left out."""
    for folder, folders, names in os.walk(home):
        place = Path(folder)
        top = place == home
        folders[:] = [
            name
            for name in folders
            if not name.endswith(TEMPORARY_SUFFIX) and not (top and name in LEFT_OUT)
        ]
        if place == home / _ONLY_FOLDERS:
            continue
        for name in names:
            manifest = top and (name in LEFT_OUT or name.startswith(MANIFEST_FILE))
            if not manifest and not name.endswith((TEMPORARY_SUFFIX, *_SQLITE_REMAINS)):
                yield place / name


def _link(path: Path, beside: Path) -> None:
    """Let ``beside`` have the bytes that ``path`` has now; a file that has gone meanwhile is left out."""
    with suppress(FileNotFoundError):
        if beside.exists() and path.samefile(beside):
            return
        beside.unlink(missing_ok=True)
        beside.parent.mkdir(parents=True, exist_ok=True)
        try:
            beside.hardlink_to(path)
        except FileNotFoundError:
            raise
        except OSError:  # another user's file, or a file system without links
            shutil.copyfile(path, beside)


def _copy_database(path: Path, copy: Path) -> None:
    """Copy a database of SQLite as of one moment."""
    copy.unlink(missing_ok=True)
    if path.exists():
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)


def _faults(home: Path, hashes: dict[tuple[int, int, int], str]) -> list[str]:
    """Names of the files that are not what the manifest beside them says; known ``hashes`` are not made again."""
    manifest, faults = Manifest(home), []
    for folder in FOLDERS:
        stored = manifest.stored(home / folder)
        present = {
            path.relative_to(home).as_posix()
            for path in (home / folder).rglob("*")
            if path.is_file()
        }
        for name in sorted(stored.keys() | present):
            file = stored.get(name)
            sha256 = _sha256(home / name, hashes) if name in present else None
            if file is None or not file.allows(sha256):
                faults.append(name)
    return faults


def _sha256(path: Path, hashes: dict[tuple[int, int, int], str]) -> str:
    state = path.stat()
    key = (state.st_ino, state.st_size, state.st_mtime_ns)
    if key not in hashes:
        hashes[key] = values.file_sha256(path)
    return hashes[key]
