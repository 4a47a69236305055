"""Incidents as tables: those of a home that are open, and all of a model."""

from ml_platform.monitoring.incidents.kinds import IncidentSeverity
from ml_platform.monitoring.incidents.state import Incident
from ml_platform.reporting.components import Cell, Column, Table, Tone
from ml_platform.reporting.incident_messages import KIND_WORDS, incident_address
from ml_platform.reporting.words import heading, moment, shortened

SEVERITY_TONES = {
    IncidentSeverity.INFO: Tone.NEUTRAL,
    IncidentSeverity.WARNING: Tone.UNSURE,
    IncidentSeverity.CRITICAL: Tone.BAD,
}
_MOST = 160
"""Characters of what was seen."""


def incidents_table(incidents: tuple[Incident, ...]) -> Table:
    """Every open incident of ``incidents``, the gravest first, then the one that was seen last."""
    columns = (
        Column("Severity", numeric=False),
        Column("Model", numeric=False),
        Column("What", numeric=False),
        Column("Seen", numeric=False),
        Column("Windows"),
        Column("Who", numeric=False),
    )
    running = [each for each in incidents if each.is_open]
    running.sort(key=lambda each: (each.severity.rank, each.last_seen), reverse=True)
    return Table(columns, tuple(_row(each) for each in running))


def incident_history_table(incidents: tuple[Incident, ...]) -> Table:
    """Every incident of a model, those that are open first, then the newest."""
    columns = (
        Column("Severity", numeric=False),
        Column("State", numeric=False),
        Column("What", numeric=False),
        Column("Seen", numeric=False),
        Column("Windows"),
        Column("Who", numeric=False),
    )
    ordered = sorted(incidents, key=lambda each: (each.is_open, each.last_seen), reverse=True)
    return Table(columns, tuple(_history_row(each) for each in ordered))


def state_words(incident: Incident) -> str:
    """'open', 'acknowledged', 'a person has to look' or 'closed'."""
    if not incident.is_open:
        return "closed"
    if incident.handed_over_at is not None:
        return "a person has to look"
    return "acknowledged" if incident.acknowledged_at is not None else "open"


def _row(incident: Incident) -> tuple[Cell, ...]:
    return (
        _severity(incident),
        Cell(heading(incident.model), address=f"/models/{incident.model}/trend"),
        _what(incident),
        *_times(incident),
    )


def _history_row(incident: Incident) -> tuple[Cell, ...]:
    tone = Tone.UNSURE if incident.is_open else Tone.GOOD
    closed = f"on {moment(incident.resolved_at)}" if incident.resolved_at else ""
    return (
        _severity(incident),
        Cell(state_words(incident), closed, tone),
        _what(incident),
        *_times(incident),
    )


def _severity(incident: Incident) -> Cell:
    return Cell(incident.severity.value.upper(), tone=SEVERITY_TONES[incident.severity])


def _what(incident: Incident) -> Cell:
    seen = f"{KIND_WORDS[incident.kind]}: {'; '.join(incident.words)}"
    return Cell(shortened(seen, _MOST), address=incident_address(incident.incident_id))


def _times(incident: Incident) -> tuple[Cell, ...]:
    return (
        Cell(f"{moment(incident.first_seen)} to {moment(incident.last_seen)}"),
        Cell(str(incident.windows)),
        Cell(shortened(_who(incident), 60)),
    )


def _who(incident: Incident) -> str:
    if incident.is_open and incident.handed_over_at is not None:
        return "a person has to look"
    return incident.acknowledged_by or "nobody yet"
