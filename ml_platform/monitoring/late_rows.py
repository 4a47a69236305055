"""Reported windows whose rows have changed since: rows reach the lake late, or are taken away."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from ml_platform.monitoring.findings import ChangedWindow
from ml_platform.monitoring.report import MonitoringReport
from ml_platform.spec.monitoring_policy import POLICY

CHANGED = 0.01
"""The share of a window's rows by which it has to differ."""


def recent_reports(
    reports: Sequence[MonitoringReport], end: datetime
) -> tuple[MonitoringReport, ...]:
    """Return the reports of the windows that ended in the seven days before ``end``, the oldest first.

    ``reports`` are in the order newest first; of a window that was reported twice the newest report counts.
    """
    newest: dict[datetime, MonitoringReport] = {}
    for report in reports:
        if end - POLICY.window <= report.window_end < end:
            newest.setdefault(report.window_end, report)
    return tuple(newest[moment] for moment in sorted(newest))


def changed_windows(
    reports: Sequence[MonitoringReport], rows: Mapping[datetime, int]
) -> tuple[ChangedWindow, ...]:
    """Return the windows of ``reports`` whose number of rows is another one by now, by more than `CHANGED`.

    ``rows`` are those of each six hours now, by their first moment; hours that are not named have none.
    """
    changed = []
    for report in reports:
        start, until = report.period
        now = sum(count for moment, count in rows.items() if start <= moment < until)
        if abs(now - report.rows) > CHANGED * max(now, report.rows):
            changed.append(ChangedWindow(report.window_end, report.rows, now))
    return tuple(changed)


def with_changed_windows(
    report: MonitoringReport, changed: Sequence[ChangedWindow]
) -> MonitoringReport:
    """Return the report with the windows before it that have changed, which are among its causes."""
    if not changed:
        return report
    most = max(changed, key=lambda each: abs(each.rows_now - each.rows))
    count = "a window" if len(changed) == 1 else f"{len(changed)} windows"
    words = (
        f"{count} of the last seven days changed after being reported, most that to "
        f"{most.window_end:%Y-%m-%dT%H:%MZ}: {most.rows:,} rows then, {most.rows_now:,} now; reports show what was "
        "there then"
    )
    return replace(report, changed_windows=tuple(changed), causes=(*report.causes, words))
