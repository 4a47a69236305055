"""One cause in several models: what has moved for one has moved for all that have it, and people are told once."""

from datetime import datetime, timedelta

from ml_platform.monitoring.incidents.kinds import RULES, IncidentKind, IncidentSeverity
from ml_platform.monitoring.incidents.state import Incident, IncidentState

_STILL_SEEN = timedelta(days=1)
"""People know of a cause from an incident that was seen so short a time ago."""


def same_cause(
    state: IncidentState,
    model: str,
    kind: IncidentKind,
    roots: tuple[str, ...],
    opened_at: datetime,
) -> tuple[Incident, ...]:
    """The open incidents of other models that have one cause with an incident of ``model``; none of most kinds.

    They have a root in common with it, and opened within the kind's `KindRule.shared_within` before or after it.
    """
    within = RULES[kind].shared_within
    if within is None:
        return ()
    return tuple(
        each
        for each in state.incidents
        if each.is_open
        and each.kind is kind
        and each.model != model
        and not set(roots).isdisjoint(each.roots)
        and abs(opened_at - each.opened_at) <= within
    )


def told_elsewhere(others: tuple[Incident, ...], severity: IncidentSeverity, at: datetime) -> bool:
    """Whether people were told of one of these incidents, as one as grave as this, and it was seen up to ``at``."""
    return any(
        each.told is not None
        and each.told.rank >= severity.rank
        and at - each.last_seen <= _STILL_SEEN
        for each in others
    )
