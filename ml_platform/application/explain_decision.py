"""Why a version was or was not promoted: its decision, and the promotions that were refused."""

from dataclasses import dataclass

from ml_platform.application.connections import Connections
from ml_platform.application.find_version import find_version
from ml_platform.gates.decide import what_would_change
from ml_platform.gates.outcome import Decision
from ml_platform.registry.records import Action, PromotionEvent


@dataclass(frozen=True)
class DecisionExplanation:
    """The decision about a version, and every promotion of it that was refused."""

    model: str
    version: int
    decision: Decision
    refusals: tuple[PromotionEvent, ...]

    @property
    def text(self) -> str:
        """Lines for people: the row that decided, each gate that did not pass, what would change it."""
        return what_would_change(self.decision)


def explain_decision(platform: Connections, model: str, version: int | None) -> DecisionExplanation:
    """Explain the decision about a version, by default the newest.

    Raises:
        UsageError: no such model or version is registered.
    """
    record = find_version(platform, model, version)
    refusals = tuple(
        event
        for event in platform.ledger.events(model)
        if event.version == record.version and event.action is Action.REFUSED
    )
    return DecisionExplanation(model, record.version, record.decision, refusals)
