"""One dimension of a report (fairness, robustness, cost, ...): frozen figures that gates and pages read.

A dimension measures and tells; whether that is enough is the gates' matter. A gate names a measure as
``<dimension>.<measure>``, such as ``fairness.error_gap``.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from ml_platform.evaluation.report_parts import Estimate, ReportTable


class ChartKind(StrEnum):
    """How a chart is drawn."""

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


@dataclass(frozen=True)
class Chart:
    """A picture as data: drawn by the page, kept in the report."""

    title: str
    kind: ChartKind
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    limit: float | None = None
    """A line across: what a gate asks for."""


@dataclass(frozen=True)
class ScorePart:
    """A part of a dimension's score, in [1, 10], and in words what it rests on."""

    name: str
    score: float
    why: str


@dataclass(frozen=True)
class Dimension:
    """What one examination found of the candidate."""

    name: str
    title: str
    question: str
    """What it answers, as a reader would ask it."""
    summary: str
    """The answer in one sentence, with its figure."""
    measures: dict[str, Estimate] = field(default_factory=dict)
    """What gates may hold against a limit; ``low`` and ``high`` are a 95 % interval, or equal where exact."""
    undefined: dict[str, str] = field(default_factory=dict)
    """Why a measure cannot be measured from these rows: its gate is INSUFFICIENT."""
    not_applicable: dict[str, str] = field(default_factory=dict)
    """Why a measure makes no sense for this model or source: its gate is NOT APPLICABLE."""
    parts: tuple[ScorePart, ...] = ()
    """Of the score from 1 to 10, whose mean is the measure ``score``."""
    findings: tuple[str, ...] = ()
    """What a reviewer must know, a sentence each."""
    advice: tuple[str, ...] = ()
    """What would better it, with its measured effect where it was measured."""
    watch: tuple[str, ...] = ()
    """What monitoring has to look at because of it."""
    tables: tuple[ReportTable, ...] = ()
    charts: tuple[Chart, ...] = ()
    stored: tuple[ReportTable, ...] = ()
    """Figures that later stages need (a baseline to compare with); kept with the report, drawn by no page."""
