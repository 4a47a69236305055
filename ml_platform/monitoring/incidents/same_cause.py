"""One cause in several models: what has moved for one has moved for all that have it, and people are told once."""

from collections.abc import Collection
from datetime import datetime

from ml_platform.monitoring.incidents.kinds import RULES, UNFOLDING, IncidentKind, IncidentSeverity
from ml_platform.monitoring.incidents.state import Incident, IncidentState


def same_cause(
    state: IncidentState, model: str, kind: IncidentKind, roots: Collection[str], at: datetime
) -> tuple[Incident, ...]:
    """The open incidents of other models that have one cause with these roots of ``model``; none of most kinds.

    They have a root in common; and either every root, or they opened within `UNFOLDING` before ``at``: what moves
    for one reason crosses its limits one after the other, whatever else comes later is news.
    """
    if not RULES[kind].shared:
        return ()
    return tuple(
        each
        for each in state.incidents
        if each.is_open
        and each.kind is kind
        and each.model != model
        and not set(roots).isdisjoint(each.roots)
        and (set(roots) <= set(each.roots) or at - each.opened_at <= UNFOLDING)
    )


def told_elsewhere(
    state: IncidentState,
    model: str,
    kind: IncidentKind,
    roots: Collection[str],
    severity: IncidentSeverity,
    at: datetime,
) -> bool:
    """Whether people were told of this cause as an incident of another model, and as one as grave as this."""
    return any(
        each.told is not None and each.told.rank >= severity.rank
        for each in same_cause(state, model, kind, roots, at)
    )
