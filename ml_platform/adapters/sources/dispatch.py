"""The dispatch of sources: it opens the source that a name, such as ``git:/srv/project``, stands for."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from ml_platform.adapters.sources.from_outside import open_outside, outside_kinds
from ml_platform.errors import SourceError
from ml_platform.events.sources.base import Source
from ml_platform.home import SourceChoice
from ml_platform.settings import read_settings

PLATFORM_KINDS = ("simulate", "git:PATH", "files:DIR", "process-log:FILE", "postgres:URL")


@dataclass(frozen=True)
class SourceOptions:
    """The options of a source besides its name; each kind reads those that it needs."""

    as_of: datetime
    """The end of the simulation."""
    seed: int
    user_key: bytes = field(repr=False)
    """The secret key of the home, by which people become ids (`pseudonym`)."""
    days: int = 90
    users: int | None = None
    """Number of simulated users; ``None`` takes the simulator's default."""
    parameters: Literal["default", "second"] = "default"
    """Name of the simulator's set of parameters."""
    map_file: Path | None = None
    query_file: Path | None = None
    powerful_role: bool = False
    """Whether a database source may use a role that reaches more than rows."""


def open_source(choice: SourceChoice, as_of: datetime, user_key: bytes) -> Source:
    """The source that a home has chosen; nothing is read yet.

    Raises:
        SourceError: the kind is unknown, or an option that the kind needs is missing.
    """
    options = SourceOptions(
        as_of=as_of,
        seed=choice.seed,
        user_key=user_key,
        days=choice.days,
        users=choice.users,
        parameters="second" if choice.parameters == "second" else "default",
        map_file=Path(choice.map_file) if choice.map_file else None,
        query_file=Path(choice.query_file) if choice.query_file else None,
        powerful_role=read_settings().allow_powerful_role,
    )
    return parse_source(choice.text, options)


def parse_source(text: str, options: SourceOptions) -> Source:
    """The source that ``text`` names; nothing is read yet.

    Raises:
        SourceError: the kind is unknown, or an option that the kind needs is missing.
    """
    kind, colon, place = text.partition(":")
    if text == "simulate":
        return _simulate(options)
    if kind in ("postgres", "postgresql") and colon:
        return _postgres(text if place.startswith("//") else place, options)
    if kind in ("git", "files", "process-log") and place:
        return _local(kind, Path(place), options)
    if kind in outside_kinds() and place:
        return open_outside(kind, place, options)
    # What follows // may hold a password.
    shown = kind if "//" in place else text
    known = (*PLATFORM_KINDS, *(f"{name}:PLACE" for name in outside_kinds()))
    raise SourceError(f"There is no source {shown!r}.", remedy=f"Give one of {', '.join(known)}.")


def _local(kind: str, path: Path, options: SourceOptions) -> Source:
    from ml_platform.adapters.sources.files import FilesSource
    from ml_platform.adapters.sources.git import GitSource
    from ml_platform.adapters.sources.process_log import ProcessLogSource

    if kind == "git":
        return GitSource(path, options.user_key)
    if kind == "files":
        return FilesSource(path, options.map_file)
    return ProcessLogSource(path, options.user_key, options.map_file)


def _postgres(url: str, options: SourceOptions) -> Source:
    from ml_platform.adapters.sources.postgres import PostgresSource, readable_url

    if options.query_file is None:
        raise SourceError(
            "A postgres source needs the queries that read its tables.",
            remedy="Give --query-file FILE (docs/sources.md shows one).",
        )
    return PostgresSource(readable_url(url), options.query_file, options.powerful_role)


def _simulate(options: SourceOptions) -> Source:
    from ml_platform.events.sources.simulate import SimulateSource

    return SimulateSource(
        days=options.days,
        users=options.users,
        seed=options.seed,
        as_of=options.as_of,
        parameters=options.parameters,
    )
