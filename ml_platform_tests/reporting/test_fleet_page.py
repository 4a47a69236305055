"""The page of all models: a row a model, and the next action by what waits for people first."""

from dataclasses import replace

from ml_platform.monitoring.incidents.kinds import IncidentKind, IncidentSeverity
from ml_platform.monitoring.incidents.state import Incident
from ml_platform.monitoring.report import Performance, Severity
from ml_platform.registry.answering import Answering
from ml_platform.registry.records import Status
from ml_platform.reporting.components import Cell
from ml_platform.reporting.fleet_page import fleet_html, fleet_page, next_action
from ml_platform.reporting.overview import ModelNow
from ml_platform_tests.monitoring.incidents.examples import Log, drift
from ml_platform_tests.reporting.service_examples import (
    HOSTILE,
    NOW,
    full_overview,
    model_now,
    overview,
    rollout,
)
from ml_platform_tests.retraining.reports import report


def incidents(severity: IncidentSeverity) -> tuple[Incident, ...]:
    log = Log()
    log.window(0, drift("accuracy", kind=IncidentKind.PERFORMANCE, severity=severity))
    return log.state.incidents


def action(model: ModelNow, *found: Incident) -> Cell:
    return next_action(model, found)


def test_the_next_action_is_what_waits_for_a_person_first() -> None:
    critical = incidents(IncidentSeverity.CRITICAL)[0]
    warning = incidents(IncidentSeverity.WARNING)[0]
    info = incidents(IncidentSeverity.INFO)[0]
    held = model_now(rollout=rollout("m", Status.HELD))
    handed = replace(warning, handed_over_at=NOW)
    taken = replace(critical, acknowledged_at=NOW)
    assert action(held, critical, handed).text == "A person has to look"
    assert action(held, warning, critical).text == "Look at the loss of performance"
    assert action(held, critical).address == f"/incidents/{critical.incident_id}"
    assert action(held, taken, info).text == "Resume or end the rollout"
    assert action(model_now(rollout=rollout("m"))).text == "Wait for the rollout"


def test_without_that_it_is_the_decision_of_the_window_then_what_answers() -> None:
    for drifted, performance, text in (
        (Severity.NONE, Performance.ALERT, "Wait for the retraining"),
        (Severity.SIGNIFICANT, Performance.OK, "Find out why"),
        (Severity.MODERATE, Performance.UNKNOWN, "Look again in the next windows"),
        (Severity.NONE, Performance.OK, "Nothing to do"),
        (Severity.INSUFFICIENT, Performance.UNKNOWN, "Wait: too little is known yet"),
    ):
        assert action(model_now(health=report(drifted, performance))).text == text
    nothing = model_now(answering=Answering(None, None), untrained="no suggestions", health=None)
    assert action(nothing).note == "no suggestions"
    assert action(model_now(health=None)).text == "Wait for the first window"


def test_a_row_has_the_window_the_performance_and_the_traffic() -> None:
    shown = overview(model_now("a", health=report(performance=Performance.WARN)))
    (row,) = fleet_page(shown).models.rows
    assert [cell.text for cell in row[:6]] == [
        "A",
        "Version 3",
        "Find out why",
        "YELLOW",
        "NONE",
        "WARN 0.800 [0.780, 0.820]",
    ]
    assert row[7].text == "none"
    assert row[8].text == "1,332 answers"
    assert row[8].note.endswith("12 errors")
    unknown = overview(model_now("a", health=report(performance=Performance.UNKNOWN)))
    assert fleet_page(unknown).models.rows[0][5].text == "UNKNOWN"


def test_hostile_names_are_text() -> None:
    html = fleet_html(full_overview())
    assert "<script" not in html
    assert " style=" not in html
    assert HOSTILE not in html
