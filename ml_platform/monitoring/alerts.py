"""Alerts: the message that a report sends to people at once, none where all is well."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ml_platform.monitoring.report import Light, MonitoringReport


class AlertLevel(StrEnum):
    """The urgency of an alert."""

    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True)
class Alert:
    """One message; the same report gives the same ``alert_id``, so a receiver can drop repetitions."""

    alert_id: str
    """``model:version:window end``."""
    model: str
    level: AlertLevel
    title: str
    causes: tuple[str, ...]
    at: datetime
    """End of the window, not the wall clock."""


def alert_of(report: MonitoringReport) -> Alert | None:
    """Return a CRITICAL alert for a red report, a WARNING for a yellow one, else ``None``."""
    levels = {Light.RED: AlertLevel.CRITICAL, Light.YELLOW: AlertLevel.WARNING}
    level = levels.get(report.light)
    if level is None:
        return None
    action = f", {report.action.replace('_', ' ')}" if report.action else ""
    return Alert(
        alert_id=f"{report.model}:{report.version}:{report.window_end.isoformat()}",
        model=report.model,
        level=level,
        title=f"{report.model} {report.version}: drift {report.drift}, "
        f"performance {report.performance.level}{action}",
        causes=report.causes,
        at=report.window_end,
    )
