"""Six-hour windows that have ended without a report, and how far back they are caught up."""

from collections.abc import Collection
from datetime import datetime, timedelta

from ml_platform.clock import WINDOW, last_boundary
from ml_platform.spec.monitoring_policy import POLICY

CAUGHT_UP = POLICY.window
"""Windows that ended longer ago are not caught up: of their seven days the newest window holds none any more."""
PATIENCE = timedelta(hours=1)
"""The time after its end that a window is left to the schedule, which runs while new events keep coming."""


def missed_windows(
    reported: Collection[datetime], now: datetime, patience: timedelta = PATIENCE
) -> tuple[datetime, ...]:
    """The ends of the windows without a report, the oldest first: from the first report on, `CAUGHT_UP` at most.

    A model that was never watched has missed nothing.

    Args:
        reported: The ends of the windows that have a report.
        now: The clock of the home.
        patience: The time after its end in which a window is not missed yet.
    """
    if not reported:
        return ()
    ends, end = [], last_boundary(now - patience)
    oldest = max(min(reported), now - CAUGHT_UP)
    while end > oldest:
        if end not in reported:
            ends.append(end)
        end -= WINDOW
    return tuple(reversed(ends))
