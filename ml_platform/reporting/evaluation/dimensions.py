"""Each dimension as a section: question, answer, findings, score, charts, measures, tables, advice."""

from html import escape

from ml_platform.evaluation.dimensions.dimension import Dimension, ScorePart
from ml_platform.evaluation.report import EvaluationReport
from ml_platform.reporting.evaluation.charts import chart_figure
from ml_platform.reporting.evaluation.gates import short_gates
from ml_platform.reporting.evaluation.markup import (
    bullets,
    code,
    outcome_chip,
    report_table,
    section,
    table,
)
from ml_platform.reporting.evaluation.strip import section_name
from ml_platform.reporting.evaluation.verdict import Verdicted, gates_of, outcome_of
from ml_platform.reporting.evaluation.words import heading, interval, sentence


def dimension_sections(report: EvaluationReport, decision: Verdicted) -> str:
    """All of them, in the order of the report; says so where nothing was examined."""
    if not report.dimensions:
        why = "The metrics below are all that was looked at: no dimension was examined for this report."
        return section("dimensions", "Dimensions", f"<p>{escape(why)}</p>")
    return "".join(_section(dimension, decision) for dimension in report.dimensions)


def _section(dimension: Dimension, decision: Verdicted) -> str:
    gates = gates_of(decision, dimension.name)
    charts = "".join(chart_figure(chart) for chart in dimension.charts)
    return section(
        section_name(dimension),
        dimension.title,
        f'<p class="answer">{outcome_chip(outcome_of(gates))} '
        f"<strong>{escape(sentence(dimension.summary))}</strong></p>",
        _titled("What a reviewer must know", bullets(map(sentence, dimension.findings))),
        _parts(dimension.parts),
        f'<div class="charts">{charts}</div>' if charts else "",
        _titled("Its gates", short_gates(gates)),
        _titled("What would better it", bullets(map(sentence, dimension.advice))),
        _not_told(dimension),
        _folded(_measures(dimension) + "".join(report_table(each) for each in dimension.tables)),
        lead=dimension.question,
    )


def _folded(figures: str) -> str:
    """All figures and tables, for those who check; closed at first."""
    return (
        f"<details><summary>All figures and tables</summary>{figures}</details>" if figures else ""
    )


def _titled(title: str, content: str) -> str:
    return f"<h3>{escape(title)}</h3>{content}" if content else ""


def _parts(parts: tuple[ScorePart, ...]) -> str:
    """Each part of the score as a bar from 1 to 10."""
    rows = "".join(
        f'<li><span class="part">{escape(heading(part.name))}</span>'
        f'<span class="bar" role="img" aria-label="{part.score:.1f} of 10">'
        f'<i class="{_level(part.score)}" style="width:{_share(part.score):.0f}%"></i></span>'
        f'<span class="points">{part.score:.1f}</span><small>{escape(sentence(part.why))}</small></li>'
        for part in parts
    )
    return f'<h3>What its score is made of</h3><ul class="parts">{rows}</ul>' if rows else ""


def _share(points: float) -> float:
    return min(max((points - 1) / 9, 0.02), 1.0) * 100


def _level(points: float) -> str:
    return "good" if points >= 7 else "middling" if points >= 4 else "poor"


def _measures(dimension: Dimension) -> str:
    rows = [
        (
            f"{escape(heading(name))}<br>{code(f'{dimension.name}.{name}')}",
            interval(of),
        )
        for name, of in dimension.measures.items()
        if name != "score"
    ]
    return (
        _titled("Measures, with 95 % intervals", table(("measure", "value"), rows)) if rows else ""
    )


def _not_told(dimension: Dimension) -> str:
    lines = [
        *(f"{heading(name)} cannot be told: {why}" for name, why in dimension.undefined.items()),
        *(
            f"{heading(name)} does not apply: {why}"
            for name, why in dimension.not_applicable.items()
        ),
    ]
    return _titled("What it cannot say", bullets(map(sentence, lines)))
