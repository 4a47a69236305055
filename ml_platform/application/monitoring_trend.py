"""The last monitoring reports of a model as a series with its incidents, and how the model is by the newest one."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ml_platform.application.connections import Connections
from ml_platform.application.incidents import ListedIncident, list_incidents
from ml_platform.application.status import model_status
from ml_platform.monitoring.report import Light, Performance
from ml_platform.reporting.trend_drawing import marked

if TYPE_CHECKING:
    from ml_platform.monitoring.report import MonitoringReport

_TOP = 5
"""Features that a report of the trend names."""


@dataclass(frozen=True)
class DriftedFeature:
    """A feature, or what was predicted, and how far it has moved from its baseline."""

    name: str
    psi: float
    """Population stability index, corrected for sample size: near 0 without drift."""
    size: float
    """Kolmogorov-Smirnov or total variation distance, in [0, 1]."""
    severity: str


@dataclass(frozen=True)
class EstimateOfWindow:
    """The metric of a window's predictions as it is estimated while their labels mature; it decides nothing."""

    value: float | None
    """Null: nothing can be estimated, see `reason`."""
    low: float | None
    """Lower end of the 95 % interval of what will be realised."""
    high: float | None
    trust: str
    """'trusted', 'untrusted' (labels did not bear out earlier estimates) or 'unproven'."""
    reason: str


@dataclass(frozen=True)
class ChangeOfProduction:
    """A promotion, a rollback or the return of an earlier version."""

    at: datetime
    """By the clock of the home, as are windows."""
    version: int
    what: str
    """'promoted', 'rolled_back' or 'restored'."""
    by: str


@dataclass(frozen=True)
class TrendPoint:
    """One monitoring report."""

    window_start: datetime
    window_end: datetime
    version: str
    """The version that answered in this window, or its rules."""
    light: str
    """green, yellow, red or insufficient."""
    drift: str
    features: tuple[DriftedFeature, ...]
    """The features that have moved most."""
    performance: str
    """ok, warn, alert or unknown."""
    metric: str
    metric_baseline: float
    metric_now: float | None
    """Null: too few outcomes are known yet."""
    metric_low: float | None
    """Lower end of its 95 % interval."""
    metric_high: float | None
    metric_until: datetime
    """The end of the predictions that it is about, whose labels are mature: at most the end of the window."""
    performance_reason: str
    """Why performance is unknown; empty otherwise."""
    estimate: EstimateOfWindow | None
    """Null: of reports of earlier releases."""
    decision: str
    decided_by: str
    """The row of the decision table."""
    rows: int


@dataclass(frozen=True)
class MonitoringTrend:
    """The last monitoring reports of a model, the newest first, with what happened meanwhile."""

    model: str
    reports: tuple[TrendPoint, ...]
    incidents: tuple[ListedIncident, ...]
    """Those that were open at some time of these windows, and those that are open now first."""
    changes: tuple[ChangeOfProduction, ...]
    """Promotions and rollbacks since the first of these windows ended, the oldest first."""


@dataclass(frozen=True)
class ModelHealth:
    """How a model is by its newest monitoring report, and how old what answers is."""

    model: str
    status: str
    """'ok'; 'degraded': drift is red, or performance is on alert; 'unknown': it was never watched."""
    answers: str
    """The version that answers by the ledger, 'the rules' or 'nothing'."""
    light: str | None
    performance: str | None
    decision: str | None
    window_end: datetime | None
    """The end of the newest window that was watched."""
    age_days: float | None
    """Since when this answers, in days on the wall; null where nothing was ever registered."""
    revision: int
    """Of production by the ledger: it grows by one with each change."""


def monitoring_trend(platform: Connections, model: str, limit: int) -> MonitoringTrend:
    """The newest ``limit`` monitoring reports of a model."""
    reports = platform.ledger.monitoring_reports(model, limit=limit)
    if not reports:
        return MonitoringTrend(model, (), (), ())
    first = reports[-1].window_end
    listed = list_incidents(platform, model, resolved=True).incidents
    return MonitoringTrend(
        model,
        tuple(map(_point, reports)),
        tuple(each for each in listed if each.resolved_at is None or each.resolved_at >= first),
        tuple(
            ChangeOfProduction(event.at, event.version, event.action.value, event.actor)
            for event in marked(platform.ledger.history(model).events)
            if event.at >= first
        ),
    )


def model_health(platform: Connections, model: str, now: datetime) -> ModelHealth:
    """How a model is; ``now`` is the clock on the wall."""
    reports = platform.ledger.monitoring_reports(model, limit=1)
    status = model_status(platform, model)
    point = _point(reports[0]) if reports else None
    since = datetime.fromisoformat(status.since) if status.since else None
    version = f"version {status.in_production}" if status.in_production else ""
    return ModelHealth(
        model=model,
        status=_status(reports[0]) if reports else "unknown",
        answers=version or ("the rules" if status.rules_answer else "nothing"),
        light=point.light if point else None,
        performance=point.performance if point else None,
        decision=point.decision if point else None,
        window_end=point.window_end if point else None,
        age_days=round((now - since).total_seconds() / 86_400, 3) if since else None,
        revision=platform.ledger.production(model).revision,
    )


def _status(report: "MonitoringReport") -> str:
    bad = report.light is Light.RED or report.performance.level is Performance.ALERT
    return "degraded" if bad else "ok"


def _estimate(report: "MonitoringReport") -> EstimateOfWindow | None:
    estimate, reconciliation = report.estimate, report.reconciliation
    if estimate is None:
        return None
    trust = reconciliation.trust.value if reconciliation else "unproven"
    return EstimateOfWindow(estimate.value, estimate.low, estimate.high, trust, estimate.reason)


def _point(report: "MonitoringReport") -> TrendPoint:
    check = report.performance
    return TrendPoint(
        window_start=report.window_start,
        window_end=report.window_end,
        version=report.version,
        light=report.light.value,
        drift=report.drift.value,
        features=tuple(
            DriftedFeature(each.name, each.psi, each.size, each.severity.value)
            for each in report.features[:_TOP]
        ),
        performance=check.level.value,
        metric=check.metric,
        metric_baseline=check.baseline,
        metric_now=check.current,
        metric_low=check.low,
        metric_high=check.high,
        metric_until=check.window_end or report.window_end,
        performance_reason=check.reason,
        estimate=_estimate(report),
        decision=report.action,
        decided_by=report.decision_row,
        rows=report.rows,
    )
