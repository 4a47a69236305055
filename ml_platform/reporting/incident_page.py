"""The page of an incident: what was seen and happened, its runbook, and forms to acknowledge and to silence it."""

from dataclasses import dataclass
from datetime import datetime

from ml_platform.monitoring.incidents.change_point import LEAST
from ml_platform.monitoring.incidents.events import Happening, IncidentEvent
from ml_platform.monitoring.incidents.kinds import IncidentKind
from ml_platform.monitoring.incidents.state import Incident, Silence
from ml_platform.monitoring.incidents.trend import BeganToChange
from ml_platform.reporting.components import Cell, Chip, Column, Table, Tone
from ml_platform.reporting.incident_messages import KIND_WORDS, incident_address
from ml_platform.reporting.incident_panel import SEVERITY_TONES, state_words
from ml_platform.reporting.page import render
from ml_platform.reporting.runbooks import runbook_address
from ml_platform.reporting.words import capitals, heading, moment, sentence, shortened, signed

SILENT_DAYS = (1, 3, 7, 30)
"""The lengths of a silence that the page offers."""
_HAPPENING_TONES = {
    Happening.OPENED: Tone.UNSURE,
    Happening.REOPENED: Tone.UNSURE,
    Happening.ESCALATED: Tone.BAD,
    Happening.HANDED_OVER: Tone.BAD,
    Happening.ACKNOWLEDGED: Tone.ACCENT,
    Happening.RESOLVED: Tone.GOOD,
}
_ROUTINE = (Happening.SEEN, Happening.QUIET)
"""What each window says; of these only the newest is listed."""
_MOST_WORDS = 200


@dataclass(frozen=True)
class IncidentValues:
    """An incident at a moment."""

    incident: Incident
    began: BeganToChange | None
    events: tuple[IncidentEvent, ...]
    """All that happened to it, the oldest first."""
    silences: tuple[Silence, ...]
    """Those that hold back messages of it now."""
    others: tuple[Incident, ...]
    """The open incidents of other models that have the same cause."""
    now: datetime
    """The clock of the home."""


@dataclass(frozen=True)
class IncidentView:
    """Everything that ``incident.html.j2`` lays out."""

    title: str
    name: str
    model: str
    incident_id: str
    address: str
    severity: Chip
    state: Chip
    what: tuple[str, ...]
    others: tuple[tuple[str, str], ...]
    """The models that have the same cause, and the pages of their incidents."""
    facts: tuple[str, ...]
    runbook: str
    is_open: bool
    is_performance: bool
    days: tuple[int, ...]
    events: Table
    fault: str


def incident_html(values: IncidentValues, fault: str = "") -> str:
    """The page of an incident; ``fault`` says what was wrong with a form."""
    return render("incident.html.j2", incident_view(values, fault))


def incident_view(values: IncidentValues, fault: str = "") -> IncidentView:
    """The view of the page, with every figure written as a reader sees it."""
    incident = values.incident
    tone = Tone.UNSURE if incident.is_open else Tone.GOOD
    return IncidentView(
        title=f"{heading(incident.model)}: {KIND_WORDS[incident.kind]}",
        name=incident.model,
        model=heading(incident.model),
        incident_id=incident.incident_id,
        address=incident_address(incident.incident_id),
        severity=Chip(incident.severity.value.upper(), SEVERITY_TONES[incident.severity]),
        state=Chip(capitals(state_words(incident)), tone),
        what=tuple(sentence(shortened(text, _MOST_WORDS)) for text in incident.words),
        others=tuple(
            (heading(each.model), incident_address(each.incident_id)) for each in values.others
        ),
        facts=tuple(map(sentence, _facts(values))),
        runbook=runbook_address(incident.kind.value),
        is_open=incident.is_open,
        is_performance=incident.kind is IncidentKind.PERFORMANCE,
        days=SILENT_DAYS,
        events=_events(values.events),
        fault=fault,
    )


def _facts(values: IncidentValues) -> list[str]:
    incident, began = values.incident, values.began
    windows = "one window" if incident.windows == 1 else f"{incident.windows} windows"
    told = [
        f"about {', '.join(incident.roots)}",
        f"seen in {windows} from {moment(incident.first_seen)} to {moment(incident.last_seen)}",
    ]
    if began is not None:
        told.append(
            f"it began to change in the six hours before {moment(began.window_end)}, by {signed(began.change)} "
            f"(p-value {began.p_value:.2g}, {began.windows} windows)"
        )
    elif incident.windows < LEAST:
        told.append(f"too few windows to tell when it began to change: {LEAST} are needed")
    if incident.reopened:
        told.append(f"it came back {incident.reopened} times")
    if incident.resolved_at is not None:
        told.append(f"over since {moment(incident.resolved_at)}")
    if incident.acknowledged_at is not None:
        told.append(
            f"taken care of by {incident.acknowledged_by} since {moment(incident.acknowledged_at)}: "
            f"{incident.acknowledged_because}"
        )
    if incident.handed_over_at is not None:
        told.append(
            "a retraining did not help: no other one is tried before somebody acknowledges it"
        )
    told += [
        f"messages are silent until {moment(each.until)}, by {each.by}: {each.reason}"
        for each in values.silences
    ]
    return told


def _events(events: tuple[IncidentEvent, ...]) -> Table:
    columns = (
        Column("When", numeric=False),
        Column("What", numeric=False),
        Column("Severity", numeric=False),
        Column("Said", numeric=False),
        Column("Who", numeric=False),
    )
    routine = [event for event in events if event.happening in _ROUTINE]
    kept = [event for event in events if event.happening not in _ROUTINE or event in routine[-1:]]
    left = len(events) - len(kept)
    note = f"{left} more windows in which it was seen or quiet are not listed." if left else ""
    return Table(columns, tuple(map(_event, reversed(kept))), note=note)


def _event(event: IncidentEvent) -> tuple[Cell, ...]:
    told = "people were told" if event.told else ""
    return (
        Cell(moment(event.at)),
        Cell(
            event.happening.value.replace("_", " "),
            told,
            _HAPPENING_TONES.get(event.happening, Tone.NEUTRAL),
        ),
        Cell(event.severity.value.upper() if event.severity else ""),
        Cell(shortened("; ".join(event.words), _MOST_WORDS)),
        Cell(shortened(event.by, 60)),
    )
