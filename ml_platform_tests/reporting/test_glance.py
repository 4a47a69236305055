"""A report at a glance, and the links of messages and of Dagster to the pages of the service."""

from dataclasses import replace

from ml_platform.monitoring.incidents.events import Happening
from ml_platform.monitoring.performance.parts import EstimatedPerformance
from ml_platform.monitoring.report import Performance, Severity
from ml_platform.reporting.glance import glance, pages_of
from ml_platform.reporting.incident_messages import message_of_incident
from ml_platform_tests.monitoring.incidents.examples import Log, drift
from ml_platform_tests.retraining.reports import report


def test_drift_performance_and_decision_are_a_line_each() -> None:
    assert glance(report(Severity.MODERATE, Performance.WARN)) == {
        "light": "YELLOW",
        "decision": "retrain (moderate drift, performance warning, high)",
        "drift": "MODERATE: 1 of 1 moved, the largest size is 0.200 (dwell)",
        "performance": "WARN: accuracy 0.800 [0.780, 0.820], 0.900 at the evaluation",
        "estimated": "nothing",
    }
    unknown = replace(report(performance=Performance.UNKNOWN), features=())
    unknown = replace(unknown, estimate=EstimatedPerformance("accuracy", 0.9, 0.88, 0.92))
    shown = glance(unknown)
    assert shown["drift"] == "NONE: 0 of 0 moved"
    assert shown["performance"] == "UNKNOWN: no outcomes are known yet"
    assert shown["estimated"] == "accuracy 0.900 [0.880, 0.920]"


def test_pages_are_linked_where_the_service_has_an_address() -> None:
    assert pages_of(report(), "") == {}
    assert pages_of(report(), "https://a") == {
        "page": "https://a/models/model/monitoring/2024-06-01T1200",
        "trend": "https://a/models/model/trend",
    }


def test_a_message_names_the_pages_where_they_are_known_and_the_file_otherwise() -> None:
    log = Log()
    log.window(0, drift("a"))
    (event,), (incident,) = log.events, log.state.incidents
    assert event.happening is Happening.OPENED
    plain = message_of_incident(event, incident)
    assert "Runbook: docs/runbooks/feature_drift.md" in plain.text.splitlines()
    assert "Page: " not in plain.text
    linked = message_of_incident(event, incident, "https://a")
    assert "Runbook: https://a/runbooks/feature_drift" in linked.text.splitlines()
    assert f"Page: https://a/incidents/{incident.incident_id}" in linked.text.splitlines()
    assert linked.fields["page"] == f"https://a/incidents/{incident.incident_id}"
    assert linked.message_id == plain.message_id
