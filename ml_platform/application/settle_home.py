"""The source and the clock of a home: set by its first run; what is typed later must agree with them."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ml_platform.clock import WINDOW, last_boundary, parse_boundary
from ml_platform.errors import UsageError
from ml_platform.events.sources.base import WithCheck
from ml_platform.home import HomeState, SourceChoice, SourceTraits, read_home, write_home
from ml_platform.settings import Settings

_OPTIONS = {"text": "--source", "map_file": "--map", "query_file": "--query-file"}
"""The option of each field of `SourceChoice` that is not called like it."""
_PLACES = {"git": "repository", "files": "folder", "process-log": "file"}


def settle_home(
    settings: Settings, *, source_text: str | None, as_of: str | None, **options: Any
) -> HomeState:
    """Keep the home's source and clock: those of its first run, or what was typed for a new home.

    A home without events is new, whatever a failed run has left in it. An option that was not typed is
    ``None`` and agrees with anything.

    Raises:
        SourceError: the source of a new home cannot be read, as far as that shows before reading it.
        UsageError: another source or option than the home's, or a clock that cannot be read or lies ahead.
    """
    from ml_platform.adapters.sources.dispatch import open_source
    from ml_platform.adapters.sources.from_outside import outside_kinds

    stored = read_home(settings)
    known = stored if any((settings.lake / "events").glob("day=*")) else None
    typed = _typed(source_text, options)
    before = known.source if known else SourceChoice(text="simulate")
    choice = replace(before, **typed)
    if known is not None and choice != known.source:
        differing = sorted(
            _OPTIONS.get(name, f"--{name}")
            for name, value in typed.items()
            if value != getattr(before, name)
        )
        raise UsageError(
            f"The home {settings.home} holds events of {known.source.label} with another "
            f"{', '.join(differing)}.",
            remedy="choose another --home, or delete this one",
        )
    _require_place(choice.text)
    now = last_boundary(datetime.now(UTC))
    opened = open_source(choice, now, b"")
    if known is None and isinstance(opened, WithCheck):
        opened.check()
    if choice.text.partition(":")[0] in outside_kinds():
        choice = replace(choice, traits=SourceTraits(opened.simulated, opened.live))
    state = _with_clock(known, choice, as_of, now)
    write_home(settings, state)
    return state


def _typed(source_text: str | None, options: dict[str, Any]) -> dict[str, Any]:
    typed = {name: value for name, value in options.items() if value is not None}
    for name in ("map_file", "query_file"):
        if name in typed:
            typed[name] = str(Path(typed[name]).resolve())
    if source_text is not None:
        typed["text"] = _absolute(source_text)
    return typed


def _with_clock(
    known: HomeState | None, choice: SourceChoice, as_of: str | None, now: datetime
) -> HomeState:
    """The clock that was typed, else the home's, else the last boundary; `now` lets a clock move again."""
    clock = known.as_of if known else now
    settled = known.settled if known else False
    if as_of == "now":
        clock, settled = now, False
    elif as_of is not None:
        clock, settled = _clock(as_of, now), True
    if known is not None and choice.simulated and clock != known.as_of:
        raise UsageError(
            f"--as-of {as_of}: the simulation of this home ends at {known.as_of:%Y-%m-%dT%H:%MZ}, "
            "and one that ends elsewhere has other events.",
            remedy="choose another --home, or leave --as-of out",
        )
    first = min(known.first_window if known else clock - WINDOW, clock - WINDOW)
    return HomeState(source=choice, as_of=clock, first_window=first, settled=settled)


def _clock(text: str, now: datetime) -> datetime:
    clock = parse_boundary("--as-of", text)
    if clock > now:
        raise UsageError(
            f"--as-of {text} lies after the last six-hour boundary, {now:%Y-%m-%dT%H:%MZ}.",
            remedy="name a time that has passed",
        )
    return clock


def _require_place(text: str) -> None:
    """Refuse a file or folder that is not there, before any server is started for it."""
    kind, _, place = text.partition(":")
    if kind in _PLACES and not Path(place).exists():
        raise UsageError(f"There is no {_PLACES[kind]} {place}.", remedy=f"correct {kind}:PATH")


def _absolute(text: str) -> str:
    """The source with its path made absolute, so that the home works from any folder."""
    from ml_platform.adapters.sources.from_outside import outside_kinds

    kind, separator, place = text.partition(":")
    path = Path(place).expanduser()
    if separator and (kind in _PLACES or (kind in outside_kinds() and path.exists())):
        return f"{kind}:{path.resolve()}"
    return text
