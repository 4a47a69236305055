"""Words for what has happened to a version: the same ones on pages and in commands."""

from ml_platform.registry.records import Action, PromotionEvent
from ml_platform.reporting.components import Chip, Tone

_TONES = {
    Action.PROMOTED: Tone.GOOD,
    Action.RESTORED: Tone.GOOD,
    Action.ROLLED_BACK: Tone.BAD,
    Action.REFUSED: Tone.BAD,
    Action.HELD: Tone.UNSURE,
    Action.WITHDRAWN: Tone.UNSURE,
    Action.SHADOWED: Tone.ACCENT,
    Action.RAMPED: Tone.ACCENT,
    Action.APPROVED: Tone.ACCENT,
}


def event_chip(event: PromotionEvent) -> Chip:
    """What has happened, as a chip."""
    return Chip(event.action.value.replace("_", " "), _TONES.get(event.action, Tone.NEUTRAL))


def event_told(event: PromotionEvent) -> str:
    """Where it has led, the share of the users, and why: 'to rules; too many errors'; as much of it as is known."""
    evidence = event.evidence
    facts = [f"to {evidence['to']}"] if "to" in evidence else []
    if "share" in evidence:
        facts.append(f"{float(evidence['share']):.0%} of the users")
    why = evidence.get("reason") or evidence.get("reason_01") or evidence.get("decision_row", "")
    return "; ".join(text for text in (*facts, why) if text)
