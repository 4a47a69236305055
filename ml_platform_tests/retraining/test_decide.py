import json
from dataclasses import replace
from itertools import product

import pytest

from ml_platform.monitoring.performance.parts import EstimatedPerformance, Reconciliation, Trust
from ml_platform.monitoring.report import Light, MonitoringReport, Performance, Severity
from ml_platform.retraining.decide import (
    NO_LABELS,
    RETRAINING_TABLE,
    TOO_FEW,
    Action,
    Confidence,
    decide,
    decided,
    signals_of,
)
from ml_platform.values import from_json, to_json
from ml_platform_tests.retraining.reports import report

NONE, MODERATE, SIGNIFICANT, INSUFFICIENT = (
    Severity.NONE,
    Severity.MODERATE,
    Severity.SIGNIFICANT,
    Severity.INSUFFICIENT,
)
OK, WARN, ALERT, UNKNOWN = Performance.OK, Performance.WARN, Performance.ALERT, Performance.UNKNOWN
HIGH, MEDIUM, LOW = Confidence.HIGH, Confidence.MEDIUM, Confidence.LOW

EVERY_REPORT = tuple(product(Severity, Performance))
WHOLE_TABLE = {
    (NONE, OK): (Action.NO_ACTION, "nothing moved", HIGH),
    (NONE, WARN): (Action.INVESTIGATE, "no drift, performance warning", HIGH),
    (NONE, ALERT): (Action.RETRAIN_URGENT, "performance alert", HIGH),
    (NONE, UNKNOWN): (Action.NO_ACTION, "nothing moved", MEDIUM),
    (MODERATE, OK): (Action.MONITOR, "moderate drift", HIGH),
    (MODERATE, WARN): (Action.RETRAIN, "moderate drift, performance warning", HIGH),
    (MODERATE, ALERT): (Action.RETRAIN_URGENT, "performance alert", HIGH),
    (MODERATE, UNKNOWN): (Action.MONITOR, "moderate drift", MEDIUM),
    (SIGNIFICANT, OK): (Action.INVESTIGATE, "significant drift", HIGH),
    (SIGNIFICANT, WARN): (Action.RETRAIN_URGENT, "significant drift, performance warning", HIGH),
    (SIGNIFICANT, ALERT): (Action.RETRAIN_URGENT, "performance alert", HIGH),
    (SIGNIFICANT, UNKNOWN): (Action.INVESTIGATE, "significant drift", MEDIUM),
    (INSUFFICIENT, OK): (Action.NO_ACTION, "nothing moved", LOW),
    (INSUFFICIENT, WARN): (Action.INVESTIGATE, "no drift, performance warning", LOW),
    (INSUFFICIENT, ALERT): (Action.RETRAIN_URGENT, "performance alert", LOW),
    (INSUFFICIENT, UNKNOWN): (Action.NO_ACTION, "nothing moved", LOW),
}


@pytest.mark.parametrize(("drift", "performance"), EVERY_REPORT)
def test_the_whole_table(drift: Severity, performance: Performance) -> None:
    decision = decide(signals_of(report(drift, performance)))
    assert (decision.action, decision.row, decision.confidence) == WHOLE_TABLE[drift, performance]
    assert (NO_LABELS in decision.causes) is (performance is UNKNOWN)
    assert (TOO_FEW in decision.causes) is (drift is INSUFFICIENT)
    assert decision.features == (("dwell",) if drift in (MODERATE, SIGNIFICANT) else ())
    assert "dwell: <values> are higher" in decision.causes


@pytest.mark.parametrize(("drift", "performance"), EVERY_REPORT)
def test_changed_reasons_are_a_cause_and_fire_no_row_of_their_own(
    drift: Severity, performance: Performance
) -> None:
    changed = report(drift, performance, reasons_changed=True)
    decision = decide(signals_of(changed))
    assert (decision.action, decision.row, decision.confidence) == WHOLE_TABLE[drift, performance]
    assert changed.light is not Light.GREEN


@pytest.mark.parametrize(("drift", "performance"), EVERY_REPORT)
def test_a_suspected_loss_fires_no_row_and_lowers_confidence_where_labels_show_none(
    drift: Severity, performance: Performance
) -> None:
    first = report(drift, performance)
    suspected = replace(first, estimate=EstimatedPerformance("accuracy", suspected=True))
    decision = decide(signals_of(suspected))
    action, row, confidence = WHOLE_TABLE[drift, performance]
    assert (decision.action, decision.row) == (action, row)
    lower = {HIGH: MEDIUM, MEDIUM: LOW, LOW: LOW}[confidence]
    assert decision.confidence == (lower if performance in (OK, UNKNOWN) else confidence)
    wrong = Reconciliation(Trust.UNTRUSTED, (), -0.1, 0.02, "off")
    untrusted = replace(suspected, reconciliation=wrong)
    assert decide(signals_of(untrusted)).confidence == confidence
    assert decided(from_json(MonitoringReport, to_json(decided(suspected)))) == decided(suspected)


def test_a_report_of_a_release_without_estimates_is_read_and_decided_as_it_was() -> None:
    first = report(NONE, UNKNOWN)
    fields = json.loads(to_json(first))
    for name in ("maturity", "estimate", "reconciliation"):
        del fields[name]
    for name in ("window_start", "window_end", "reason"):
        del fields["performance"][name]
    stored = from_json(MonitoringReport, json.dumps(fields))
    assert stored == first
    assert decided(stored) == first


def test_predictions_that_moved_are_named_after_the_features() -> None:
    moved = report(SIGNIFICANT)
    (feature,) = moved.features
    with_predictions = replace(
        moved,
        predictions=(
            replace(feature, name="confidence", severity=MODERATE),
            replace(feature, name="prediction", severity=NONE),
        ),
    )
    assert signals_of(with_predictions).features == ("dwell", "confidence")


def test_every_row_fires_for_something() -> None:
    fired = {row for _, row, _ in WHOLE_TABLE.values()}
    assert {row.name for row in RETRAINING_TABLE} == fired


@pytest.mark.parametrize(("drift", "performance"), EVERY_REPORT)
def test_a_stored_report_replays_to_the_same_decision(
    drift: Severity, performance: Performance
) -> None:
    first = report(drift, performance)
    stored = from_json(MonitoringReport, to_json(first))
    assert decided(stored) == first
    decision = decide(signals_of(stored))
    assert (decision.action, decision.row) == (stored.action, stored.decision_row)
    assert (decision.confidence, decision.causes) == (stored.confidence, stored.causes)
    assert decision.window == (first.window_start, first.window_end)
