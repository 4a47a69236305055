"""From what a person typed, such as ``git:/srv/project``, to the source it names."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from ml_platform.errors import SourceError
from ml_platform.events.sources.base import Source
from ml_platform.events.sources.postgres import Query

KINDS = ("simulate", "git:PATH", "files:DIR", "process-log:FILE", "postgres:URL")


@dataclass(frozen=True)
class SourceOptions:
    """What goes with a source besides its name; each kind takes what it needs."""

    as_of: datetime
    """The simulation ends here."""
    seed: int
    user_key: bytes = field(repr=False)
    """The home's key: people become ids by it (`pseudonym`)."""
    days: int = 90
    users: int | None = None
    """Simulated users; ``None``: the simulator's default."""
    parameters: Literal["default", "second"] = "default"
    """The simulator's set of parameters."""
    map_file: Path | None = None
    query_file: Path | None = None
    query: Query | None = field(default=None, repr=False)
    """How to run a statement on PostgreSQL; given by whoever may connect."""


def parse_source(text: str, options: SourceOptions) -> Source:
    """The source that ``text`` names; nothing is read yet.

    Raises:
        SourceError: an unknown kind, or an option that the kind needs is missing.
    """
    kind, colon, place = text.partition(":")
    if text == "simulate":
        return _simulate(options)
    if kind in ("postgres", "postgresql") and colon:
        return _postgres(text if place.startswith("//") else place, options)
    if kind in ("git", "files", "process-log") and place:
        return _local(kind, Path(place), options)
    # What follows // may hold a password.
    shown = kind if "//" in place else text
    raise SourceError(f"There is no source {shown!r}.", remedy=f"Give one of {', '.join(KINDS)}.")


def _local(kind: str, path: Path, options: SourceOptions) -> Source:
    from ml_platform.events.sources.files import FilesSource
    from ml_platform.events.sources.git import GitSource
    from ml_platform.events.sources.process_log import ProcessLogSource

    if kind == "git":
        return GitSource(path, options.user_key)
    if kind == "files":
        return FilesSource(path, options.map_file)
    return ProcessLogSource(path, options.user_key, options.map_file)


def _postgres(url: str, options: SourceOptions) -> Source:
    from ml_platform.events.sources.postgres import PostgresSource

    if options.query_file is None or options.query is None:
        raise SourceError(
            "A postgres source needs the queries that read its tables.",
            remedy="Give --query-file FILE (docs/sources.md shows one).",
        )
    return PostgresSource(url, options.query_file, options.query)


def _simulate(options: SourceOptions) -> Source:
    from ml_platform.events.sources.simulate import SimulateSource

    return SimulateSource(
        days=options.days,
        users=options.users,
        seed=options.seed,
        as_of=options.as_of,
        parameters=options.parameters,
    )
