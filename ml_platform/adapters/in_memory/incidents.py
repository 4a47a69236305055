"""Events of incidents in memory."""

import threading

from ml_platform.adapters.ledger.incident_store import IncidentChange
from ml_platform.monitoring.incidents.events import IncidentEvent


class InMemoryIncidents:
    """The part of `InMemoryLedger` about incidents. Methods: see `incident_store.IncidentStore`."""

    def __init__(self) -> None:
        super().__init__()
        self._incident_lock = threading.Lock()
        self._incident_events: list[IncidentEvent] = []

    def change_incidents(self, change: IncidentChange) -> tuple[IncidentEvent, ...]:
        """Append what is new."""
        with self._incident_lock:
            known = {event.event_id for event in self._incident_events}
            drafts = change(tuple(self._incident_events))
            new = tuple(event for event in drafts if event.event_id not in known)
            self._incident_events.extend(new)
        return new

    def incident_events(self, after: int = 0) -> tuple[tuple[int, IncidentEvent], ...]:
        """Events with their places."""
        return tuple(enumerate(self._incident_events, start=1))[after:]
