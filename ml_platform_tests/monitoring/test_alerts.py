from ml_platform.monitoring.alerts import AlertLevel, alert_of
from ml_platform.monitoring.report import Performance, Severity
from ml_platform_tests.retraining.reports import NOON, report


def test_red_is_critical_and_says_why() -> None:
    alert = alert_of(report(Severity.SIGNIFICANT, Performance.WARN))
    assert alert is not None
    assert alert.level is AlertLevel.CRITICAL
    assert alert.title == "model 1: drift significant, performance warn, retrain urgent"
    assert alert.causes == ("dwell: <values> are higher",)
    assert (alert.alert_id, alert.at) == (f"model:1:{NOON.isoformat()}", NOON)


def test_yellow_is_a_warning_green_and_insufficient_are_none() -> None:
    alert = alert_of(report(Severity.MODERATE))
    assert alert is not None
    assert alert.level is AlertLevel.WARNING
    assert alert_of(report()) is None
    assert alert_of(report(Severity.INSUFFICIENT)) is None
