"""The events of incidents: appended once each, and never changed."""

from collections.abc import Callable, Sequence
from typing import Protocol

from ml_platform.monitoring.incidents.events import IncidentEvent

IncidentChange = Callable[[tuple[IncidentEvent, ...]], Sequence[IncidentEvent]]
"""The events that follow from all that were kept so far."""


class IncidentStore(Protocol):
    """The part of the ledger that is about incidents."""

    def change_incidents(self, change: IncidentChange) -> tuple[IncidentEvent, ...]:
        """Append what a change makes of the events so far, in one transaction; the events that were new.

        Nobody else appends anything between the reading and the end. An event whose id is known is left out.

        Raises:
            PlatformError: whatever the change itself has against it; nothing is appended.
        """
        ...

    def incident_events(self, after: int = 0) -> tuple[tuple[int, IncidentEvent], ...]:
        """Every event whose place is larger than ``after``, with its place, in their order."""
        ...
