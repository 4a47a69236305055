"""What happens to incidents and silences: events that are appended and never changed."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ml_platform.monitoring.incidents.kinds import IncidentKind, IncidentSeverity

EVERY_MODEL = "*"
"""The model of a silence that holds for every model."""


class Happening(StrEnum):
    """What an event says."""

    OPENED = "opened"
    SEEN = "seen"
    ESCALATED = "escalated"
    QUIET = "quiet"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    HANDED_OVER = "handed_over"
    """A retraining did not help: a person has to look."""
    ACKNOWLEDGED = "acknowledged"
    SILENCED = "silenced"


IN_A_WINDOW = frozenset(
    {
        Happening.OPENED,
        Happening.SEEN,
        Happening.ESCALATED,
        Happening.QUIET,
        Happening.RESOLVED,
        Happening.REOPENED,
    }
)
"""What a window says; an incident has one such event a window at most."""
SEEN_IN_A_WINDOW = IN_A_WINDOW - {Happening.QUIET, Happening.RESOLVED}


@dataclass(frozen=True)
class IncidentEvent:
    """One event; the state of every incident and silence follows from all of them."""

    event_id: str
    """The same for the same thing, so that it is kept once."""
    incident_id: str
    """``model:kind:window`` of the window that opened it; of a silence its own id."""
    model: str
    happening: Happening
    at: datetime
    """The end of the window, or the clock of the home where a person did it."""
    kind: IncidentKind | None
    """``None``: a silence of every kind."""
    severity: IncidentSeverity | None = None
    roots: tuple[str, ...] = ()
    """What the incident is about from now on: names of features, or the metric."""
    effect: float | None = None
    """How large it was in this window: a distance or a relative loss in [0, 1], or a number of windows."""
    words: tuple[str, ...] = ()
    """What was seen, or the reason of a person."""
    version: str = ""
    """The version that the window was about."""
    told: bool = False
    """Whether people get a message of this event."""
    by: str = ""
    """The person who did it."""
    until: datetime | None = None
    """The end of a silence."""
    hides_critical: bool = False
    """Of a silence: whether it hides CRITICAL incidents of performance as well."""
