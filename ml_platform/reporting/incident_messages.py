"""What people are told of an incident: that it has opened, grown graver or ended; never each window."""

from ml_platform.monitoring.incidents.events import Happening, IncidentEvent
from ml_platform.monitoring.incidents.kinds import IncidentKind, runbook_of
from ml_platform.monitoring.incidents.state import Incident
from ml_platform.reporting.messages import Message
from ml_platform.reporting.runbooks import runbook_address
from ml_platform.reporting.words import moment

KIND_WORDS = {
    IncidentKind.FEATURE_DRIFT: "drift of features",
    IncidentKind.PREDICTION_DRIFT: "drift of predictions",
    IncidentKind.CHANGED_REASONS: "changed reasons",
    IncidentKind.PERFORMANCE: "loss of performance",
    IncidentKind.MISSING_LABELS: "missing labels",
    IncidentKind.MISSED_RUN: "missed monitoring",
}
_NEWS = {
    Happening.OPENED: "{what} ({severity})",
    Happening.REOPENED: "{what} is back ({severity})",
    Happening.ESCALATED: "{what} is {severity} now",
    Happening.SEEN: "{what} is still open ({severity})",
    Happening.RESOLVED: "{what} is over",
    Happening.HANDED_OVER: "{what} goes on after a retraining ({severity})",
}
_MOST_ROOTS = 3


def incident_address(incident_id: str) -> str:
    """The page of an incident on the service."""
    return f"/incidents/{incident_id}"


def message_of_incident(event: IncidentEvent, incident: Incident, pages: str = "") -> Message:
    """The message of an event that people are told of.

    Args:
        event: What happened.
        incident: As it stands after it.
        pages: Where the pages of the service are; empty: nobody knows, and the runbook is named by its file.
    """
    what = f"{KIND_WORDS[incident.kind]} {_roots(incident.roots)}"
    news = _NEWS[event.happening].format(what=what, severity=incident.severity.value.upper())
    subject = f"{incident.model}: {news}"
    over = event.happening is Happening.RESOLVED
    name = incident.kind.value
    runbook = f"{pages}{runbook_address(name)}" if pages else runbook_of(incident.kind)
    page = f"{pages}{incident_address(incident.incident_id)}" if pages else ""
    windows = "one window" if incident.windows == 1 else f"{incident.windows} windows"
    lines = [
        f"{subject}.",
        *(f"- {each}" for each in (event.words or incident.words)),
        f"Seen in {windows} from {moment(incident.first_seen)} to {moment(incident.last_seen)}.",
        f"Runbook: {runbook}",
        *((f"Page: {page}",) if page else ()),
        f"Show: ml-platform alerts show {incident.incident_id}",
    ]
    if not over:
        lines.append(
            f'Take care of it: ml-platform alerts ack {incident.incident_id} --reason "..."'
        )
    return Message(
        message_id=f"incident:{event.event_id}",
        level="info" if over else incident.severity.value,
        subject=subject,
        text="\n".join(lines),
        at=event.at,
        fields={
            "incident_id": incident.incident_id,
            "model": incident.model,
            "kind": incident.kind.value,
            "severity": incident.severity.value,
            "happening": event.happening.value,
            "roots": incident.roots,
            "causes": event.words,
            "runbook": runbook,
            **({"page": page} if page else {}),
        },
    )


def _roots(roots: tuple[str, ...]) -> str:
    more = len(roots) - _MOST_ROOTS
    return ", ".join(roots[:_MOST_ROOTS]) + (f" and {more} more" if more > 0 else "")
