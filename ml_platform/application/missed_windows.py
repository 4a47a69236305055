"""Windows that no report is there of, since nothing ran when they ended: found, and caught up."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ml_platform.application.connections import Connections
from ml_platform.application.monitor import MonitoredWindow, monitor_window
from ml_platform.application.predict import answering_at, predict_window
from ml_platform.clock import WINDOW
from ml_platform.errors import InsufficientData, PlatformError
from ml_platform.monitoring.missed import CAUGHT_UP, PATIENCE, missed_windows
from ml_platform.spec.model import ModelSpec

if TYPE_CHECKING:
    from ml_platform.application.predict import LoggedWindow

_REPORTS = CAUGHT_UP // WINDOW + 2
"""The newest windows among which one is looked for."""


def missed_of(platform: Connections, model: str) -> tuple[datetime, ...]:
    """The ends of the windows of a model that have ended without a report, the oldest first.

    While new events keep coming the newest window is the schedule's for an hour.
    """
    watched = platform.ledger.watched_windows(model, _REPORTS)
    if not watched:
        return ()
    patience = PATIENCE if platform.home.advances else timedelta(0)
    return missed_windows(watched, platform.now(), patience)


def is_watched(platform: Connections, model: str, end: datetime) -> bool:
    """Whether a model has a report of the window that ends at ``end``, one of the last week."""
    return end in platform.ledger.watched_windows(model, _REPORTS)


def missed_words(ends: Sequence[datetime]) -> str:
    """The missed windows of a model in words; empty without any."""
    if not ends:
        return ""
    count = "one window" if len(ends) == 1 else f"{len(ends)} windows"
    return f"{count} to {ends[-1]:%Y-%m-%d %H:%M} UTC without a report: `ml-platform up` catches up"


def catch_up(
    platform: Connections,
    specs: Iterable[ModelSpec],
    ends: Sequence[datetime],
    watched: "Callable[[ModelSpec, LoggedWindow, MonitoredWindow], None]",
    progress: Callable[[str], None],
) -> dict[str, str]:
    """Watch the windows that end at ``ends`` and have no report yet, of every model that has been watched before.

    Each is as it looked at its end: the version that answered then (before the first champion, what answers
    now), the outcomes known by then. Evidently's drawings are left out.

    Args:
        platform: The home.
        specs: The models.
        ends: The ends of the windows; they are taken in their order.
        watched: Is told of each window.
        progress: Called with a line a window.

    Returns:
        Why a window has no report all the same, by model and window.
    """
    faults = {}
    for spec in specs:
        missed = set(missed_of(platform, spec.name))
        for end in sorted(missed.intersection(ends)):
            try:
                version = answering_at(platform, spec.name, end)
                logged = predict_window(platform, spec, end, progress, version=version)
                window = monitor_window(
                    platform, spec, end, progress, version=version, with_drawing=False
                )
            except InsufficientData as error:
                progress(f"{spec.name} to {end:%Y-%m-%dT%H:%MZ}: INSUFFICIENT: {error.message}")
            except PlatformError as error:
                faults[f"{spec.name} to {end:%Y-%m-%dT%H:%MZ}"] = error.message
                progress(f"{spec.name} to {end:%Y-%m-%dT%H:%MZ}: {error.message}")
            else:
                watched(spec, logged, window)
    return faults
