"""Sources that other packages bring: found by the kind that stands before the colon, loaded when one is named."""

from collections.abc import Callable
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING

from ml_platform.adapters.entry_points import (
    SOURCE_GROUP,
    UnusableEntryPoint,
    entries,
    loaded,
    package_of,
)
from ml_platform.errors import SourceError
from ml_platform.events.sources.base import Source

if TYPE_CHECKING:
    from ml_platform.adapters.sources.dispatch import SourceOptions

SourceFactory = Callable[[str, "SourceOptions"], Source]
"""A function from a place, the text after the colon, to its source; it reads nothing, and raises `SourceError`."""

_MEMBERS = ("name", "simulated", "live", "batches")


def outside_kinds() -> tuple[str, ...]:
    """Kinds of sources that other packages bring, sorted; none of them is loaded."""
    return tuple(sorted({entry.name for entry in entries(SOURCE_GROUP)}))


def open_outside(kind: str, place: str, options: "SourceOptions") -> Source:
    """The source of an installed package; nothing is read yet.

    Raises:
        SourceError: two packages bring this kind, or the one that does cannot be loaded or gives no source.
    """
    brought_by = [entry for entry in entries(SOURCE_GROUP) if entry.name == kind]
    if len(brought_by) > 1:
        raise SourceError(
            f"The source {kind!r} is brought by {' and '.join(map(package_of, brought_by))}.",
            remedy="uninstall all of them but one",
        )
    source = _factory(brought_by[0])(place, options)
    missing = [name for name in _MEMBERS if not hasattr(source, name)]
    if missing:
        raise SourceError(
            f"The plug-in {package_of(brought_by[0])} ({kind}) gives a {type(source).__name__} without "
            f"{missing[0]!r}.",
            remedy="give it what ml_platform/events/sources/base.py asks of a source",
        )
    return source


def _factory(entry: EntryPoint) -> SourceFactory:
    try:
        brought = loaded(entry)
        if not callable(brought):
            raise UnusableEntryPoint(f"{entry.value} is a {type(brought).__name__}, no function")
    except UnusableEntryPoint as error:
        raise SourceError(
            f"The plug-in {package_of(entry)} ({entry.name}) cannot be loaded: {error}.",
            remedy="correct it, or install the version that fits this platform",
        ) from error
    factory: SourceFactory = brought
    return factory
