"""A home in one file, taken while everything runs, and a home made of such a file, on this machine or another.

The databases are dumped first, each as of one moment: Dagster's, MLflow's, the ledger's. Then come the files, which
are there before the ledger names them. So whatever the ledger of the backup names is in the backup; what has come
later than its database is made again, or found, by the next run.
"""

import hashlib
import io
import json
import os
import shutil
import stat
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import IO

from ml_platform import files
from ml_platform.adapters.database_urls import DATABASES, DatabaseUrls
from ml_platform.errors import IntegrityError, UsageError
from ml_platform.home import FORMAT
from ml_platform.settings import Settings

CONTENTS = "backup.json"
"""The last file of a backup: what it holds, with the SHA-256 of each file. Without it the file was cut off."""
_HOME, _DUMPS = "home", "databases"
_KIND = "ml-platform backup 1"
_BLOCK = 1 << 20
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Backup:
    """What a backup holds."""

    path: Path
    files: int
    size_bytes: int
    """Of the whole file."""
    taken_at: datetime
    format: int
    """Of the home."""


def take_backup(settings: Settings, urls: DatabaseUrls, path: Path, progress: Progress) -> Backup:
    """Write the home and its databases to ``path``, whole or not at all; only its owner may read it.

    Raises:
        UsageError: the file lies in the home.
        ServiceError: a database does not answer, or files change faster than they can be copied.
    """
    from ml_platform.adapters.database_copies import dump_database
    from ml_platform.adapters.home_snapshot import snapshot
    from ml_platform.adapters.serving.spool import held

    if path.resolve().is_relative_to(settings.home):
        raise UsageError(f"{path} lies in the home.", remedy="name a file outside of it")
    taken_at = datetime.now(UTC)
    with _staging(settings.home / "run" / "backup") as staging, files.replacing(path) as beside:
        beside.touch(mode=0o600)
        (staging / _DUMPS).mkdir()
        # An answer that lay in a spool when its table was dumped must lie there still when the files are copied.
        with held(settings.spool):
            for name in DATABASES:
                dump_database(getattr(urls, name), staging / _DUMPS / f"{name}.dump")
                progress(f"database {name}")
            snapshot(settings.home, staging / _HOME)
        hashes = _pack(staging, beside, taken_at)
        progress(f"{len(hashes):,} files")
    return Backup(path, len(hashes), path.stat().st_size, taken_at, FORMAT)


def restore_backup(settings: Settings, path: Path, progress: Progress) -> Backup:
    """Make the home of a backup, whole or not at all; every hash is checked before anything is used.

    Raises:
        UsageError: there is something in the home already, or a database of the settings is not empty.
        IntegrityError: the file is no backup, was cut off or has changed.
    """
    home = settings.home
    if home.exists() and any(home.iterdir()):
        raise UsageError(
            f"There is something in {home} already; nothing was changed.",
            remedy="name another --home, or one that is empty",
        )
    with _staging(home.with_name(f"{home.name}.restored")) as staging:
        backup = _unpack(path, staging)
        progress(f"{backup.files:,} files, every hash is right")
        made = staging / _HOME
        made.chmod(0o700)
        _fill_databases(settings, made, staging / _DUMPS, progress)
        shutil.rmtree(made / "run", ignore_errors=True)  # of the server that has just ended
        if home.exists():
            home.rmdir()
        made.rename(home)
    return backup


def _fill_databases(settings: Settings, home: Path, dumps: Path, progress: Progress) -> None:
    """Restore the three databases: into the server of the settings, else into one of the home's own."""
    from ml_platform.adapters.database_copies import restore_database
    from ml_platform.adapters.database_urls import create_databases, database_urls
    from ml_platform.adapters.postgres import start_postgres

    own = None
    if settings.database_url is None:
        own = start_postgres(home)
        urls = own.urls
    else:
        urls = database_urls(settings.database_url)
        create_databases(urls)
    try:
        for name in DATABASES:
            restore_database(getattr(urls, name), dumps / f"{name}.dump")
            progress(f"database {name}")
    finally:
        if own is not None:
            own.stop()


@contextmanager
def _staging(place: Path) -> Iterator[Path]:
    """A folder to work in, for the owner alone, removed at the end."""
    folder = place.with_name(f"{place.name}.{os.getpid()}{files.TEMPORARY_SUFFIX}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _pack(folder: Path, path: Path, taken_at: datetime) -> dict[str, str]:
    """Write every file below ``folder`` to the archive ``path``, then what it holds; the hashes by name."""
    hashes: dict[str, str] = {}
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        for file in sorted(place for place in folder.rglob("*") if place.is_file()):
            name = file.relative_to(folder).as_posix()
            with file.open("rb") as stream:
                # The size is that of this moment: a file that grows meanwhile is cut there.
                member = _member(name, os.fstat(stream.fileno()))
                reader = _Hashing(stream)
                archive.addfile(member, reader)
                hashes[name] = reader.digest.hexdigest()
        contents = {
            "kind": _KIND,
            "format": FORMAT,
            "release": metadata.version("ml-platform"),
            "taken_at": taken_at.isoformat(),
            "files": hashes,
        }
        text = json.dumps(contents, indent=1, sort_keys=True).encode()
        member = tarfile.TarInfo(CONTENTS)
        member.size, member.mode = len(text), 0o600
        archive.addfile(member, io.BytesIO(text))
    return hashes


def _member(name: str, state: os.stat_result) -> tarfile.TarInfo:
    """A file of the archive; nobody owns it, so that whoever restores it does."""
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = (
        state.st_size,
        stat.S_IMODE(state.st_mode),
        int(state.st_mtime),
    )
    return member


class _Hashing:
    """A file that is hashed while it is read."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        content = self._stream.read(size)
        self.digest.update(content)
        return content


def _unpack(path: Path, folder: Path) -> Backup:
    """Write the files of a backup below ``folder``, and hold each against its hash."""
    found: dict[str, str] = {}
    text = b""
    try:
        with tarfile.open(path, "r:") as archive:
            for member in archive:
                stream = archive.extractfile(member) if member.isreg() else None
                if stream is None or not _stays_inside(member.name):
                    raise _damaged(path, f"{member.name} is no plain file of a home")
                if member.name == CONTENTS:
                    text = stream.read()
                    continue
                found[member.name] = _written(stream, folder / member.name, member.mode)
        contents = json.loads(text)
        expected, kind = contents["files"], contents["kind"]
        home_format, taken_at = (
            int(contents["format"]),
            datetime.fromisoformat(contents["taken_at"]),
        )
    except FileNotFoundError as error:
        raise UsageError(f"There is no file {path}.", remedy="name a backup") from error
    except (tarfile.TarError, EOFError, ValueError, KeyError, TypeError) as error:
        raise _damaged(path, str(error) or "it was cut off") from error
    if kind != _KIND or home_format > FORMAT:
        raise UsageError(
            f"{path} is a backup of release {contents.get('release')} (format {home_format}); this release reads "
            f"up to format {FORMAT}.",
            remedy="restore it with that release",
        )
    wrong = sorted(
        name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)
    )
    if wrong:
        raise _damaged(path, f"{wrong[0]} is not what was written ({len(wrong)} in all)")
    return Backup(path, len(found), path.stat().st_size, taken_at, home_format)


def _stays_inside(name: str) -> bool:
    parts = Path(name).parts
    return (
        bool(parts)
        and not Path(name).is_absolute()
        and ".." not in parts
        and (name == CONTENTS or parts[0] in (_HOME, _DUMPS))
    )


def _written(stream: IO[bytes], path: Path, mode: int) -> str:
    """Write a file, and return its SHA-256."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    digest = hashlib.sha256()
    with path.open("xb") as target:
        while block := stream.read(_BLOCK):
            digest.update(block)
            target.write(block)
    path.chmod((mode & 0o700) | stat.S_IRUSR | stat.S_IWUSR)
    return digest.hexdigest()


def _damaged(path: Path, fault: str) -> IntegrityError:
    return IntegrityError(
        f"{path} is no whole backup: {fault}; nothing was restored.", remedy="take another backup"
    )
