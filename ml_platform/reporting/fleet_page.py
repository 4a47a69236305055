"""The page of all models: a row a model, with what it is by its newest window and what somebody should do next."""

from collections.abc import Sequence
from dataclasses import dataclass

from ml_platform.monitoring.incidents.kinds import IncidentSeverity
from ml_platform.monitoring.incidents.state import Incident
from ml_platform.monitoring.report import Light
from ml_platform.registry.records import Status
from ml_platform.reporting.answering import since_words
from ml_platform.reporting.components import (
    Cell,
    Chip,
    Column,
    Table,
    Tone,
    events_chip,
    light_chip,
)
from ml_platform.reporting.incident_messages import KIND_WORDS, incident_address
from ml_platform.reporting.incident_panel import SEVERITY_TONES
from ml_platform.reporting.level_tones import DRIFT_TONES
from ml_platform.reporting.overview import (
    Link,
    ModelNow,
    Overview,
    answers_words,
    milliseconds,
    other_pages,
)
from ml_platform.reporting.page import render
from ml_platform.reporting.trend_drawing import drift_size
from ml_platform.reporting.trend_page import estimated_cell, realised_cell
from ml_platform.reporting.words import capitals, heading, moment, number, shortened
from ml_platform.serving.traffic import Tally

_MOST_REASON = 110
_ACTIONS = {
    "retrain_urgent": ("Wait for the retraining", Tone.BAD),
    "retrain": ("Wait for the retraining", Tone.UNSURE),
    "investigate": ("Find out why", Tone.UNSURE),
    "monitor": ("Look again in the next windows", Tone.NEUTRAL),
}
_COLUMNS = (
    Column("Model", numeric=False),
    Column("Answers", numeric=False),
    Column("Next action", numeric=False),
    Column("Last window", numeric=False),
    Column("Drift", numeric=False),
    Column("Performance", numeric=False),
    Column("Estimated", numeric=False),
    Column("Open incidents", numeric=False),
    Column("24 hours", numeric=False),
)


@dataclass(frozen=True)
class FleetPage:
    """Everything that ``fleet.html.j2`` lays out."""

    title: str
    events: Chip
    source: str
    at: str
    links: tuple[Link, ...]
    models: Table


def fleet_html(overview: Overview) -> str:
    """The page of all models of an overview: the same overview gives the same text."""
    return render("fleet.html.j2", fleet_page(overview))


def fleet_page(overview: Overview) -> FleetPage:
    """The view of the page, with every figure written as a reader sees it."""
    return FleetPage(
        title="All models",
        events=events_chip(overview.simulated),
        source=overview.source,
        at=moment(overview.at),
        links=other_pages(overview.addresses),
        models=Table(_COLUMNS, tuple(_row(model, overview) for model in overview.models)),
    )


def _row(model: ModelNow, overview: Overview) -> tuple[Cell, ...]:
    mine = tuple(i for i in overview.incidents if i.model == model.name and i.is_open)
    traffic = overview.traffic.of(model.name).total if overview.traffic else None
    return (
        Cell(heading(model.name), address=f"/models/{model.name}"),
        Cell(
            answers_words(model),
            since_words(model.answering).strip(),
            None if model.answering.version else Tone.NEUTRAL,
        ),
        next_action(model, mine),
        *_window(model),
        _incidents(model, mine),
        _traffic(traffic),
    )


def _window(model: ModelNow) -> tuple[Cell, ...]:
    report = model.health
    if report is None:
        return (Cell("NOT WATCHED", tone=Tone.NEUTRAL), Cell(""), Cell(""), Cell(""))
    light = light_chip(report.light)
    until = f"to {moment(report.window_end)}"
    drift = f"largest size {number(drift_size(report))}"
    return (
        Cell(light.text, until, light.tone, f"/models/{model.name}/monitoring"),
        Cell(capitals(report.drift), drift, DRIFT_TONES[report.drift]),
        realised_cell(report),
        estimated_cell(report),
    )


def _incidents(model: ModelNow, incidents: Sequence[Incident]) -> Cell:
    if not incidents:
        return Cell("none", tone=Tone.GOOD)
    worst = max((each.severity for each in incidents), key=lambda severity: severity.rank)
    kinds = ", ".join(dict.fromkeys(KIND_WORDS[each.kind] for each in incidents))
    text = f"{len(incidents)}, {worst.value.upper()}"
    return Cell(text, kinds, SEVERITY_TONES[worst], f"/models/{model.name}/trend")


def _traffic(total: Tally | None) -> Cell:
    """Answers with their latencies and errors."""
    if total is None:
        return Cell("not counted")
    if not total.answers:
        return Cell("no answers")
    speed = f"p50 {milliseconds(total.quantile(0.5))}, p99 {milliseconds(total.quantile(0.99))}"
    errors = f"{total.errors:,} errors" if total.errors != 1 else "1 error"
    tone = Tone.BAD if total.errors else None
    return Cell(f"{total.answers:,} answers", f"{speed}, {errors}", tone)


def next_action(model: ModelNow, incidents: Sequence[Incident]) -> Cell:
    """What somebody should do next: the first thing that is true of what waits for people, then of the model."""
    return (
        _of_incidents(incidents)
        or _of_rollout(model)
        or _of_report(model)
        or _of_answers(model)
        or Cell("Nothing to do", tone=Tone.GOOD)
    )


def _of_incidents(incidents: Sequence[Incident]) -> Cell | None:
    """An incident that waits for a person: one that was handed over, then the gravest that nobody has taken."""
    handed = [each for each in incidents if each.handed_over_at is not None]
    waiting = [
        each
        for each in incidents
        if each.acknowledged_at is None and each.severity is not IncidentSeverity.INFO
    ]
    if not handed and not waiting:
        return None
    incident = max(handed or waiting, key=lambda each: (each.severity.rank, each.last_seen))
    text = "A person has to look" if handed else f"Look at the {KIND_WORDS[incident.kind]}"
    note = f"{KIND_WORDS[incident.kind]}: {', '.join(incident.roots)}"
    return Cell(
        text,
        shortened(note, _MOST_REASON),
        SEVERITY_TONES[incident.severity],
        incident_address(incident.incident_id),
    )


def _of_rollout(model: ModelNow) -> Cell | None:
    if model.rollout is None:
        return None
    address, version = f"/models/{model.name}", f"version {model.rollout.version}"
    if model.rollout.life.status is Status.HELD:
        return Cell("Resume or end the rollout", f"{version} is held", Tone.UNSURE, address)
    return Cell("Wait for the rollout", f"{version} goes on by itself", Tone.ACCENT, address)


def _of_report(model: ModelNow) -> Cell | None:
    if model.health is None:
        return None
    if model.health.action not in _ACTIONS:
        known = model.health.light is not Light.INSUFFICIENT
        return None if known else Cell("Wait: too little is known yet", tone=Tone.NEUTRAL)
    text, tone = _ACTIONS[model.health.action]
    row = f"{model.health.decision_row}; confidence {capitals(model.health.confidence)}"
    return Cell(text, row, tone, f"/models/{model.name}/monitoring")


def _of_answers(model: ModelNow) -> Cell | None:
    if model.answering.version is None:
        note = model.untrained or f"ml-platform why {model.name}"
        text, address = "Look why it has no version", f"/models/{model.name}"
        return Cell(text, shortened(note, _MOST_REASON), Tone.NEUTRAL, address)
    if model.health is None:
        return Cell("Wait for the first window", tone=Tone.NEUTRAL)
    return None
