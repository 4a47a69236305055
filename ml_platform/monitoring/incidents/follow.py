"""One open incident a cause: the events that follow from what one more window says."""

from collections.abc import Iterable
from datetime import datetime

from ml_platform.monitoring.incidents.events import Happening, IncidentEvent
from ml_platform.monitoring.incidents.kinds import (
    FLAPPING,
    RULES,
    UNFOLDING,
    IncidentSeverity,
)
from ml_platform.monitoring.incidents.observe import Observation, Sign
from ml_platform.monitoring.incidents.same_cause import same_cause, told_elsewhere
from ml_platform.monitoring.incidents.state import Incident, IncidentState


def follow(
    state: IncidentState,
    observations: Iterable[Observation],
    *,
    model: str,
    at: datetime,
    version: str = "",
) -> tuple[IncidentEvent, ...]:
    """The events of the window that ends at ``at``; none where it, or a later one, was followed before.

    An incident is continued by a window in which one of its roots (a feature, the metric) has moved again. What
    else has moved joins an incident that opened within `UNFOLDING`, since features that move for one reason
    cross their limits one after the other; or reopens one that was resolved within `FLAPPING` and has a root in
    common; or opens a new one. So no root is in two open incidents of a kind. People are told of it unless a
    silence holds, or they were told of the same cause as an incident of another model (`same_cause`).
    """
    events: list[IncidentEvent] = []
    for observation in observations:
        known = state.of(model, observation.kind)
        if all(incident.last_window < at for incident in known):
            events += _Window(state, observation, model, at, version).events(known)
    return tuple(events)


class _Window:
    """What one window means to the incidents of one kind."""

    def __init__(
        self,
        state: IncidentState,
        observation: Observation,
        model: str,
        at: datetime,
        version: str,
    ) -> None:
        self._state, self._kind, self._model = state, observation.kind, model
        self._at, self._version, self._known = at, version, observation.known
        self._signs = {sign.root: sign for sign in observation.signs}

    def events(self, incidents: tuple[Incident, ...]) -> list[IncidentEvent]:
        """One event an incident that the window says something of."""
        running = [incident for incident in incidents if incident.is_open]
        shares = {
            each.incident_id: [root for root in each.roots if root in self._signs]
            for each in running
        }
        claimed = {root for each in running for root in each.roots}
        new = [root for root in self._signs if root not in claimed]
        unfolding = [
            each
            for each in running
            if shares[each.incident_id] and self._at - each.opened_at <= UNFOLDING
        ]
        if new and unfolding:
            shares[unfolding[-1].incident_id] += new
            new = []
        events = [self._of_open(each, shares[each.incident_id]) for each in running]
        if new:
            events.append(self._begun(new, claimed, incidents))
        return [event for event in events if event is not None]

    def _of_open(self, incident: Incident, share: list[str]) -> IncidentEvent | None:
        if share:
            return self._seen(incident, share)
        if not self._known:
            return None
        over = incident.quiet + 1 >= incident.needed_quiet
        tells = over and incident.told is not None and not self._hidden(incident.severity)
        return self._event(
            Happening.RESOLVED if over else Happening.QUIET,
            incident.incident_id,
            incident.severity,
            incident.roots,
            told=tells,
        )

    def _seen(self, incident: Incident, share: list[str]) -> IncidentEvent:
        signs = [self._signs[root] for root in share]
        severity = _worst(incident.severity, *(sign.severity for sign in signs))
        if incident.windows + 1 >= RULES[self._kind].endures:
            severity = _worst(severity, RULES[self._kind].endured)
        escalated = severity.rank > incident.severity.rank
        untold = incident.told is None or incident.told.rank < severity.rank
        due = escalated or (untold and incident.acknowledged_at is None)
        roots = (*incident.roots, *(root for root in share if root not in incident.roots))
        return self._event(
            Happening.ESCALATED if escalated else Happening.SEEN,
            incident.incident_id,
            severity,
            roots,
            signs,
            told=due and self._is_news(severity, roots, incident.opened_at),
        )

    def _begun(
        self, new: list[str], claimed: set[str], incidents: tuple[Incident, ...]
    ) -> IncidentEvent:
        """The event that opens an incident, or reopens one that was resolved a short time ago."""
        signs = [self._signs[root] for root in new]
        severity = _worst(*(sign.severity for sign in signs))
        for incident in reversed(incidents):
            ended = incident.resolved_at
            if ended and self._at - ended <= FLAPPING and not set(new).isdisjoint(incident.roots):
                severity = _worst(severity, incident.severity)
                kept = [root for root in incident.roots if root not in claimed]
                roots = (*kept, *(root for root in new if root not in kept))
                return self._event(
                    Happening.REOPENED,
                    incident.incident_id,
                    severity,
                    roots,
                    signs,
                    told=self._is_news(severity, roots, self._at),
                )
        incident_id = f"{self._model}:{self._kind.value}:{_key(self._at)}"
        told = self._is_news(severity, tuple(new), self._at)
        return self._event(Happening.OPENED, incident_id, severity, tuple(new), signs, told=told)

    def _is_news(
        self, severity: IncidentSeverity, roots: tuple[str, ...], opened_at: datetime
    ) -> bool:
        """Whether nothing holds a message back, and people do not know it from another model."""
        others = same_cause(self._state, self._model, self._kind, roots, opened_at)
        return not self._hidden(severity) and not told_elsewhere(others, severity, self._at)

    def _hidden(self, severity: IncidentSeverity) -> bool:
        return self._state.silenced(self._model, self._kind, severity, self._at)

    def _event(
        self,
        happening: Happening,
        incident_id: str,
        severity: IncidentSeverity,
        roots: tuple[str, ...],
        signs: Iterable[Sign] = (),
        *,
        told: bool,
    ) -> IncidentEvent:
        signs = sorted(signs, key=lambda sign: -sign.effect)
        return IncidentEvent(
            event_id=f"{incident_id}:{_key(self._at)}",
            incident_id=incident_id,
            model=self._model,
            happening=happening,
            at=self._at,
            kind=self._kind,
            severity=severity,
            roots=roots,
            effect=signs[0].effect if signs else None,
            words=tuple(sign.words for sign in signs),
            version=self._version,
            told=told,
        )


def _worst(*severities: IncidentSeverity) -> IncidentSeverity:
    return max(severities, key=lambda severity: severity.rank)


def _key(at: datetime) -> str:
    return at.strftime("%Y%m%dT%H%MZ")
