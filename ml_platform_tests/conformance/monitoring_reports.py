"""A quiet monitoring report."""

from datetime import datetime, timedelta

from ml_platform.monitoring.report import (
    Light,
    MonitoringReport,
    Performance,
    PerformanceCheck,
    Severity,
)


def monitoring_report(model: str, window_end: datetime) -> MonitoringReport:
    return MonitoringReport(
        model=model,
        version="1",
        source="made",
        simulated=True,
        window_start=window_end - timedelta(days=7),
        window_end=window_end,
        rows=1_000,
        clusters=100,
        rows_baseline=9_000,
        drift=Severity.NONE,
        light=Light.GREEN,
        features=(),
        top=(),
        predictions=(),
        performance=PerformanceCheck(
            Performance.UNKNOWN, "accuracy", 0.9, None, None, None, None, 0, 0.0
        ),
        action="none",
        decision_row="quiet",
        confidence="high",
        causes=(),
        policy_version="p",
    )
