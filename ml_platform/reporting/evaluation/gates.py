"""Every gate: outcome, bullet graph, figures, explanation, and what would change it."""

from collections.abc import Sequence
from html import escape

from ml_platform.reporting.evaluation.bullet import bullet
from ml_platform.reporting.evaluation.markup import outcome_chip, section
from ml_platform.reporting.evaluation.verdict import AT_MOST, INTEGRITY, PASS, GateLine, Verdicted
from ml_platform.reporting.evaluation.words import heading, limit_number, number, sentence


def gates_section(decision: Verdicted) -> str:
    """Integrity, then quality, in the order in which they were asked."""
    integrity = [gate for gate in decision.gates if gate.kind == INTEGRITY]
    quality = [gate for gate in decision.gates if gate.kind != INTEGRITY]
    parts = (
        f"<h3>{title}</h3>{gate_list(gates)}"
        for title, gates in (("Quality", quality), ("Integrity", integrity))
        if gates
    )
    lead = (
        "A quality gate holds a bound of a 95 % interval against its limit (the upright line; tinted is the "
        "side where it does not pass). Integrity gates are exact."
    )
    return section("gates", "Gates", *parts, lead=lead)


def gate_list(gates: Sequence[GateLine]) -> str:
    """Each a line, what did not pass with its remedy."""
    return f'<ul class="gates">{"".join(_gate(gate) for gate in gates)}</ul>'


def short_gates(gates: Sequence[GateLine]) -> str:
    """The same without what the section of all gates says of those that pass; '' without any."""
    lines = "".join(_gate(gate, short=gate.outcome == PASS) for gate in gates)
    return f'<ul class="gates">{lines}</ul>' if lines else ""


def _gate(gate: GateLine, *, short: bool = False) -> str:
    remedy = (
        f'<p class="remedy">What would change it: {escape(sentence(gate.remedy))}</p>'
        if gate.remedy
        else ""
    )
    graph = bullet(gate)
    figures = (
        f'<div class="figures">{graph}<small>{escape(_figures(gate))}</small></div>'
        if graph
        else ""
    )
    told = "" if short and graph else f"<p>{escape(sentence(gate.explanation))}</p>"
    return (
        f'<li><div class="gate"><strong>{escape(heading(gate.name))}</strong>'
        f"{outcome_chip(gate.outcome)}<code>{escape(gate.name)}</code></div>"
        f"{figures}{told}{remedy}</li>"
    )


def _figures(gate: GateLine) -> str:
    told = number(gate.value)
    if gate.low is not None and gate.high is not None and gate.low != gate.high:
        told += f" [{number(gate.low)}, {number(gate.high)}]"
    if gate.bound is None:
        return f"{told}, limit {limit_number(gate.limit)}"
    return f"{told}, {'at most' if gate.bound == AT_MOST else 'above'} {limit_number(gate.limit)}"
