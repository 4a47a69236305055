"""Each gate as a line: outcome, interval beside its limit, explanation, and what would change it."""

from collections.abc import Iterable
from dataclasses import dataclass

from ml_platform.gates.outcome import Decision, GateKind, GateResult, Outcome
from ml_platform.reporting.components import Chip, Tone, Track, TrackScale, outcome_chip
from ml_platform.reporting.words import heading, limit_number, number, sentence
from ml_platform.spec.gates import Bound


@dataclass(frozen=True)
class GateView:
    """A gate ready for the page; ``name`` is what a policy calls it."""

    title: str
    name: str
    chip: Chip
    track: Track | None
    figures: str
    explanation: str
    remedy: str


@dataclass(frozen=True)
class GateGroup:
    """Gates of one kind under a title."""

    title: str
    gates: tuple[GateView, ...]


def gate_groups(decision: Decision) -> tuple[GateGroup, ...]:
    """Quality gates, then integrity gates, each in the order in which they were asked."""
    groups = (
        GateGroup(title, tuple(gate_view(gate) for gate in decision.gates if gate.kind is kind))
        for title, kind in (("Quality", GateKind.QUALITY), ("Integrity", GateKind.INTEGRITY))
    )
    return tuple(group for group in groups if group.gates)


def short_gates(gates: Iterable[GateResult]) -> tuple[GateView, ...]:
    """Gates inside their dimension: one that passes needs no words beside its track."""
    return tuple(gate_view(gate, short=gate.outcome is Outcome.PASS) for gate in gates)


def gate_chip(gate: GateResult) -> Chip:
    """The outcome of a gate; neutral where it is reported and decides nothing."""
    tone = outcome_chip(gate.outcome).tone if gate.decides else Tone.NEUTRAL
    return Chip(gate.words, tone)


def gate_view(gate: GateResult, *, short: bool = False) -> GateView:
    """``short`` leaves out the explanation where the track shows as much."""
    track = _track(gate)
    return GateView(
        title=heading(gate.name),
        name=gate.name,
        chip=gate_chip(gate),
        track=track,
        figures=_figures(gate) if track else "",
        explanation="" if short and track else sentence(gate.explanation),
        remedy=sentence(gate.remedy),
    )


def _track(gate: GateResult) -> Track | None:
    """The gate's value and interval beside its limit; ``None`` without a value and a limit."""
    if gate.value is None or gate.limit is None:
        return None
    low = gate.value if gate.low is None else gate.low
    high = gate.value if gate.high is None else gate.high
    scale = TrackScale.around((low, high, gate.value, gate.limit))
    at_most = None if gate.bound is None else gate.bound is Bound.AT_MOST
    tone = gate_chip(gate).tone
    return scale.track(gate.value, low, high, tone, limit=gate.limit, at_most=at_most)


def _figures(gate: GateResult) -> str:
    figures = number(gate.value)
    if gate.low is not None and gate.high is not None and gate.low != gate.high:
        figures += f" [{number(gate.low)}, {number(gate.high)}]"
    side = {None: "limit", Bound.AT_MOST: "at most"}.get(gate.bound, "above")
    return f"{figures}, {side} {limit_number(gate.limit)}"
