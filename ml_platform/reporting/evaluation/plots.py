"""The plots of an evaluation report as PNG, for Dagster and MLflow: the same report gives the same bytes."""

from dataclasses import dataclass

from ml_platform.evaluation.report import EvaluationReport
from ml_platform.reporting.charts import chart_png, confusion_png
from ml_platform.reporting.evaluation.results import class_chart, reliability_chart

MOST_CLASSES = 40
"""A plot of more classes cannot be read."""


@dataclass(frozen=True)
class Plot:
    """One plot of a report."""

    name: str
    """The name of its file, without the ending; it stays the same whatever the title says."""
    title: str
    png: bytes


def plots(report: EvaluationReport) -> tuple[Plot, ...]:
    """The plots that this report has the figures for, in the order in which they are shown."""
    drawn = []
    few = len(report.classes) <= MOST_CLASSES
    if report.confusion and few:
        png = confusion_png(report.classes, report.confusion, f"{report.rows:,} test rows")
        drawn.append(Plot("confusion", "Confusion: true class by predicted class", png))
    charts = {
        "f1_by_class": class_chart(report) if few else None,
        "calibration": reliability_chart(report),
    }
    drawn += [Plot(name, chart.title, chart_png(chart)) for name, chart in charts.items() if chart]
    return tuple(drawn)
