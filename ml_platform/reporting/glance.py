"""A monitoring report at a glance, for a run's page in Dagster: a line each for decision, drift and performance."""

from ml_platform.monitoring.report import MonitoringReport, Severity


def glance(report: MonitoringReport) -> dict[str, str]:
    """The lines by name, what matters most first."""
    return {
        "light": report.light.value.upper(),
        "decision": f"{report.action} ({report.decision_row}, {report.confidence})",
        "drift": _drift(report),
        "performance": _performance(report),
        "estimated": _estimated(report),
    }


def pages_of(report: MonitoringReport, service: str) -> dict[str, str]:
    """The addresses of the window and of the trend on the service; none where ``service`` is empty."""
    if not service:
        return {}
    window = f"{report.window_end:%Y-%m-%dT%H%M}"
    return {
        "page": f"{service}/models/{report.model}/monitoring/{window}",
        "trend": f"{service}/models/{report.model}/trend",
    }


def _drift(report: MonitoringReport) -> str:
    """The level, how many moved, and the largest size."""
    entries = (*report.features, *report.predictions)
    moved = sum(each.severity in (Severity.MODERATE, Severity.SIGNIFICANT) for each in entries)
    level = f"{report.drift.value.upper()}: {moved} of {len(entries)} moved"
    if not entries:
        return level
    largest = max(entries, key=lambda each: each.size)
    return f"{level}, the largest size is {largest.size:.3f} ({largest.name})"


def _performance(report: MonitoringReport) -> str:
    """The level with its figure, or why it is not known."""
    check = report.performance
    level = check.level.value.upper()
    if check.current is None or check.low is None or check.high is None:
        return f"{level}: {check.reason or 'no outcomes are known yet'}"
    figure = f"{check.metric} {check.current:.3f} [{check.low:.3f}, {check.high:.3f}]"
    why = f"; {check.reason}" if check.reason else ""
    return f"{level}: {figure}, {check.baseline:.3f} at the evaluation{why}"


def _estimated(report: MonitoringReport) -> str:
    estimate = report.estimate
    if estimate is None or estimate.value is None:
        return "nothing" if estimate is None else f"nothing: {estimate.reason}"
    trust = f", {report.reconciliation.trust.value}" if report.reconciliation else ""
    return (
        f"{estimate.metric} {estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]{trust}"
    )
