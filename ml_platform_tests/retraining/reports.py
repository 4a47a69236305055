"""Small monitoring reports for tests of what follows from them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from ml_platform.monitoring.monitor import light
from ml_platform.monitoring.report import (
    ExplanationCheck,
    FeatureDrift,
    MonitoringReport,
    Performance,
    PerformanceCheck,
    ReasonShare,
    Severity,
)
from ml_platform.retraining.decide import decided

UNCHANGED = ExplanationCheck(
    reported=False,
    distance=0.2,
    p_value=0.001,
    shares=(ReasonShare("dwell", 0.1, 0.3),),
    rows=900,
    clusters=80,
    reason="",
)
NOON = datetime(2024, 6, 1, 12, tzinfo=UTC)


def report(
    drift: Severity = Severity.NONE,
    performance: Performance = Performance.OK,
    *,
    reasons_changed: bool = False,
    hours: float = 0.0,
    model: str = "model",
    version: str = "1",
) -> MonitoringReport:
    """A decided report whose window ends ``hours`` after noon of 1 June 2024."""
    end = NOON + timedelta(hours=hours)
    feature = FeatureDrift(
        name="dwell",
        test="ks",
        statistic=0.2,
        p_value=0.001,
        adjusted_p_value=0.002,
        psi=0.2,
        size=0.2,
        missing_baseline=0.0,
        missing_current=0.0,
        missing_adjusted_p_value=1.0,
        severity=drift,
    )
    known = performance is not Performance.UNKNOWN
    return decided(
        MonitoringReport(
            model=model,
            version=version,
            source="test",
            simulated=True,
            window_start=end - timedelta(days=7),
            window_end=end,
            rows=1_000,
            clusters=100,
            rows_baseline=10_000,
            drift=drift,
            light=light(drift, performance, reasons_changed=reasons_changed),
            features=(feature,),
            top=("dwell",),
            predictions=(),
            performance=PerformanceCheck(
                level=performance,
                metric="accuracy",
                baseline=0.9,
                current=0.8 if known else None,
                low=0.78 if known else None,
                high=0.82 if known else None,
                relative_loss=0.11 if known else None,
                rows=1_000 if known else 0,
                matured=1.0 if known else 0.0,
            ),
            action="",
            decision_row="",
            confidence="",
            causes=("dwell: <values> are higher",),
            policy_version="0" * 64,
            explanations=replace(UNCHANGED, reported=True) if reasons_changed else UNCHANGED,
        )
    )
