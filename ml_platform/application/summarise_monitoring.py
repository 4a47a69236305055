"""A monitoring report in a few words, as `run`, `monitor` and `status` show it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ml_platform.application.connections import Connections
    from ml_platform.monitoring.report import MonitoringReport


@dataclass(frozen=True)
class MonitoringSummary:
    """One monitoring report; levels and decisions are in capitals, as people read them."""

    window: tuple[str, str]
    """Start and end, ISO 8601."""
    version: str
    light: str
    drift: str
    performance: str
    decision: str
    decided_by: str
    confidence: str
    rows: int
    clusters: int
    largest_changes: tuple[str, ...]
    causes: tuple[str, ...]
    likely_causes: tuple[str, ...]
    """What most likely explains the report, the likeliest first; empty where nothing has moved."""
    suggestion: str
    """What a retraining would be made of, in words; empty where nothing has moved."""


def summarise_monitoring(report: "MonitoringReport") -> MonitoringSummary:
    """The summary of one report."""
    return MonitoringSummary(
        window=(report.window_start.isoformat(), report.window_end.isoformat()),
        version=report.version,
        light=report.light.value.upper(),
        drift=report.drift.value.upper(),
        performance=report.performance.level.value.upper(),
        decision=report.action.upper(),
        decided_by=report.decision_row,
        confidence=report.confidence.upper(),
        rows=report.rows,
        clusters=report.clusters,
        largest_changes=tuple(report.top),
        causes=tuple(report.causes),
        likely_causes=tuple(cause.words for cause in report.likely_causes),
        suggestion=report.suggestion.words if report.suggestion else "",
    )


def latest_monitoring(platform: "Connections", model: str) -> MonitoringSummary | None:
    """The newest monitoring report of a model; ``None`` before its first one."""
    reports = platform.ledger.monitoring_reports(model, limit=1)
    return summarise_monitoring(reports[0]) if reports else None
