"""Windows of a model, six hours apart, for tests of incidents."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from ml_platform.monitoring.incidents.events import IncidentEvent
from ml_platform.monitoring.incidents.follow import follow
from ml_platform.monitoring.incidents.kinds import IncidentKind, IncidentSeverity
from ml_platform.monitoring.incidents.observe import Observation, Sign
from ml_platform.monitoring.incidents.state import IncidentState, after

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
WINDOW = timedelta(hours=6)


def drift(
    *names: str,
    severity: IncidentSeverity = IncidentSeverity.INFO,
    kind: IncidentKind = IncidentKind.FEATURE_DRIFT,
    known: bool = True,
) -> Observation:
    """A window in which these features have moved; without names a quiet one, or an unknown one."""
    signs = tuple(Sign(name, severity, 0.2, f"{name} moved") for name in names)
    return Observation(kind, signs, known)


class Log:
    """The events so far, and the state after them."""

    def __init__(self) -> None:
        self.events: list[IncidentEvent] = []
        self.state = IncidentState()

    def add(self, events: Iterable[IncidentEvent]) -> list[str]:
        """Append events; the words of what has happened."""
        events = list(events)
        self.events += events
        for event in events:
            self.state = after(self.state, event)
        return [event.happening.value for event in events]

    def window(self, number: int, *observations: Observation, model: str = "m") -> list[str]:
        """Follow window ``number`` of a model; the words of what has happened."""
        at = NOON + number * WINDOW
        return self.add(follow(self.state, observations, model=model, at=at, version="1"))

    @property
    def told(self) -> list[str]:
        """What people were told."""
        return [event.happening.value for event in self.events if event.told]

    def told_of(self, model: str) -> list[str]:
        """What people were told of a model."""
        return [
            event.happening.value for event in self.events if event.told and event.model == model
        ]
