"""What answers for a model now, since when, by whom and why: every page and command says it from here."""

from dataclasses import dataclass
from datetime import datetime

from ml_platform.registry.history import History
from ml_platform.registry.lifecycle import in_production
from ml_platform.registry.records import Action
from ml_platform.registry.rollbacks import left_to_the_rules


@dataclass(frozen=True)
class Answering:
    """What answers for a model."""

    version: int | None
    """The champion; ``None``: the rules."""
    since: datetime | None
    """The moment by the clock on the wall; rules that have always answered: when the first version was registered
    (``None`` before it)."""
    actor: str = ""
    """The person or asset that has brought this about; empty of rules that have always answered."""
    decided: str = ""
    """The row of the decision table by which the champion was promoted."""
    reason: str = ""
    """What the person who went back has given as the reason."""
    promoted: datetime | None = None
    """When a champion that a rollback has brought back was promoted."""
    left: int | None = None
    """The version whose rollback has left the model to the rules."""


def answering(history: History) -> Answering:
    """What answers for a model after its events."""
    champion = in_production(history.events, history.model)
    if champion is not None:
        found = history.last(champion.version, Action.PROMOTED)
        return Answering(
            champion.version,
            champion.recorded,
            champion.actor,
            decided=champion.why.get("decision_row", ""),
            reason=champion.why.get("reason", "") if champion.restored else "",
            promoted=found.wall if champion.restored else None,
        )
    left = left_to_the_rules(history)
    if left is not None:
        reason = left.evidence.get("reason", "")
        return Answering(None, left.wall, left.actor, reason=reason, left=left.version)
    return Answering(None, history.events[0].wall if history.events else None)
