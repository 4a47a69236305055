"""The one set of six-hour windows that all models are watched on."""

from datetime import UTC, datetime

import dagster as dg

from ml_platform.clock import CRON, WINDOW, last_boundary
from ml_platform.home import read_home
from ml_platform.settings import read_settings

_FORMAT = "%Y-%m-%d-%H:%M"


def _start() -> datetime:
    """The first window that this home watches; before its first run, the current day."""
    state = read_home(read_settings())
    return state.first_window if state else last_boundary(datetime.now(UTC)) - 4 * WINDOW


def windows() -> dg.TimeWindowPartitionsDefinition:
    """Six-hour windows from the first one of the home to now."""
    return dg.TimeWindowPartitionsDefinition(
        cron_schedule=CRON, start=_start(), fmt=_FORMAT, timezone="UTC"
    )


def window_key(end: datetime) -> str:
    """The partition that ends at ``end``."""
    return (end - WINDOW).astimezone(UTC).strftime(_FORMAT)


def window_end(key: str) -> datetime:
    """The end of a partition: the moment its report looks back from."""
    return datetime.strptime(key, _FORMAT).replace(tzinfo=UTC) + WINDOW
