"""Looks at windows in which nothing was planted, and the false incidents that they would have opened."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ml_platform.monitoring.compare import FeatureComparison, assign_severities, overall
from ml_platform.monitoring.report import Severity
from ml_platform.monitoring.self_test.planted import FOUND
from ml_platform.spec.monitoring_policy import MonitoringPolicy

Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class WatchedMonth:
    """The looks at one model in a row of days, at most thirty."""

    resampled: bool
    """Whether its users were drawn with replacement from those of the home."""
    days: float
    looks: int
    flagged: int
    """Looks that said MODERATE or SIGNIFICANT."""
    red: int
    """Looks that said SIGNIFICANT."""
    insufficient: int
    """Looks that could not tell: most features had too few rows, or weeks too restless."""
    incidents: int
    """Rows of flagged looks: what people would have been told."""
    flags: tuple[tuple[str, int], ...]
    """The features that were flagged, with the number of looks."""


def watch_month(
    reports: Sequence[tuple[datetime, Sequence[FeatureComparison]]],
    policy: MonitoringPolicy,
    *,
    step: timedelta,
    resampled: bool,
    known: Sequence[Span] = (),
) -> WatchedMonth:
    """Count what looks at one model, ``step`` apart and the oldest first, would have told people.

    Looks within one of the spans of ``known`` are left out: a person has said that what happened then was real.
    """
    looks = flagged = red = blind = incidents = 0
    before, flags = False, dict[str, int]()
    for end, report in reports:
        if any(start <= end <= until for start, until in known):
            before = False
            continue
        entries = assign_severities(report, policy)
        verdict = overall(entries, policy)
        moved = verdict in FOUND
        incidents += moved and not before
        before = moved
        looks += 1
        flagged += moved
        red += verdict is Severity.SIGNIFICANT
        blind += verdict is Severity.INSUFFICIENT
        for entry in entries:
            if entry.severity in FOUND:
                flags[entry.name] = flags.get(entry.name, 0) + 1
    return WatchedMonth(
        resampled=resampled,
        days=looks * step / timedelta(days=1),
        looks=looks,
        flagged=flagged,
        red=red,
        insufficient=blind,
        incidents=incidents,
        flags=tuple(sorted(flags.items())),
    )
