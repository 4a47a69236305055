"""The card that decides: GO or NO-GO, the row of the table that fired, what is missing, how sure it is."""

from dataclasses import dataclass

from ml_platform.gates.outcome import Decision
from ml_platform.reporting.components import Chip, Tone
from ml_platform.reporting.evaluation.confidence import Level, confidence
from ml_platform.reporting.evaluation.decision import is_go, stopping_gates
from ml_platform.reporting.evaluation.gates import GateView, gate_view
from ml_platform.reporting.words import capitals, sentence

_MOST_MISSING = 4
_LEVEL_TONES = {Level.HIGH: Tone.GOOD, Level.MEDIUM: Tone.UNSURE, Level.LOW: Tone.BAD}


@dataclass(frozen=True)
class VerdictCard:
    """``missing`` are the first gates that stop, ``more`` says how many others do."""

    word: str
    tone: Tone
    verdict: str
    row: str
    missing: tuple[GateView, ...]
    more: int
    confidence: Chip
    why: str


def verdict_card(decision: Decision) -> VerdictCard:
    """The card of a decision."""
    stopping = stopping_gates(decision)
    trust = confidence(decision)
    go = is_go(decision)
    return VerdictCard(
        word="GO" if go else "NO-GO",
        tone=Tone.GOOD if go else Tone.BAD,
        verdict=capitals(decision.verdict),
        row=decision.row,
        missing=tuple(gate_view(gate) for gate in stopping[:_MOST_MISSING]),
        more=max(len(stopping) - _MOST_MISSING, 0),
        confidence=Chip(capitals(trust.level), _LEVEL_TONES[trust.level]),
        why=sentence(trust.why),
    )
