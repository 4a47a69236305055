"""The manifest of a home: every stored file with the SHA-256 of its bytes, in one SQLite file beside the folders.

It is the one owner of what is stored, and with which hash: lake, quarantine, features, training sets, records and
pages are written through it and read against it. A file replaces another in three steps, so that a process may be
killed between any two of them: the new hash is announced, the file is renamed into its place, the hash is
confirmed. While a hash is announced and not yet confirmed, the old file and the new one are both right.

Hashes tell of damage, not of intent: whoever may write to the home can write to its manifest as well.
"""

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ml_platform import files, values
from ml_platform.errors import IntegrityError

T = TypeVar("T")

MANIFEST_FILE = "manifest.sqlite"
FOLDERS = ("lake", "quarantine", "features", "training_sets", "reports", "records", "online")
"""The folders of a home in which nothing may lie that the manifest does not know."""
DAMAGED = "damaged"
"""The folder of a home to which files that were forgotten are moved."""
_WAIT_SECONDS = 30.0
"""How long a process waits for another one that writes the manifest."""
_READERS = 4
_TABLE = """
CREATE TABLE IF NOT EXISTS stored_files (
    path TEXT PRIMARY KEY, sha256 TEXT, announced TEXT, CHECK (sha256 IS NOT NULL OR announced IS NOT NULL)
) WITHOUT ROWID
"""


@dataclass(frozen=True)
class StoredFile:
    """One file as the manifest knows it; hashes are hexadecimal."""

    sha256: str | None
    """The SHA-256 of its confirmed bytes; ``None`` while its first write has not been confirmed."""
    announced: str | None
    """The SHA-256 of bytes that were about to replace them; ``None`` when no write is under way."""

    def allows(self, sha256: str | None) -> bool:
        """Whether a file with this hash (``None``: no file) is what was stored."""
        return sha256 == self.sha256 or (sha256 is not None and sha256 == self.announced)


@dataclass(frozen=True)
class FileFault:
    """A stored file that is not what was stored."""

    path: Path
    detail: str


class Manifest:
    """The stored files below one folder (a home), by their path relative to it.

    May be used by several threads and processes: each operation is a transaction of its own.
    """

    def __init__(self, home: Path) -> None:
        self.home = Path(os.path.abspath(home))

    @contextmanager
    def replacing(self, *paths: Path) -> Iterator[tuple[Path, ...]]:
        """Yield a path beside each of ``paths`` to write to; at the end they become ``paths``, and are known.

        On an error nothing is replaced, and what was written is removed.
        """
        if not paths:
            yield ()
            return
        with ExitStack() as places:
            beside = tuple(places.enter_context(files.replacing(path)) for path in paths)
            yield beside
            hashes = dict(
                zip(map(self._name, paths), _each(values.file_sha256, beside), strict=True)
            )
            self._announce(hashes)
        self._confirm(hashes)

    def write_bytes(self, path: Path, content: bytes) -> None:
        """Write a small file whole or not at all."""
        with self.replacing(path) as (beside,):
            beside.write_bytes(content)

    def write_text(self, path: Path, content: str) -> None:
        """Write a small UTF-8 file whole or not at all."""
        self.write_bytes(path, content.encode())

    def require(self, *paths: Path) -> None:
        """Refuse files that are not what was stored under their paths.

        Raises:
            IntegrityError: one was changed, is gone or was never stored; its path and the remedy are named.
        """
        self._refuse(self._faults_of(paths))

    def has(self, path: Path, sha256: str) -> bool:
        """Whether this file is stored with this hash, and still has it."""
        stored = self._rows([self._name(path)]).get(self._name(path))
        return stored is not None and stored.sha256 == sha256 == _sha256_of(path)

    def require_folder(self, folder: Path) -> None:
        """Refuse a folder in which a file was changed, is gone or was added.

        Raises:
            IntegrityError: the first such file is named, with the remedy.
        """
        self._refuse(self.faults(folder))

    def faults(self, folder: Path) -> tuple[FileFault, ...]:
        """Every file in ``folder``, or below it, that was changed, is gone, or that nobody stored."""
        stored = self.stored(folder)
        present = {self._name(path): path for path in _files_in(folder)}
        return self._faults_of(
            [present.get(name, self.home / name) for name in {**stored, **present}]
        )

    def stored(self, folder: Path) -> dict[str, StoredFile]:
        """What is stored in ``folder`` or below it, by path relative to the home."""
        start = f"{self._name(folder)}/"
        query = "SELECT path, sha256, announced FROM stored_files WHERE substr(path, 1, ?) = ?"
        if not (self.home / MANIFEST_FILE).exists():
            return {}
        rows = self._transaction(lambda db: db.execute(query, (len(start), start)).fetchall())
        return {path: StoredFile(sha256, announced) for path, sha256, announced in rows}

    def adopt(self, folder: Path) -> None:
        """Take everything in ``folder`` as it is, and forget what is gone: after a migration has rewritten it."""
        gone = self.stored(folder)
        hashes = {self._name(path): values.file_sha256(path) for path in _files_in(folder)}

        def adopted(db: sqlite3.Connection) -> None:
            db.executemany("DELETE FROM stored_files WHERE path = ?", [(name,) for name in gone])
            db.executemany("INSERT INTO stored_files VALUES (?, ?, NULL)", hashes.items())

        self._transaction(adopted)

    def forget(self, path: Path) -> Path | None:
        """Forget a file; if it is there, it is moved to `DAMAGED`, and its new place returned.

        Raises:
            IntegrityError: the manifest does not know the file, and it is not there.
        """
        name = self._name(path)
        known = name in self._rows([name])
        if not known and not path.exists():
            raise IntegrityError(
                f"The manifest of {self.home} knows no file {name}.",
                remedy="`ml-platform verify` names the files that are at fault",
            )
        moved = None
        if path.exists():
            moved = self.home / DAMAGED / name
            moved.parent.mkdir(parents=True, exist_ok=True)
            path.replace(moved)
        self._transaction(lambda db: db.execute("DELETE FROM stored_files WHERE path = ?", (name,)))
        return moved

    def remove(self, *paths: Path) -> None:
        """Delete files, in the order given, and forget them; a process may be killed between any two of them.

        Until a file is forgotten it may be there or not: it is known as one whose first write was never confirmed.
        """
        names = [(self._name(path),) for path in paths]
        leaving = (
            "UPDATE stored_files SET announced = sha256, sha256 = NULL "
            "WHERE path = ? AND sha256 IS NOT NULL"
        )
        self._transaction(lambda db: db.executemany(leaving, names))
        for path in paths:
            path.unlink(missing_ok=True)
        self._transaction(
            lambda db: db.executemany("DELETE FROM stored_files WHERE path = ?", names)
        )

    def _announce(self, hashes: dict[str, str]) -> None:
        """Say which bytes are about to come; a write that a killed process left open is settled first."""
        stored = self._rows(hashes)
        open_ends = [name for name, file in stored.items() if file.announced is not None]
        settled = {
            name: sha256
            for name, sha256 in zip(
                open_ends, _each(_sha256_of, [self.home / name for name in open_ends]), strict=True
            )
            if stored[name].allows(sha256)
        }

        def announced(db: sqlite3.Connection) -> None:
            db.executemany(
                "UPDATE stored_files SET sha256 = ? WHERE path = ?",
                [(sha256, name) for name, sha256 in settled.items()],
            )
            db.executemany(
                "INSERT INTO stored_files VALUES (?, NULL, ?) "
                "ON CONFLICT (path) DO UPDATE SET announced = excluded.announced",
                hashes.items(),
            )

        self._transaction(announced)

    def _confirm(self, hashes: dict[str, str]) -> None:
        statement = (
            "UPDATE stored_files SET sha256 = announced, announced = NULL "
            "WHERE path = ? AND announced = ?"
        )
        self._transaction(lambda db: db.executemany(statement, hashes.items()))

    def _faults_of(self, paths: Sequence[Path]) -> tuple[FileFault, ...]:
        """The faults of ``paths``, looked at twice: another process may replace a file during the first look."""
        faults = self._compared(paths)
        return self._compared([fault.path for fault in faults]) if faults else ()

    def _compared(self, paths: Sequence[Path]) -> tuple[FileFault, ...]:
        """The faults of ``paths``; every file that is there is read whole."""
        stored = self._rows(self._name(path) for path in paths)
        faults = []
        for path, sha256 in zip(paths, _each(_sha256_of, paths), strict=True):
            file = stored.get(self._name(path))
            if file is None:
                detail = (
                    "it is not in the manifest" if sha256 is not None else "it was never stored"
                )
            elif file.allows(sha256):
                continue
            elif sha256 is None:
                detail = "the file is missing"
            else:
                expected = file.sha256 or file.announced or ""
                detail = f"SHA-256 is {sha256[:12]}, recorded is {expected[:12]}"
            faults.append(FileFault(path, detail))
        return tuple(faults)

    def _refuse(self, faults: Sequence[FileFault]) -> None:
        if not faults:
            return
        others = f" ({len(faults) - 1} more)" if len(faults) > 1 else ""
        path = faults[0].path
        raise IntegrityError(
            f"{path} is not what was stored: {faults[0].detail}{others}.",
            remedy=f"restore it from a backup, or `ml-platform verify --home {self.home} --forget {path}` and "
            "ingest its source again (features, training sets, pages: materialise)",
        )

    def _rows(self, names: Iterable[str]) -> dict[str, StoredFile]:
        """The stored files of these names."""
        if not (self.home / MANIFEST_FILE).exists():
            return {}
        query = "SELECT sha256, announced FROM stored_files WHERE path = ?"

        def found(db: sqlite3.Connection) -> dict[str, StoredFile]:
            rows = {name: db.execute(query, (name,)).fetchone() for name in names}
            return {name: StoredFile(*row) for name, row in rows.items() if row is not None}

        return self._transaction(found)

    def _transaction(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work`` whole or not at all.

        Raises:
            IntegrityError: the manifest itself cannot be read or written.
        """
        path = self.home / MANIFEST_FILE
        try:
            with closing(sqlite3.connect(path, timeout=_WAIT_SECONDS)) as db, db:
                if not path.stat().st_size:
                    db.execute(_TABLE)
                return work(db)
        except sqlite3.Error as error:
            raise IntegrityError(
                f"The manifest {path} cannot be used: {error}.",
                remedy="free some space or correct the permissions; if it is damaged, restore it from a backup",
            ) from error

    def _name(self, path: Path) -> str:
        """The path relative to the home, with slashes."""
        return Path(os.path.abspath(path)).relative_to(self.home).as_posix()


def manifest_beside(folder: Path) -> Manifest:
    """The manifest that lists ``folder``: it lies beside it."""
    return Manifest(folder.parent)


def _files_in(folder: Path) -> list[Path]:
    """The files below ``folder``, but for what is being written at this moment."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith(files.TEMPORARY_SUFFIX)
    )


def _sha256_of(path: Path) -> str | None:
    try:
        return values.file_sha256(path)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None


def _each(function: Callable[[Path], T], paths: Sequence[Path]) -> list[T]:
    """The function of every path, by a few threads: hashing lets the others work meanwhile."""
    if len(paths) < 2:
        return [function(path) for path in paths]
    with ThreadPoolExecutor(min(_READERS, len(paths))) as pool:
        return list(pool.map(function, paths))
