"""The kinds of incidents: how grave each begins, how grave it becomes, when it is over, and its runbook."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType


class IncidentKind(StrEnum):
    """What has gone wrong with a model."""

    FEATURE_DRIFT = "feature_drift"
    PREDICTION_DRIFT = "prediction_drift"
    CHANGED_REASONS = "changed_reasons"
    PERFORMANCE = "performance"
    MISSING_LABELS = "missing_labels"
    MISSED_RUN = "missed_run"


class IncidentSeverity(StrEnum):
    """The urgency of an incident; it only rises while the incident is open."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 of INFO, 1 of WARNING, 2 of CRITICAL."""
        return list(IncidentSeverity).index(self)


@dataclass(frozen=True)
class KindRule:
    """How long incidents of a kind last, and what they come to."""

    quiet_windows: int
    """Consecutive quiet windows after which one is resolved; as many more for each time it was reopened."""
    endures: int
    """Windows seen after which it has endured."""
    endured: IncidentSeverity
    """The least severity of one that has endured."""
    shared_within: timedelta | None = None
    """Incidents of two models with a root in common that opened within this time are one cause, of which people are
    told once; ``None``: each is its own."""


UNFOLDING = timedelta(days=7)
"""Features that move within this time after an incident opened belong to it: a trailing window fills slowly."""
_DAY, _WEEK = 4, 28
RULES: Mapping[IncidentKind, KindRule] = MappingProxyType(
    {
        IncidentKind.FEATURE_DRIFT: KindRule(
            _DAY, _WEEK, IncidentSeverity.WARNING, shared_within=UNFOLDING
        ),
        IncidentKind.PREDICTION_DRIFT: KindRule(_DAY, _WEEK, IncidentSeverity.WARNING),
        IncidentKind.CHANGED_REASONS: KindRule(_DAY, _WEEK, IncidentSeverity.WARNING),
        IncidentKind.PERFORMANCE: KindRule(_DAY, _WEEK, IncidentSeverity.CRITICAL),
        IncidentKind.MISSING_LABELS: KindRule(_DAY, _WEEK, IncidentSeverity.WARNING),
        IncidentKind.MISSED_RUN: KindRule(
            1, _DAY, IncidentSeverity.CRITICAL, shared_within=timedelta(hours=6)
        ),
    }
)
"""The rules by kind. Windows are six hours apart: four are a day, 28 a week."""

FLAPPING = timedelta(days=7)
"""A cause that is seen again within this time after it was resolved reopens its incident."""
MOST_QUIET_TIMES = 4
"""However often an incident was reopened, it is resolved after so many times the quiet windows of its kind."""


def runbook_of(kind: IncidentKind) -> str:
    """The page that says what to do about a kind of incident, from the root of the repository."""
    return f"docs/runbooks/{kind.value}.md"
