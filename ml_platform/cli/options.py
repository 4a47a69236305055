"""Options that several commands share, and the home that they lead to."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from ml_platform.clock import WINDOW, last_boundary
from ml_platform.errors import UsageError
from ml_platform.home import HomeState, SourceChoice, read_home, write_home
from ml_platform.settings import Settings, read_settings

_PLACES = {"git": "repository", "files": "folder", "process-log": "file"}

F = TypeVar("F", bound=Callable[..., Any])

home_option = click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of all state (default: ML_PLATFORM_HOME or .ml_platform).",
)
json_option = click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="One JSON object on standard output; progress goes to standard error.",
)


def source_options(command: F) -> F:
    """``--source`` and what belongs to it."""
    for option in (
        click.option(
            "--query-file", "query_file", type=click.Path(), help="Queries of postgres:URL."
        ),
        click.option(
            "--map",
            "map_file",
            type=click.Path(),
            help="Column map of files:DIR or process-log:FILE (default: columns.toml in DIR).",
        ),
        click.option(
            "--parameters",
            type=click.Choice(["default", "second"]),
            default="default",
            help="Parameter set of the simulation.",
        ),
        click.option("--seed", type=int, default=0, show_default=True, help="Of the simulation."),
        click.option("--users", type=click.IntRange(2, 100_000), help="Of the simulation."),
        click.option(
            "--days",
            type=click.IntRange(1, 3650),
            default=90,
            show_default=True,
            help="Of the simulation.",
        ),
        click.option(
            "--as-of",
            type=str,
            help="The clock, such as 2026-05-01T12:00Z. Default: the last six-hour boundary (for an "
            "archive: the one after its newest event), kept from the first run of a home.",
        ),
        click.option(
            "--source",
            "source_text",
            help="simulate (default), git:PATH, files:DIR, process-log:FILE or postgres:URL; "
            "kept from the first run of a home.",
        ),
    ):
        command = option(command)
    return command


def open_home(home: Path | None) -> Settings:
    """Settings with this home; the choice is handed to child processes through the environment."""
    if home is not None:
        os.environ["ML_PLATFORM_HOME"] = str(home.resolve())
    return read_settings()


def settle_home(
    settings: Settings,
    *,
    source_text: str | None,
    as_of: str | None,
    map_file: str | None,
    query_file: str | None,
    days: int,
    users: int | None,
    seed: int,
    parameters: str,
) -> HomeState:
    """The home's source and clock: those of its first run, or what was typed for a new one.

    Raises:
        UsageError: another source than the home's, or a clock that cannot be read or lies ahead.
    """
    from ml_platform.adapters.sources import open_source

    known = read_home(settings)
    choice = SourceChoice(
        text=_absolute(source_text or (known.source.text if known else "simulate")),
        days=days,
        users=users,
        seed=seed,
        parameters=parameters,
        map_file=str(Path(map_file).resolve()) if map_file else None,
        query_file=str(Path(query_file).resolve()) if query_file else None,
    )
    if known is not None:
        if source_text is None:
            choice = known.source
        elif choice != known.source and any((settings.lake / "events").glob("day=*")):
            raise UsageError(
                f"The home {settings.home} holds events of {known.source.label!r} with other options.",
                remedy="choose another --home, or delete this one",
            )
    _require_place(choice.text)
    now = last_boundary(datetime.now(UTC))
    open_source(choice, now, b"")
    kept = known.as_of if known else now
    clock = _parse_clock(as_of, now) if as_of is not None else kept
    first = known.first_window if known else clock - WINDOW
    state = HomeState(
        source=choice,
        as_of=clock,
        first_window=min(first, clock - WINDOW),
        settled=as_of is not None or (known.settled if known else False),
    )
    write_home(settings, state)
    return state


def require_home(settings: Settings) -> HomeState:
    """What the home remembers.

    Raises:
        UsageError: nothing was run in it yet.
    """
    state = read_home(settings)
    if state is None:
        raise UsageError(
            f"Nothing has been run in the home {settings.home}.",
            remedy="`ml-platform run` first, or name another --home",
        )
    return state


def parse_boundary(option: str, text: str) -> datetime:
    """The six-hour boundary at or before a time that was typed; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise UsageError(
            f"{option} {text!r} is not a time.", remedy="write it as 2026-05-01T12:00Z"
        ) from error
    return last_boundary(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _parse_clock(text: str, now: datetime) -> datetime:
    clock = parse_boundary("--as-of", text)
    if clock > now:
        raise UsageError(
            f"--as-of {text} lies after the last six-hour boundary, {now:%Y-%m-%dT%H:%MZ}.",
            remedy="name a time that has passed",
        )
    return clock


def _require_place(text: str) -> None:
    """What lies on this machine must be there; said before any server is started."""
    kind, _, place = text.partition(":")
    if kind in _PLACES and not Path(place).exists():
        raise UsageError(f"There is no {_PLACES[kind]} {place}.", remedy=f"correct {kind}:PATH")


def _absolute(text: str) -> str:
    """Paths of a source are kept absolute, so that the home works from any folder."""
    kind, separator, place = text.partition(":")
    if separator and kind in _PLACES:
        return f"{kind}:{Path(place).expanduser().resolve()}"
    return text
