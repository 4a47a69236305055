"""All dimensions at a glance: outcome and score, each a link to its section."""

from collections.abc import Iterator
from html import escape

from ml_platform.evaluation.dimensions.dimension import Dimension
from ml_platform.evaluation.report import EvaluationReport
from ml_platform.reporting.evaluation.markup import anchor, outcome_chip
from ml_platform.reporting.evaluation.verdict import INTEGRITY, Verdicted, gates_of, outcome_of
from ml_platform.reporting.evaluation.words import heading


def strip(report: EvaluationReport, decision: Verdicted) -> str:
    """Integrity and metrics first, then every dimension in the order of the report."""
    tiles = "".join(_tiles(report, decision))
    return f'<nav class="strip" aria-label="Dimensions">{tiles}</nav>'


def _tiles(report: EvaluationReport, decision: Verdicted) -> Iterator[str]:
    integrity = [gate for gate in decision.gates if gate.kind == INTEGRITY]
    yield _tile("gates", "Integrity", outcome_of(integrity), None)
    yield _tile("metrics", "Metrics", outcome_of(gates_of(decision, "")), None)
    for dimension in report.dimensions:
        outcome = outcome_of(gates_of(decision, dimension.name))
        yield _tile(section_name(dimension), dimension.title, outcome, score(dimension))
    examined = {dimension.name for dimension in report.dimensions}
    for gate in decision.gates:
        name = gate.metric.partition(".")[0]
        if "." in gate.metric and name not in examined:
            examined.add(name)
            yield _tile("gates", heading(name), outcome_of(gates_of(decision, name)), None)


def section_name(dimension: Dimension) -> str:
    """Of a dimension's section, apart from those of the page itself."""
    return f"dimension {dimension.name}"


def score(dimension: Dimension) -> float | None:
    """Its score from 1 to 10, if it has one."""
    if "score" in dimension.measures:
        return dimension.measures["score"].value
    if dimension.parts:
        return sum(part.score for part in dimension.parts) / len(dimension.parts)
    return None


def _tile(name: str, title: str, outcome: str, points: float | None) -> str:
    told = "" if points is None else f'<span class="score">{points:.1f}<small> of 10</small></span>'
    return (
        f'<a class="tile {escape(outcome)}" href="#{escape(anchor(name))}"><span>{escape(title)}</span>'
        f"{told}{outcome_chip(outcome)}</a>"
    )
