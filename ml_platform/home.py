"""What a home folder remembers between runs: its source, its clock and its secrets."""

import json
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import ValidationError

from ml_platform import files, values
from ml_platform.errors import IntegrityError, UsageError
from ml_platform.settings import Settings

FORMAT = 4
"""The stored form that this release reads and writes: of every value in ledger, records and folders of a home.

A change of a stored form raises it by one and comes with a migration (`application.migrate`); a home without a
number has format 1.
"""
_DATABASES = ("postgres", "postgresql")


@dataclass(frozen=True)
class SourceTraits:
    """What a source of another package says of itself; those of the platform itself are known by their kind."""

    simulated: bool
    live: bool


@dataclass(frozen=True)
class SourceChoice:
    """The source of a home as it was typed, with its options."""

    text: str
    days: int = 90
    users: int | None = None
    seed: int = 0
    parameters: str = "default"
    map_file: str | None = None
    query_file: str | None = None
    traits: SourceTraits | None = None
    """``None`` for sources of the platform itself."""

    @property
    def label(self) -> str:
        """The source as it may be shown to anybody: of a database only its host and name, no password."""
        kind, _, place = self.text.partition(":")
        if kind not in _DATABASES:
            return self.text
        try:
            url = urlsplit(place if "://" in place else self.text)
            if not url.netloc:
                raise ValueError
            return f"postgres:{url.hostname or '(local)'}/{url.path.strip('/').partition('?')[0]}"
        except ValueError:
            return "postgres:(a connection string)"

    @property
    def arguments(self) -> tuple[str, ...]:
        """The options of `ml-platform run` for the same source; a database's password is left out."""
        options: tuple[tuple[str, object], ...] = (("--source", self.label),)
        if self.text == "simulate":
            options += (
                ("--days", self.days),
                ("--users", self.users),
                ("--seed", self.seed),
                ("--parameters", self.parameters),
            )
        options += (("--map", self.map_file), ("--query-file", self.query_file))
        return tuple(
            word for name, value in options if value is not None for word in (name, str(value))
        )

    @property
    def simulated(self) -> bool:
        """Whether its events are simulated: every figure from them is labelled SIMULATED."""
        return self.text == "simulate" or (self.traits is not None and self.traits.simulated)

    @property
    def advances(self) -> bool:
        """Whether new events keep coming, so that the clock of the home moves with them."""
        if self.traits is not None:
            return self.traits.live and not self.traits.simulated
        return self.text.partition(":")[0] in _DATABASES

    @property
    def live(self) -> bool:
        """Whether it is expected to have events of the last hours; other sources are archives."""
        return self.simulated or self.advances


@dataclass(frozen=True)
class HomeState:
    """The source of a home, its clock, and the first window that is monitored."""

    source: SourceChoice
    as_of: datetime
    first_window: datetime
    settled: bool
    """Whether the clock was typed, or has been set to the end of an archive: it does not move any more."""
    format: int = FORMAT
    """The stored form of everything in the home."""

    @property
    def advances(self) -> bool:
        """Whether new events keep coming and the clock moves with them."""
        return self.source.advances and not self.settled


def home_file(settings: Settings) -> Path:
    """The file that holds the state of the home."""
    return settings.home / "home.json"


def stored_format(settings: Settings) -> int | None:
    """The format of the home as it is stored; ``None`` before its first run.

    Raises:
        IntegrityError: the file of the home cannot be read.
    """
    try:
        content = json.loads(home_file(settings).read_bytes())
        return int(content.get("format", 1))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, TypeError, AttributeError) as error:
        raise _unreadable(settings, str(error)) from error


def _unreadable(settings: Settings, fault: str) -> IntegrityError:
    return IntegrityError(
        f"{home_file(settings)} cannot be read: {fault}.",
        remedy="restore the file from a backup, or start with a new home folder",
    )


def require_format(settings: Settings) -> None:
    """Refuse a home that another release has written and this one cannot read.

    Raises:
        UsageError: the home has an older format, or a newer one.
    """
    home_format = stored_format(settings)
    if home_format is None or home_format == FORMAT:
        return
    what = f"The home {settings.home} has format {home_format}; this release reads format {FORMAT}."
    if home_format > FORMAT:
        raise UsageError(what, remedy="use the newer release of ml-platform that wrote it")
    raise UsageError(
        what,
        remedy=f"`ml-platform migrate --home {settings.home}` keeps its events, and archives "
        "what of its history this release cannot read",
    )


def read_home(settings: Settings) -> HomeState | None:
    """The stored state of a home; ``None`` before its first run.

    Raises:
        UsageError: another release has written it, see `require_format`.
        IntegrityError: the file of the home cannot be read.
    """
    require_format(settings)
    try:
        return values.from_json(HomeState, home_file(settings).read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, fault["loc"])) or "file"
        raise _unreadable(settings, f"{place}: {fault['msg']}") from error


def write_home(settings: Settings, state: HomeState) -> None:
    """Store the state of a home, whole or not at all."""
    with files.replacing(home_file(settings)) as beside:
        beside.touch(mode=0o600)  # the URL of a source may hold a password
        beside.write_text(values.to_json(state))


def user_key(settings: Settings) -> bytes:
    """The 32 bytes with which this home pseudonymises authors; made once, readable by its owner alone.

    Raises:
        UsageError: the stored key does not have 32 bytes.
    """
    path = settings.home / "secrets" / "user_key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with suppress(FileExistsError):
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as stream:
                stream.write(secrets.token_bytes(32))
    key = path.read_bytes()
    if len(key) != 32:
        raise UsageError(
            f"{path} holds {len(key)} bytes; a user key has 32.",
            remedy="restore the file from a backup, or start with a new home folder",
        )
    return key
