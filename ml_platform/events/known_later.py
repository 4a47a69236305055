"""When each column of the lake became known: what a cut of the lake at a moment may still hold.

A row of the lake is known from its event time on (`schema.EVENT_TIME`), except for the columns declared here:
outcomes, labels and profiles that somebody learned later. Whoever asks what was known at a moment (the
search for looks into the future) asks this table, never the SQL of features.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from ml_platform.events.schema import FILLS_IN


@dataclass(frozen=True)
class KnownLater:
    """Columns of a table that become known after the row, at ``moment`` plus ``delay``."""

    unknown: Mapping[str, str | None]
    """What stands in each column until it is known."""
    moment: str
    """The column with the time from which they are known; where it is null they are never known."""
    delay: timedelta = timedelta(0)


KNOWN_LATER: dict[str, KnownLater] = {
    "events": KnownLater(FILLS_IN["events"], "occurred_at", timedelta(days=1)),
    "workflow_executions": KnownLater(FILLS_IN["workflow_executions"], "finished_at"),
    "suggestions": KnownLater(FILLS_IN["suggestions"], "outcome_at"),
    "users": KnownLater({"tenure_days": None}, "received_at"),
}
"""Labels of events are a day late by the platform's rule; a tenure is as of the profile's receipt."""

ROW_DELAYS: dict[str, timedelta | None] = {
    "known_anomalies": timedelta(days=1),
    "ceilings": None,
}
"""Tables whose whole rows become known later than their time: people report a session within a day; what the
Bayes rule says is never known (``None``)."""

LOCAL_TIME: dict[str, str] = {
    "events": "utc_offset_minutes",
    "workflow_executions": "attributes.utc_offset_minutes",
}
"""Where the distance of local time from UTC stands, in minutes: a column, or a field of a JSON column."""
