"""The dimensions: a tile of each at a glance, and its section with question, answer, findings and figures."""

from collections.abc import Iterator
from dataclasses import dataclass

from ml_platform.evaluation.dimensions.dimension import Dimension, ScorePart
from ml_platform.evaluation.report import EvaluationReport
from ml_platform.gates.outcome import Decision, GateKind
from ml_platform.reporting.charts import Drawing, drawings
from ml_platform.reporting.components import (
    Cell,
    Chip,
    Column,
    Table,
    Tone,
    outcome_chip,
    report_table,
)
from ml_platform.reporting.evaluation.decision import dimension_of, gates_of, worst_outcome
from ml_platform.reporting.evaluation.gates import GateView, short_gates
from ml_platform.reporting.evaluation.metrics import missing_lines
from ml_platform.reporting.words import heading, interval, sentence


@dataclass(frozen=True)
class Tile:
    """A dimension at a glance: the worst outcome of its gates, its score, the section it leads to."""

    section: str
    title: str
    score: str
    chip: Chip


@dataclass(frozen=True)
class Part:
    """A part of a score, with a bar from 1 to 10; ``share`` is per cent of the bar."""

    title: str
    score: str
    share: int
    tone: Tone
    why: str


@dataclass(frozen=True)
class DimensionView:
    """The section of one dimension."""

    section: str
    title: str
    question: str
    chip: Chip
    answer: str
    findings: tuple[str, ...]
    parts: tuple[Part, ...]
    drawings: tuple[Drawing, ...]
    gates: tuple[GateView, ...]
    advice: tuple[str, ...]
    without_figure: tuple[str, ...]
    tables: tuple[Table, ...]


def tiles(report: EvaluationReport, decision: Decision) -> tuple[Tile, ...]:
    """Integrity, metrics, then every dimension of the report; last those that only a gate names."""
    return tuple(_tiles(report, decision))


def dimension_views(report: EvaluationReport, decision: Decision) -> tuple[DimensionView, ...]:
    """The sections, in the order of the report."""
    return tuple(_view(dimension, decision) for dimension in report.dimensions)


def _tiles(report: EvaluationReport, decision: Decision) -> Iterator[Tile]:
    integrity = [gate for gate in decision.gates if gate.kind is GateKind.INTEGRITY]
    yield Tile("gates", "Integrity", "", outcome_chip(worst_outcome(integrity)))
    yield Tile("metrics", "Metrics", "", outcome_chip(worst_outcome(gates_of(decision, ""))))
    for dimension in report.dimensions:
        outcome = worst_outcome(gates_of(decision, dimension.name))
        section, score = _section(dimension), _score(dimension)
        yield Tile(section, dimension.title, score, outcome_chip(outcome))
    examined = {dimension.name for dimension in report.dimensions}
    quality = (gate for gate in decision.gates if gate.kind is GateKind.QUALITY)
    for name in dict.fromkeys(map(dimension_of, quality)):
        if name and name not in examined:
            outcome = worst_outcome(gates_of(decision, name))
            yield Tile("gates", heading(name), "", outcome_chip(outcome))


def _section(dimension: Dimension) -> str:
    """The id of the dimension's section, apart from those of the page itself."""
    return f"dimension {dimension.name}"


def _score(dimension: Dimension) -> str:
    """The dimension's score from 1 to 10 in words; '' where it has none."""
    if "score" in dimension.measures:
        return f"{dimension.measures['score'].value:.1f}"
    if dimension.parts:
        return f"{sum(part.score for part in dimension.parts) / len(dimension.parts):.1f}"
    return ""


def _view(dimension: Dimension, decision: Decision) -> DimensionView:
    gates = gates_of(decision, dimension.name)
    measures = _measures(dimension)
    return DimensionView(
        section=_section(dimension),
        title=dimension.title,
        question=dimension.question,
        chip=outcome_chip(worst_outcome(gates)),
        answer=sentence(dimension.summary),
        findings=tuple(map(sentence, dimension.findings)),
        parts=tuple(map(_part, dimension.parts)),
        drawings=drawings(dimension.charts),
        gates=short_gates(gates),
        advice=tuple(map(sentence, dimension.advice)),
        without_figure=missing_lines(dimension.undefined, dimension.not_applicable),
        tables=(*((measures,) if measures else ()), *map(report_table, dimension.tables)),
    )


def _part(part: ScorePart) -> Part:
    share = round(100 * min(max((part.score - 1) / 9, 0.02), 1))
    tone = Tone.GOOD if part.score >= 7 else Tone.UNSURE if part.score >= 4 else Tone.BAD
    return Part(heading(part.name), f"{part.score:.1f}", share, tone, sentence(part.why))


def _measures(dimension: Dimension) -> Table | None:
    rows = tuple(
        (Cell(heading(name), note=f"{dimension.name}.{name}"), Cell(interval(estimate)))
        for name, estimate in dimension.measures.items()
        if name != "score"
    )
    columns = (Column("measure", numeric=False), Column("value"))
    return Table(columns, rows, "Measures, with 95 % intervals") if rows else None
