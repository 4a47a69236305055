"""Which changes most likely explain a report: features by the importance of the version, and known changes.

A cause is likely by what it touches: the share of all movement of the predictions that rests on it. That share was
stored when the version was evaluated (`ml_platform.evaluation.dimensions.explanations`); a feature that moved far
counts little where predictions do not rest on it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ml_platform.evaluation.dimensions.explanations.groups import feature_groups
from ml_platform.monitoring.causes.parts import CauseKind, LikelyCause, PlatformChange, Suggestion
from ml_platform.monitoring.explanations import Explained
from ml_platform.monitoring.report import FeatureDrift, MonitoringReport, Performance, Severity

MOST = 5
"""The number of causes that a report names."""
_MOVED = (Severity.SIGNIFICANT, Severity.MODERATE)
_LOST = (Performance.WARN, Performance.ALERT)
_ABOUT_ANSWERS = (CauseKind.PRODUCTION,)
"""Changes that explain what is predicted, and never why features move."""


@dataclass(frozen=True)
class Importance:
    """The importance of a group of features that are explained together."""

    name: str
    features: tuple[str, ...]
    share: float
    """The group's share of all movement of the predictions, in [0, 1]."""
    known: bool = True
    """``False``: no explanation was stored, and every feature counts alike."""


def importances_of(explained: Explained | None, features: Sequence[str]) -> tuple[Importance, ...]:
    """Return the stored importance of a version's features; without any, equal shares of ``features``."""
    if explained is None:
        return tuple(
            Importance(name, (name,), 1.0 / len(features), known=False) for name in features
        )
    stored = dict(zip(explained.baseline.groups, explained.baseline.shares, strict=True))
    return tuple(
        Importance(group.name, group.features, stored[group.name])
        for group in feature_groups(explained.features)
        if group.name in stored
    )


def with_likely_causes(
    report: MonitoringReport,
    importances: Sequence[Importance],
    changes: Sequence[PlatformChange],
    trained: tuple[datetime, datetime],
) -> MonitoringReport:
    """Return the report with its likely causes, the likeliest first, and the suggested retraining.

    There are none where nothing has moved. ``changes`` are those that are known of the window; ``trained`` is the
    period ``[start, end)`` of the baseline's rows, whose length a retraining keeps.
    """
    causes = likely_causes(report, importances, changes)
    suggestion = _suggestion(report, causes, trained) if causes else None
    return replace(report, likely_causes=causes, suggestion=suggestion)


def likely_causes(
    report: MonitoringReport, importances: Sequence[Importance], changes: Sequence[PlatformChange]
) -> tuple[LikelyCause, ...]:
    """Return the `MOST` likeliest causes of what has moved, in descending order of their weight."""
    moved = {entry.name: entry for entry in report.features if entry.severity in _MOVED}
    answers = (
        any(entry.severity in _MOVED for entry in report.predictions)
        or report.performance.level in _LOST
        or report.loss_suspected
        or report.reasons_changed
    )
    causes = [
        _feature_cause(group, [moved[name] for name in group.features if name in moved])
        for group in importances
        if moved.keys() & set(group.features)
    ]
    causes.extend(
        LikelyCause(change.kind, change.names, _touched(change, importances), change.words)
        for change in changes
        if answers or _explains(change, moved)
    )
    causes.sort(key=lambda cause: (-cause.weight, cause.kind.value, cause.names))
    return tuple(causes[:MOST])


def _explains(change: PlatformChange, moved: Mapping[str, FeatureDrift]) -> bool:
    if change.kind in _ABOUT_ANSWERS or not moved:
        return False
    return change.features is None or bool(moved.keys() & set(change.features))


def _touched(change: PlatformChange, importances: Sequence[Importance]) -> float:
    if change.features is None:
        return 1.0
    touched = set(change.features)
    share = sum(group.share for group in importances if touched & set(group.features))
    return min(1.0, share)


def _feature_cause(group: Importance, moved: Sequence[FeatureDrift]) -> LikelyCause:
    ordered = sorted(moved, key=_size, reverse=True)
    names = tuple(entry.name for entry in ordered)
    size = _size(ordered[0])
    rest = f"{group.share:.0%} of the movement of the predictions rests on "
    known = rest + ("it" if group.features == names else f"the group {group.name}")
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if names[3:] else "")
    have = "have" if len(names) > 1 else "has"
    words = (
        f"{shown} {have} moved (size {size:.2f}); "
        f"{known if group.known else 'how much predictions rest on it is not known'}"
    )
    return LikelyCause(CauseKind.FEATURE, names, min(1.0, size * group.share), words)


def _size(entry: FeatureDrift) -> float:
    return max(entry.size, abs(entry.missing_current - entry.missing_baseline))


def _suggestion(
    report: MonitoringReport, causes: Sequence[LikelyCause], trained: tuple[datetime, datetime]
) -> Suggestion:
    """Slide the training period, its length kept, up to the newest mature labels."""
    until = report.rows_until or report.window_end
    mature = report.performance.window_end
    end = max(trained[1], min(until, mature) if mature else trained[1])
    begins = until - (report.window_end - report.window_start)
    changed = max(0.0, (end - begins).total_seconds() / 86_400)
    about = (CauseKind.FEATURE, CauseKind.DEFINITION)
    named = (name for cause in causes if cause.kind in about for name in cause.names)
    return Suggestion(
        start=end - (trained[1] - trained[0]),
        end=end,
        features=tuple(dict.fromkeys(named)),
        changed_days=round(changed, 2),
    )
