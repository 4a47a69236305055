"""What people say about incidents, and what a retraining that did not help says."""

from datetime import datetime, timedelta

from ml_platform.clock import duration
from ml_platform.errors import UsageError
from ml_platform.monitoring.incidents.events import Happening, IncidentEvent
from ml_platform.monitoring.incidents.kinds import IncidentKind, IncidentSeverity
from ml_platform.monitoring.incidents.state import Incident, IncidentState
from ml_platform.values import text_sha256

LONGEST_SILENCE = timedelta(days=90)
_LIST = "`ml-platform alerts list` shows the incidents"


def acknowledge(
    state: IncidentState, incident_id: str, *, by: str, reason: str, at: datetime
) -> tuple[IncidentEvent, ...]:
    """Somebody takes care of an open incident; a retraining for its cause may be tried again.

    Nothing where the same person has said so before, for the same reason, and nothing was handed over since.

    Raises:
        UsageError: there is no such incident, it is resolved, or nobody or no reason is named.
    """
    incident = state.incident(incident_id)
    if incident is None:
        raise UsageError(f"There is no incident {incident_id[:120]!r}.", remedy=_LIST)
    if incident.resolved_at is not None:
        raise UsageError(
            f"Incident {incident_id} is resolved since {incident.resolved_at:%Y-%m-%dT%H:%MZ}.",
            remedy=_LIST,
        )
    _require(by, reason)
    words = " ".join(reason.split())
    said = (incident.acknowledged_by, incident.acknowledged_because)
    if said == (by, words) and incident.handed_over_at is None:
        return ()
    return (
        _action(
            incident,
            Happening.ACKNOWLEDGED,
            at,
            words=(words,),
            severity=incident.severity,
            by=by,
        ),
    )


def hand_over(
    state: IncidentState, incident: Incident, *, reason: str, at: datetime
) -> tuple[IncidentEvent, ...]:
    """The cause goes on after a retraining: CRITICAL, for a person to look; nothing where that was said before."""
    if not incident.is_open or incident.handed_over_at is not None:
        return ()
    severity = IncidentSeverity.CRITICAL
    hidden = state.silenced(incident.model, incident.kind, severity, at)
    words = (f"{reason}: a person has to look",)
    event = _action(incident, Happening.HANDED_OVER, at, words, severity, told=not hidden)
    return (event,)


def silence(
    *,
    model: str,
    kind: IncidentKind | None,
    until: datetime,
    by: str,
    reason: str,
    at: datetime,
    hides_critical: bool = False,
) -> tuple[IncidentEvent, ...]:
    """People get no messages of some incidents until a moment.

    Args:
        model: A model, or `EVERY_MODEL`.
        kind: A kind, or ``None`` for every one.
        until: Its end, after ``at`` and within `LONGEST_SILENCE` of it.
        by: Who asks for it.
        reason: Why.
        at: The clock of the home.
        hides_critical: Whether CRITICAL incidents of performance are hidden too, for which the kind must be named.

    Raises:
        UsageError: the end is not after the clock or too far away, nobody or no reason is named, or CRITICAL
            performance is to be hidden without that kind being named.
    """
    if not at < until <= at + LONGEST_SILENCE:
        raise UsageError(
            f"A silence until {until:%Y-%m-%dT%H:%MZ} does not end within {duration(LONGEST_SILENCE)} after "
            f"{at:%Y-%m-%dT%H:%MZ}, the clock of the home.",
            remedy="name an end in that time",
        )
    if hides_critical and kind is not IncidentKind.PERFORMANCE:
        raise UsageError(
            "Only a silence of the kind performance may hide CRITICAL performance.",
            remedy="name the kind performance as well",
        )
    _require(by, reason)
    words = " ".join(reason.split())
    what = (model, kind.value if kind else "every kind", f"{at}", f"{until}", by, words)
    silence_id = f"silence:{text_sha256(' '.join(what))[:12]}"
    return (
        IncidentEvent(
            event_id=silence_id,
            incident_id=silence_id,
            model=model,
            happening=Happening.SILENCED,
            at=at,
            kind=kind,
            words=(words,),
            by=by,
            until=until,
            hides_critical=hides_critical,
        ),
    )


def _require(by: str, reason: str) -> None:
    for name, text in (("person", by), ("reason", reason)):
        if not text.strip():
            raise UsageError(f"The {name} is missing.", remedy=f"give the {name}")


def _action(
    incident: Incident,
    happening: Happening,
    at: datetime,
    words: tuple[str, ...],
    severity: IncidentSeverity,
    *,
    by: str = "",
    told: bool = False,
) -> IncidentEvent:
    return IncidentEvent(
        event_id=f"{incident.incident_id}:{happening.value}:{incident.events}",
        incident_id=incident.incident_id,
        model=incident.model,
        happening=happening,
        at=at,
        kind=incident.kind,
        severity=severity,
        roots=incident.roots,
        words=words,
        version=incident.version,
        told=told,
        by=by,
    )
