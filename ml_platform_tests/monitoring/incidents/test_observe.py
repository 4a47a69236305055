"""What a report says of each kind of incident."""

from dataclasses import replace
from datetime import timedelta

import pytest

from ml_platform.monitoring.incidents.kinds import IncidentKind, IncidentSeverity
from ml_platform.monitoring.incidents.observe import missed_run, observe
from ml_platform.monitoring.report import Performance, Severity
from ml_platform_tests.retraining.reports import NOON, report

GREEN = report()


def seen(now, earlier=(GREEN,)):
    return {each.kind: each for each in observe(now, earlier)}


@pytest.mark.parametrize(
    ("drift", "severity"),
    [
        (Severity.MODERATE, IncidentSeverity.INFO),
        (Severity.SIGNIFICANT, IncidentSeverity.WARNING),
    ],
)
def test_features_that_have_moved_are_named(drift, severity) -> None:
    (sign,) = seen(report(drift))[IncidentKind.FEATURE_DRIFT].signs
    assert (sign.root, sign.severity, sign.effect) == ("dwell", severity, 0.2)
    assert sign.words == f"dwell: {drift.value}, distance 0.20, PSI 0.20"


def test_predictions_that_have_moved_are_a_kind_of_their_own() -> None:
    moved = report(Severity.MODERATE)
    moved = replace(moved, features=(), predictions=moved.features)
    kinds = seen(moved)
    assert kinds[IncidentKind.FEATURE_DRIFT].signs == ()
    assert len(kinds[IncidentKind.PREDICTION_DRIFT].signs) == 1


def test_a_green_report_is_quiet_in_every_kind() -> None:
    assert all(each.known and not each.signs for each in observe(GREEN, ()))


def test_what_is_not_known_is_not_quiet() -> None:
    kinds = seen(report(Severity.INSUFFICIENT, Performance.UNKNOWN), ())
    unknown = {kind for kind, each in kinds.items() if not each.known}
    assert unknown == {
        IncidentKind.FEATURE_DRIFT,
        IncidentKind.PREDICTION_DRIFT,
        IncidentKind.PERFORMANCE,
        IncidentKind.MISSING_LABELS,
    }
    assert not any(each.signs for each in kinds.values())


def test_a_loss_is_warning_or_critical() -> None:
    for level, severity in (
        (Performance.WARN, IncidentSeverity.WARNING),
        (Performance.ALERT, IncidentSeverity.CRITICAL),
    ):
        (sign,) = seen(report(performance=level))[IncidentKind.PERFORMANCE].signs
        assert (sign.root, sign.severity, sign.effect) == ("accuracy", severity, 0.11)
        assert "accuracy is 0.800 on 1000 labelled rows, 0.900 at the evaluation" in sign.words


def test_changed_reasons_are_seen() -> None:
    (sign,) = seen(report(reasons_changed=True))[IncidentKind.CHANGED_REASONS].signs
    assert sign.effect == 0.2
    assert "predictions rest on other features" in sign.words


def test_labels_that_came_and_come_no_more_are_missing() -> None:
    gone = report(performance=Performance.UNKNOWN)
    (sign,) = seen(gone)[IncidentKind.MISSING_LABELS].signs
    assert sign.words == "0% of the predictions have an outcome, 100% in the windows before"
    fewer = replace(gone, performance=replace(gone.performance, matured=0.5))
    assert seen(fewer)[IncidentKind.MISSING_LABELS].signs == ()
    few = replace(gone, rows=199)
    assert not seen(few)[IncidentKind.MISSING_LABELS].known
    never = seen(gone, (gone, gone))[IncidentKind.MISSING_LABELS]
    assert (never.signs, never.known) == ((), False), "labels that have never come are no incident"


def test_a_missed_run_counts_its_windows() -> None:
    (sign,) = missed_run([NOON + timedelta(hours=6), NOON], "m").signs
    assert sign.words == "no report of m on 2 windows, the first to 2024-06-01T12:00Z"
    assert missed_run([], "m").signs == ()
