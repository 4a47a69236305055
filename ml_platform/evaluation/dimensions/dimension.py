"""One dimension of a report (fairness, robustness, cost, ...): frozen figures that gates and pages read.

A dimension measures and tells; whether that is enough is the gates' matter. A gate names a measure as
``<dimension>.<measure>``, such as ``fairness.error_gap``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from ml_platform.evaluation.report_parts import Estimate, ReportTable


class ChartKind(StrEnum):
    """The form in which a chart is drawn."""

    LINES = "lines"
    BARS = "bars"
    POINTS = "points"


@dataclass(frozen=True)
class Series:
    """One line, set of bars or set of points; ``low`` and ``high`` are empty or as long as ``y``."""

    name: str
    x: tuple[float, ...] | tuple[str, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


def series_of(
    name: str, x: tuple[float, ...] | tuple[str, ...], estimates: Sequence[Estimate]
) -> Series:
    """Return the series of ``estimates`` at the places ``x``, with their intervals."""
    return Series(
        name,
        x,
        tuple(estimate.value for estimate in estimates),
        tuple(estimate.low for estimate in estimates),
        tuple(estimate.high for estimate in estimates),
    )


@dataclass(frozen=True)
class Chart:
    """A chart as data: the report keeps it, and the page draws it."""

    title: str
    kind: ChartKind
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    limit: float | None = None
    """The limit of a gate, drawn as a line across the chart."""


@dataclass(frozen=True)
class ScorePart:
    """A part of a dimension's score, in [1, 10], and in words what it rests on."""

    name: str
    score: float
    why: str


@dataclass(frozen=True)
class Dimension:
    """The result of one examination of the candidate."""

    name: str
    title: str
    question: str
    """The question that the dimension answers, as a reader would ask it."""
    summary: str
    """The answer in one sentence, with its figure."""
    measures: dict[str, Estimate] = field(default_factory=dict)
    """Figures that gates compare with limits; ``low`` and ``high`` are a 95 % interval, or equal where exact."""
    undefined: dict[str, str] = field(default_factory=dict)
    """The reason, by measure, why these rows do not define it: its gate is INSUFFICIENT."""
    not_applicable: dict[str, str] = field(default_factory=dict)
    """The reason, by measure, why it makes no sense for this model or source: its gate is NOT APPLICABLE."""
    parts: tuple[ScorePart, ...] = ()
    """The parts of the score from 1 to 10; their mean is the measure ``score``."""
    findings: tuple[str, ...] = ()
    """The findings that a reviewer must know, a sentence each."""
    advice: tuple[str, ...] = ()
    """Advice that would improve the candidate, with its effect where that was measured."""
    watch: tuple[str, ...] = ()
    """What monitoring has to watch because of the findings."""
    tables: tuple[ReportTable, ...] = ()
    charts: tuple[Chart, ...] = ()
    stored: tuple[ReportTable, ...] = ()
    """Figures that later stages need (a baseline to compare with); kept with the report, drawn by no page."""
