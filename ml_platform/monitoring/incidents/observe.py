"""What a window says of each kind of incident: something moved, all is quiet, or nobody can tell."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from ml_platform.monitoring.incidents.kinds import IncidentKind, IncidentSeverity
from ml_platform.monitoring.report import FeatureDrift, MonitoringReport, Performance, Severity
from ml_platform.spec.monitoring_policy import POLICY, MonitoringPolicy

_OF_DRIFT = {
    Severity.MODERATE: IncidentSeverity.INFO,
    Severity.SIGNIFICANT: IncidentSeverity.WARNING,
}
_OF_LOSS = {
    Performance.WARN: IncidentSeverity.WARNING,
    Performance.ALERT: IncidentSeverity.CRITICAL,
}
LABELS_KEPT = 0.5
"""Labels are missing when their share falls below this part of what it was in the windows before."""


@dataclass(frozen=True)
class Sign:
    """One thing that has moved: a feature, the metric, the labels, the run."""

    root: str
    severity: IncidentSeverity
    effect: float
    words: str


@dataclass(frozen=True)
class Observation:
    """What one window says of one kind; no signs mean a quiet window where ``known``, else nothing at all."""

    kind: IncidentKind
    signs: tuple[Sign, ...] = ()
    known: bool = True


def observe(
    report: MonitoringReport,
    earlier: Sequence[MonitoringReport],
    policy: MonitoringPolicy = POLICY,
) -> tuple[Observation, ...]:
    """What a report says of every kind; ``earlier`` are reports of the same model on windows before it.

    Unknown performance is not quiet, and neither is a drift that could not be measured. Labels are missing
    when their share fell below half of its median in the earlier windows that had a known performance; labels
    that have never come are no incident.
    """
    measured = report.drift is not Severity.INSUFFICIENT
    reasons = report.explanations
    return (
        Observation(IncidentKind.FEATURE_DRIFT, _moved(report.features), measured),
        Observation(IncidentKind.PREDICTION_DRIFT, _moved(report.predictions), measured),
        Observation(
            IncidentKind.CHANGED_REASONS,
            _changed_reasons(report),
            reasons is None or not reasons.reason,
        ),
        Observation(
            IncidentKind.PERFORMANCE,
            _loss(report),
            report.performance.level is not Performance.UNKNOWN,
        ),
        _labels(report, earlier, policy),
        Observation(IncidentKind.MISSED_RUN),
    )


def missed_run(windows: Sequence[datetime], model: str) -> Observation:
    """The observation that these windows, which have ended, lack a report of ``model``; quiet without any."""
    if not windows:
        return Observation(IncidentKind.MISSED_RUN)
    count = len(windows)
    severity = IncidentSeverity.INFO if count == 1 else IncidentSeverity.WARNING
    some = "one window" if count == 1 else f"{count} windows"
    words = f"no report of {model} on {some}, the first to {min(windows):%Y-%m-%dT%H:%MZ}"
    sign = Sign("run", severity, float(count), words)
    return Observation(IncidentKind.MISSED_RUN, (sign,))


def _moved(entries: Iterable[FeatureDrift]) -> tuple[Sign, ...]:
    signs = []
    for entry in entries:
        severity = _OF_DRIFT.get(entry.severity)
        if severity is not None:
            words = f"{entry.name}: {entry.severity.value}, distance {entry.size:.2f}, PSI {entry.psi:.2f}"
            signs.append(Sign(entry.name, severity, entry.size, words))
    return tuple(signs)


def _changed_reasons(report: MonitoringReport) -> tuple[Sign, ...]:
    reasons = report.explanations
    if reasons is None or not reasons.reported:
        return ()
    return (Sign("reasons", IncidentSeverity.INFO, reasons.distance or 0.0, reasons.cause),)


def _loss(report: MonitoringReport) -> tuple[Sign, ...]:
    check = report.performance
    severity = _OF_LOSS.get(check.level)
    if severity is None:
        return ()
    loss = check.relative_loss or 0.0
    now = "unknown" if check.current is None else f"{check.current:.3f}"
    words = (
        f"{check.metric} is {now} on {check.rows} labelled rows, {check.baseline:.3f} at the evaluation: "
        f"a relative loss of {loss:.1%}"
    )
    return (Sign(check.metric, severity, loss, words),)


def _labels(
    report: MonitoringReport, earlier: Sequence[MonitoringReport], policy: MonitoringPolicy
) -> Observation:
    check = report.performance
    before = [
        each.performance.matured
        for each in earlier
        if each.performance.level is not Performance.UNKNOWN
    ]
    if check.level is not Performance.UNKNOWN:
        return Observation(IncidentKind.MISSING_LABELS)
    if not before or report.rows < policy.minimum_labelled_rows:
        return Observation(IncidentKind.MISSING_LABELS, known=False)
    usual = median(before)
    if check.matured >= LABELS_KEPT * usual:
        return Observation(IncidentKind.MISSING_LABELS)
    words = (
        f"{check.matured:.0%} of the predictions have an outcome, {usual:.0%} in the windows before"
    )
    sign = Sign("labels", IncidentSeverity.INFO, 1.0 - check.matured / usual, words)
    return Observation(IncidentKind.MISSING_LABELS, (sign,))
