"""A monitoring report says what is realised, what is estimated and whether estimates held."""

from dataclasses import replace
from datetime import datetime, timedelta

import pandas as pd
import pytest

from ml_platform.evaluation.report_parts import Estimate
from ml_platform.monitoring.baseline import measure_reference
from ml_platform.monitoring.monitor import monitor
from ml_platform.monitoring.performance.parts import EstimatedPerformance, Trust
from ml_platform.monitoring.report import Light, MonitoringReport, Performance
from ml_platform.reporting.monitoring import monitoring_html
from ml_platform.retraining.decide import Confidence, decided
from ml_platform.values import from_json, to_json
from ml_platform_tests.monitoring.performance.generated import DAY, START, predictions
from ml_platform_tests.monitoring.performance.test_estimate import WEEK_END, learned

DELAY = 5 * DAY
REFERENCE = predictions(1, 20_000, 21, since=START - timedelta(days=30))
SKILL = float((REFERENCE["outcome"] == "a").mean())
BASELINE = measure_reference(REFERENCE, (), model="m", end=START).baseline(
    version="1",
    source="test",
    simulated=True,
    predictions=REFERENCE,
    performance={"accuracy": Estimate(SKILL, SKILL - 0.006, SKILL + 0.006)},
    estimator=learned(REFERENCE),
)


def looked_at(
    rows: pd.DataFrame, end: datetime, earlier: tuple[EstimatedPerformance, ...] = ()
) -> MonitoringReport:
    """The decided report at ``end`` of rows whose labels take five days."""
    rows = rows[rows["occurred_at"] < end]
    known_at = rows["occurred_at"] + DELAY
    known = known_at <= end
    rows = rows.assign(known_at=known_at.where(known), outcome=rows["outcome"].where(known, None))
    report = monitor(
        BASELINE,
        rows,
        rows,
        model="m",
        version="1",
        source="test",
        simulated=True,
        window_start=end - 7 * DAY,
        window_end=end,
        label_delay=DELAY,
        earlier=earlier,
    )
    return decided(report)


def test_while_no_label_is_mature_performance_is_unknown_and_estimated() -> None:
    report = looked_at(predictions(2, 3_000, 4), START + 4 * DAY)
    assert report.performance.level is Performance.UNKNOWN
    assert report.estimate is not None
    assert report.estimate.value == pytest.approx(SKILL, abs=0.02)
    assert not report.estimate.suspected
    assert report.reconciliation is not None
    assert report.reconciliation.trust is Trust.UNPROVEN
    assert report.confidence == Confidence.MEDIUM
    html = monitoring_html(report)
    assert "labels mature after 5 days, and no prediction of this version is that old" in html
    assert "is estimated at" in html
    assert "ESTIMATES UNPROVEN" in html
    assert "Estimated, and realised where labels have matured" in html


def test_an_estimated_loss_lowers_confidence_says_so_and_decides_nothing() -> None:
    fallen = predictions(3, 6_000, 4, shift=0.3)
    report = looked_at(fallen, START + 4 * DAY)
    assert report.estimate is not None
    assert report.estimate.suspected
    assert report.performance.level is Performance.UNKNOWN
    assert report.confidence == Confidence.LOW
    (told,) = [cause for cause in report.causes if "is estimated at" in cause]
    assert told.endswith("no label confirms it yet")
    without = replace(report, estimate=None)
    assert (decided(without).action, decided(without).decision_row) == (
        report.action,
        report.decision_row,
    )
    assert "A loss is suspected; it decides nothing before labels confirm it." in monitoring_html(
        report
    )


def test_once_labels_mature_realised_performance_decides_and_estimates_are_held_against_it() -> (
    None
):
    rows = predictions(4, 12_000, 14)
    first = looked_at(rows, WEEK_END)
    assert first.estimate is not None
    later = looked_at(rows, WEEK_END + DELAY, (first.estimate,))
    assert later.performance.level is Performance.OK
    assert (later.performance.window_start, later.performance.window_end) == (START, WEEK_END)
    assert later.reconciliation is not None
    assert (later.reconciliation.trust, len(later.reconciliation.cohorts)) == (Trust.TRUSTED, 7)
    assert later.confidence == Confidence.HIGH
    html = monitoring_html(later)
    assert "ESTIMATES HELD" in html
    assert "Of 7 earlier estimates whose labels have matured" in html


def test_a_change_of_concept_is_told_when_labels_arrive() -> None:
    rows = predictions(5, 12_000, 14, changed=0.15)
    first = looked_at(rows, WEEK_END)
    assert first.estimate is not None
    assert not first.loss_suspected
    later = looked_at(rows, WEEK_END + DELAY, (first.estimate,))
    assert later.performance.level is Performance.ALERT
    assert later.light is Light.RED
    assert later.reconciliation is not None
    assert later.reconciliation.trust is Trust.UNTRUSTED
    (told,) = [cause for cause in later.causes if "not to be trusted" in cause]
    assert told.startswith("estimates of accuracy are not to be trusted: the metric came out")
    assert "ESTIMATES NOT TO BE TRUSTED" in monitoring_html(later)


def test_labels_that_never_come_are_unknown_for_ever_whatever_is_estimated() -> None:
    """Fault 27, of the whole report."""
    rows = predictions(6, 30_000, 35).assign(outcome=None)
    report = looked_at(rows, START + 35 * DAY)
    assert report.performance.level is Performance.UNKNOWN
    assert report.estimate is not None
    assert report.estimate.value is not None
    assert report.confidence == Confidence.MEDIUM


def test_the_whole_report_comes_back_from_json() -> None:
    rows = predictions(7, 12_000, 14)
    first = looked_at(rows, WEEK_END)
    assert first.estimate is not None
    report = looked_at(rows, WEEK_END + DELAY, (first.estimate,))
    stored = from_json(MonitoringReport, to_json(report))
    assert stored == report
    assert decided(stored) == report
    assert len(to_json(report)) < 20_000
