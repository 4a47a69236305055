"""Options that several commands share, and the home that they lead to."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ml_platform.errors import UsageError
from ml_platform.home import HomeState, read_home, require_format
from ml_platform.settings import Settings, read_settings

if TYPE_CHECKING:
    from ml_platform.application.connections import Connections

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

verbose_option = click.option(
    "--verbose", is_flag=True, help="Everything, instead of a line a model and what did not pass."
)
models_option = click.option(
    "--models", help="Names of models, with commas between them (default: every one)."
)


def chosen_models(text: str | None) -> tuple[str, ...]:
    """The models that were named, in the catalogue's order; all of them by default.

    Raises:
        UsageError: no model has this name.
    """
    from ml_platform.adapters.plugins import installed_catalogue

    named = {name.strip() for name in text.split(",") if name.strip()} if text is not None else None
    catalogue = installed_catalogue()
    if named is None:
        return catalogue.names
    for name in sorted(named):
        catalogue.spec_named(name)
    if not named:
        raise UsageError("--models names no model.", remedy="leave it out for every model")
    return tuple(name for name in catalogue.names if name in named)


def source_options(command: F) -> F:
    """Add ``--source`` and the options that belong to it to a command."""
    for option in (
        click.option(
            "--query-file",
            "query_file",
            type=click.Path(),
            help="File with the queries for postgres:URL.",
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
            help="Parameter set of the simulation.",
        ),
        click.option(
            "--seed", type=click.IntRange(min=0), help="Seed of the simulation (default 0)."
        ),
        click.option("--users", type=click.IntRange(2, 100_000), help="Number of simulated users."),
        click.option(
            "--days",
            type=click.IntRange(1, 3650),
            help="Number of simulated days (default 90).",
        ),
        click.option(
            "--as-of",
            type=str,
            help="Clock of the home, such as 2026-05-01T12:00Z; later events are not used. Default: the last "
            "six-hour boundary (for an archive: the one after its newest event), kept from the first run of a "
            "home; `now` moves it on.",
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
    """Settings with this home, which this release can read.

    Raises:
        UsageError: another release has written the home.
    """
    settings = open_any_home(home)
    require_format(settings)
    return settings


def open_any_home(home: Path | None) -> Settings:
    """Settings with this home, whatever its format; child processes get the choice through the environment."""
    if home is not None:
        os.environ["ML_PLATFORM_HOME"] = str(home.resolve())
    return read_settings()


def require_home(settings: Settings) -> HomeState:
    """The source and clock of a home.

    Raises:
        UsageError: nothing was run in this home yet.
    """
    state = read_home(settings)
    if state is None:
        raise UsageError(
            f"Nothing has been run in the home {settings.home}.",
            remedy="`ml-platform run` first, or name another --home",
        )
    return state


@contextmanager
def connected(home: Path | None, *, tracking: bool = False) -> "Iterator[Connections]":
    """Connections to a home in which something was run; its services are started where they are down.

    Args:
        home: The folder that was named, ``None`` for the default one.
        tracking: Whether MLflow is needed as well as PostgreSQL.

    Raises:
        UsageError: nothing was run in this home yet.
    """
    settings = open_home(home)
    require_home(settings)
    from ml_platform.adapters.services import services
    from ml_platform.application.connections import Connections

    with services(settings, tracking=tracking):
        yield Connections(settings)


def print_json(value: Any) -> None:
    """Print a frozen value, or a mapping, as one JSON object on standard output."""
    click.echo(json.dumps(value if isinstance(value, dict) else asdict(value)))


def tell(line: str) -> None:
    """Print a line of progress on standard error."""
    click.echo(line, err=True)
