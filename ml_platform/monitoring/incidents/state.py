"""The incidents and silences that events lead to, one event after the other."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from ml_platform.monitoring.incidents.events import (
    EVERY_MODEL,
    SEEN_IN_A_WINDOW,
    Happening,
    IncidentEvent,
)
from ml_platform.monitoring.incidents.kinds import (
    MOST_QUIET_TIMES,
    RULES,
    IncidentKind,
    IncidentSeverity,
)


@dataclass(frozen=True)
class Incident:
    """One cause that is, or was, seen in a row of windows."""

    incident_id: str
    model: str
    kind: IncidentKind
    roots: tuple[str, ...]
    """Names of features, or the metric."""
    severity: IncidentSeverity
    first_seen: datetime
    """The end of the window that opened it."""
    last_seen: datetime
    """The end of the last window in which it was seen."""
    last_window: datetime
    """The end of the last window that said something of it, a quiet one included."""
    opened_at: datetime
    """The end of the window that opened it, or that reopened it last."""
    windows: int
    """The windows in which it was seen."""
    effect: float | None
    """How large it was in the last of them."""
    worst: float | None
    """How large it was at most."""
    words: tuple[str, ...]
    version: str
    """The version in the last window that was about one."""
    quiet: int = 0
    """Consecutive quiet windows since it was last seen."""
    reopened: int = 0
    resolved_at: datetime | None = None
    """``None``: it is open."""
    acknowledged_by: str = ""
    acknowledged_because: str = ""
    acknowledged_at: datetime | None = None
    handed_over_at: datetime | None = None
    """When a retraining was seen not to have helped, until somebody acknowledges it."""
    released_at: datetime | None = None
    """When somebody has acknowledged that last: from then on a retraining may be tried again."""
    told: IncidentSeverity | None = None
    """The severity at which people were told last since it opened, or reopened."""
    events: int = 1

    @property
    def is_open(self) -> bool:
        """Whether it is not resolved."""
        return self.resolved_at is None

    @property
    def needed_quiet(self) -> int:
        """The consecutive quiet windows that resolve it: one that flaps needs more."""
        return RULES[self.kind].quiet_windows * min(1 + self.reopened, MOST_QUIET_TIMES)


@dataclass(frozen=True)
class Silence:
    """A time in which people get no messages of some incidents."""

    silence_id: str
    model: str
    """A model, or `EVERY_MODEL`."""
    kind: IncidentKind | None
    """``None``: every kind."""
    at: datetime
    until: datetime
    by: str
    reason: str
    hides_critical: bool

    def hides(
        self, model: str, kind: IncidentKind, severity: IncidentSeverity, at: datetime
    ) -> bool:
        """Whether a message of such an incident is held back at ``at``."""
        if at >= self.until or self.model not in (model, EVERY_MODEL):
            return False
        if self.kind not in (kind, None):
            return False
        spared = (IncidentKind.PERFORMANCE, IncidentSeverity.CRITICAL)
        return (kind, severity) != spared or self.hides_critical


@dataclass(frozen=True)
class IncidentState:
    """Every incident, in the order in which they opened, and every silence."""

    incidents: tuple[Incident, ...] = ()
    silences: tuple[Silence, ...] = ()

    def of(self, model: str, kind: IncidentKind) -> tuple[Incident, ...]:
        """The incidents of one kind of a model."""
        return tuple(each for each in self.incidents if (each.model, each.kind) == (model, kind))

    def incident(self, incident_id: str) -> Incident | None:
        """The incident of an id."""
        found = (each for each in self.incidents if each.incident_id == incident_id)
        return next(found, None)

    def silenced(
        self, model: str, kind: IncidentKind, severity: IncidentSeverity, at: datetime
    ) -> bool:
        """Whether a silence holds back a message of such an incident at ``at``."""
        return any(silence.hides(model, kind, severity, at) for silence in self.silences)


def replay(events: Iterable[IncidentEvent]) -> IncidentState:
    """The state after these events, in their order."""
    state = IncidentState()
    for event in events:
        state = after(state, event)
    return state


def after(state: IncidentState, event: IncidentEvent) -> IncidentState:
    """The state after one more event."""
    if event.happening is Happening.SILENCED:
        return replace(state, silences=(*state.silences, _silence(event)))
    if event.happening is Happening.OPENED:
        return replace(state, incidents=(*state.incidents, _opened(event)))
    return replace(
        state,
        incidents=tuple(
            _changed(each, event) if each.incident_id == event.incident_id else each
            for each in state.incidents
        ),
    )


def _opened(event: IncidentEvent) -> Incident:
    assert event.kind is not None, "an incident has a kind"
    assert event.severity is not None, "an incident has a severity"
    return Incident(
        incident_id=event.incident_id,
        model=event.model,
        kind=event.kind,
        roots=event.roots,
        severity=event.severity,
        first_seen=event.at,
        last_seen=event.at,
        last_window=event.at,
        opened_at=event.at,
        windows=1,
        effect=event.effect,
        worst=event.effect,
        words=event.words,
        version=event.version,
        told=event.severity if event.told else None,
    )


def _changed(incident: Incident, event: IncidentEvent) -> Incident:
    incident = replace(incident, events=incident.events + 1)
    if event.told:
        incident = replace(incident, told=event.severity)
    if event.happening is Happening.ACKNOWLEDGED:
        return replace(
            incident,
            acknowledged_by=event.by,
            acknowledged_because=" ".join(event.words),
            acknowledged_at=event.at,
            handed_over_at=None,
            released_at=event.at if incident.handed_over_at else incident.released_at,
        )
    if event.happening is Happening.HANDED_OVER:
        assert event.severity is not None, "it is handed over as a grave one"
        return replace(_unacknowledged(incident), severity=event.severity, handed_over_at=event.at)
    incident = replace(incident, last_window=event.at)
    if event.happening in SEEN_IN_A_WINDOW:
        return _seen(incident, event)
    incident = replace(incident, quiet=incident.quiet + 1)
    if event.happening is Happening.RESOLVED:
        return replace(incident, resolved_at=event.at, handed_over_at=None)
    return incident


def _seen(incident: Incident, event: IncidentEvent) -> Incident:
    assert event.severity is not None, "what was seen has a severity"
    if event.happening is Happening.REOPENED:
        incident = replace(
            _unacknowledged(incident),
            opened_at=event.at,
            reopened=incident.reopened + 1,
            resolved_at=None,
            told=event.severity if event.told else None,
        )
    known = [effect for effect in (incident.worst, event.effect) if effect is not None]
    return replace(
        incident,
        roots=event.roots,
        severity=event.severity,
        last_seen=event.at,
        windows=incident.windows + 1,
        quiet=0,
        effect=event.effect,
        worst=max(known, default=None),
        words=event.words,
        version=event.version or incident.version,
    )


def _unacknowledged(incident: Incident) -> Incident:
    return replace(incident, acknowledged_by="", acknowledged_because="", acknowledged_at=None)


def _silence(event: IncidentEvent) -> Silence:
    assert event.until is not None, "a silence has an end"
    return Silence(
        silence_id=event.incident_id,
        model=event.model,
        kind=event.kind,
        at=event.at,
        until=event.until,
        by=event.by,
        reason=" ".join(event.words),
        hides_critical=event.hides_critical,
    )
