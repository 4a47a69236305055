"""When what an incident is about began to change, by the sizes in the reports of its version."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ml_platform.monitoring.incidents.change_point import LEAST, change_point
from ml_platform.monitoring.incidents.kinds import IncidentKind
from ml_platform.monitoring.incidents.state import Incident
from ml_platform.monitoring.report import MonitoringReport

ALPHA = 0.05
"""A change is named where a series without one has one as clear as this in fewer than 5 % of the cases."""


@dataclass(frozen=True)
class BeganToChange:
    """When a series of windows began to change."""

    window_end: datetime
    """The end of the first window that has changed: the change began in the six hours before it."""
    change: float
    """How much higher the level is in the end; negative: lower."""
    p_value: float
    windows: int
    """The length of the series."""


def began_to_change(
    incident: Incident, newest_first: Sequence[MonitoringReport]
) -> BeganToChange | None:
    """The change point of an incident's sizes; ``None`` where there are too few windows or no clear change.

    Only the windows that the version of the newest report has had in a row are compared: another version has
    another baseline.
    """
    ends: list[datetime] = []
    sizes: list[float] = []
    for report in newest_first:
        size = size_of(incident, report)
        if size is None or report.version != newest_first[0].version:
            break
        ends.append(report.window_end)
        sizes.append(size)
    if len(sizes) < LEAST:
        return None
    found = change_point(sizes[::-1])
    if found.p_value > ALPHA:
        return None
    return BeganToChange(ends[::-1][found.place], found.change, found.p_value, len(sizes))


def size_of(incident: Incident, report: MonitoringReport) -> float | None:
    """How large what an incident is about is in a report; ``None`` where the report does not say.

    The largest distance of its features or predictions, the relative loss, the share of predictions with an
    outcome, or the distance of the reasons.
    """
    if incident.kind in (IncidentKind.FEATURE_DRIFT, IncidentKind.PREDICTION_DRIFT):
        entries = (*report.features, *report.predictions)
        return max((each.size for each in entries if each.name in incident.roots), default=None)
    if incident.kind is IncidentKind.PERFORMANCE:
        return report.performance.relative_loss
    if incident.kind is IncidentKind.MISSING_LABELS:
        return report.performance.matured
    if incident.kind is IncidentKind.CHANGED_REASONS and report.explanations is not None:
        return report.explanations.distance
    return None
