"""Incidents: what reports and missing reports make of them, what people say about them, and what they look like."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ml_platform.application.connections import Connections
from ml_platform.errors import UsageError
from ml_platform.monitoring.incidents.actions import acknowledge, silence
from ml_platform.monitoring.incidents.events import EVERY_MODEL, IncidentEvent
from ml_platform.monitoring.incidents.follow import follow
from ml_platform.monitoring.incidents.kinds import IncidentKind, runbook_of
from ml_platform.monitoring.incidents.observe import Observation, missed_run, observe
from ml_platform.monitoring.incidents.same_cause import same_cause
from ml_platform.monitoring.incidents.state import Incident, IncidentState, Silence, replay
from ml_platform.monitoring.incidents.trend import BeganToChange, began_to_change
from ml_platform.reporting.incident_messages import incident_address
from ml_platform.reporting.runbooks import runbook_address

if TYPE_CHECKING:
    from ml_platform.monitoring.report import MonitoringReport

_EARLIER = 40
"""Reports in which labels are looked for: ten days."""
_SERIES = 120
"""Reports whose sizes make a series: thirty days."""
_OVERDUE = timedelta(minutes=1)
"""So long before its end a window counts as missed, so that its own report, when it comes, is later."""


@dataclass(frozen=True)
class ListedIncident:
    """One incident, as people and programs read it."""

    incident_id: str
    model: str
    kind: str
    severity: str
    """info, warning or critical."""
    status: str
    """'open', 'acknowledged', 'a person has to look' or 'resolved'."""
    roots: tuple[str, ...]
    """Names of features, or the metric."""
    first_seen: datetime
    last_seen: datetime
    windows: int
    """The windows in which it was seen."""
    worst: float | None
    """How large it was at most: a distance or a relative loss, or missed windows."""
    words: tuple[str, ...]
    version: str
    reopened: int
    resolved_at: datetime | None
    acknowledged_by: str
    acknowledged_because: str
    runbook: str
    """The file of the runbook, from the root of the repository."""
    runbook_page: str
    """The path of its page on the service."""
    page: str
    """The path of the incident's own page on the service."""
    silenced_until: datetime | None
    """Until when people get no messages of it."""
    same_cause: tuple[str, ...]
    """Open incidents of other models that have the same cause: unless one is graver, people are told of one."""


@dataclass(frozen=True)
class ListedSilence:
    """One silence that has not ended."""

    silence_id: str
    model: str
    """A model, or '*'."""
    kind: str | None
    """Null: every kind."""
    until: datetime
    by: str
    reason: str
    hides_critical: bool


@dataclass(frozen=True)
class Incidents:
    """Incidents, the newest first, and the silences that hold."""

    incidents: tuple[ListedIncident, ...]
    silences: tuple[ListedSilence, ...]


@dataclass(frozen=True)
class IncidentInDetail:
    """One incident with all that happened to it, and when what it is about began to change."""

    incident: ListedIncident
    began: BeganToChange | None
    """``None``: too few windows, or no change that chance does not explain."""
    events: tuple[IncidentEvent, ...]


def follow_report(platform: Connections, report: "MonitoringReport") -> tuple[IncidentEvent, ...]:
    """What a report makes of the incidents of its model; nothing where a later window has a report already."""
    reports = platform.ledger.monitoring_reports(report.model, limit=_EARLIER)
    if reports and reports[0].window_end > report.window_end:
        return ()
    earlier = [each for each in reports if each.window_end < report.window_end]
    return _follow(
        platform,
        report.model,
        observe(report, earlier),
        report.window_end,
        report.version,
    )


def follow_missed_windows(
    platform: Connections, model: str, ends: Sequence[datetime]
) -> tuple[IncidentEvent, ...]:
    """What it makes of the incidents of a model that no report is there of windows with these ends.

    Windows before the newest report are no incident: the run is back, and catches up on them.
    """
    reports = platform.ledger.monitoring_reports(model, limit=1)
    lacking = [end for end in ends if not reports or end > reports[0].window_end]
    if not lacking:
        return ()
    at = max(lacking) - _OVERDUE
    return _follow(platform, model, (missed_run(lacking, model),), at, "")


def _follow(
    platform: Connections,
    model: str,
    observations: Sequence[Observation],
    at: datetime,
    version: str,
) -> tuple[IncidentEvent, ...]:
    return platform.ledger.change_incidents(
        lambda events: follow(replay(events), observations, model=model, at=at, version=version)
    )


def incident_state(platform: Connections) -> IncidentState:
    """Every incident and silence of the home."""
    return replay(event for _, event in platform.ledger.incident_events())


def list_incidents(
    platform: Connections, model: str | None = None, *, resolved: bool = False
) -> Incidents:
    """The open incidents of a model, or of all; with ``resolved`` also those that are over."""
    state, now = incident_state(platform), platform.now()
    chosen = [
        each
        for each in state.incidents
        if model in (None, each.model) and (each.is_open or resolved)
    ]
    chosen.sort(key=lambda each: (each.is_open, each.last_seen, each.incident_id), reverse=True)
    return Incidents(
        tuple(_listed(each, state, now) for each in chosen),
        tuple(
            _listed_silence(each)
            for each in state.silences
            if each.until > now and (model is None or each.model in (model, EVERY_MODEL))
        ),
    )


def show_incident(platform: Connections, incident_id: str) -> IncidentInDetail:
    """One incident in detail.

    Raises:
        UsageError: there is none of this id.
    """
    state = incident_state(platform)
    incident = state.incident(incident_id)
    if incident is None:
        raise UsageError(
            f"There is no incident {incident_id[:120]!r}.",
            remedy="`ml-platform alerts list --all` shows every one",
        )
    reports = platform.ledger.monitoring_reports(incident.model, limit=_SERIES)
    events = (event for _, event in platform.ledger.incident_events())
    return IncidentInDetail(
        _listed(incident, state, platform.now()),
        began_to_change(incident, reports),
        tuple(event for event in events if event.incident_id == incident_id),
    )


def acknowledge_incident(
    platform: Connections, incident_id: str, *, by: str, reason: str
) -> ListedIncident:
    """Somebody takes care of an open incident.

    Raises:
        UsageError: there is no such incident, it is resolved, or nobody or no reason is named.
    """
    now = platform.now()
    platform.ledger.change_incidents(
        lambda events: acknowledge(replay(events), incident_id, by=by, reason=reason, at=now)
    )
    state = incident_state(platform)
    incident = state.incident(incident_id)
    assert incident is not None, "an incident that was acknowledged is there"
    return _listed(incident, state, now)


def silence_incidents(
    platform: Connections,
    model: str,
    kind: IncidentKind | None,
    until: datetime,
    *,
    by: str,
    reason: str,
    hides_critical: bool = False,
) -> ListedSilence:
    """People get no messages of some incidents until a moment by the clock of the home.

    Who asks for the same again while it holds gets the silence that is there.

    Raises:
        UsageError: see `monitoring.incidents.actions.silence`.
    """
    events = silence(
        model=model,
        kind=kind,
        until=until,
        by=by,
        reason=reason,
        at=platform.now(),
        hides_critical=hides_critical,
    )
    (asked,) = replay(events).silences

    def unless_there(before: Iterable[IncidentEvent]) -> tuple[IncidentEvent, ...]:
        return () if _same_silence(replay(before), asked) else events

    platform.ledger.change_incidents(unless_there)
    return _listed_silence(_same_silence(incident_state(platform), asked) or asked)


def _same_silence(state: IncidentState, asked: Silence) -> Silence | None:
    """The first silence that says what ``asked`` says, whenever it was asked for."""
    alike = (replace(each, silence_id=asked.silence_id, at=asked.at) for each in state.silences)
    found = zip(state.silences, alike, strict=True)
    return next((each for each, other in found if other == asked), None)


def _listed(incident: Incident, state: IncidentState, now: datetime) -> ListedIncident:
    ends = [
        each.until
        for each in state.silences
        if each.hides(incident.model, incident.kind, incident.severity, now)
    ]
    return ListedIncident(
        incident_id=incident.incident_id,
        model=incident.model,
        kind=incident.kind.value,
        severity=incident.severity.value,
        status=_status(incident),
        roots=incident.roots,
        first_seen=incident.first_seen,
        last_seen=incident.last_seen,
        windows=incident.windows,
        worst=incident.worst,
        words=incident.words,
        version=incident.version,
        reopened=incident.reopened,
        resolved_at=incident.resolved_at,
        acknowledged_by=incident.acknowledged_by,
        acknowledged_because=incident.acknowledged_because,
        runbook=runbook_of(incident.kind),
        runbook_page=runbook_address(incident.kind.value),
        page=incident_address(incident.incident_id),
        silenced_until=max(ends, default=None),
        same_cause=tuple(each.incident_id for each in others_of_its_cause(state, incident)),
    )


def others_of_its_cause(state: IncidentState, incident: Incident) -> tuple[Incident, ...]:
    """The open incidents of other models that have the cause of an open one."""
    if not incident.is_open:
        return ()
    return same_cause(state, incident.model, incident.kind, incident.roots, incident.opened_at)


def _status(incident: Incident) -> str:
    if not incident.is_open:
        return "resolved"
    if incident.handed_over_at is not None:
        return "a person has to look"
    return "acknowledged" if incident.acknowledged_at is not None else "open"


def _listed_silence(each: Silence) -> ListedSilence:
    return ListedSilence(
        silence_id=each.silence_id,
        model=each.model,
        kind=each.kind.value if each.kind else None,
        until=each.until,
        by=each.by,
        reason=each.reason,
        hides_critical=each.hides_critical,
    )
