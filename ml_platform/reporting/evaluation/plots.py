"""The plots of an evaluation report as PNG, for Dagster and MLflow: the same report gives the same bytes."""

from ml_platform.evaluation.report import EvaluationReport
from ml_platform.reporting.charts import chart_png, confusion_png
from ml_platform.reporting.evaluation.results import class_chart, reliability_chart

MOST_CLASSES = 40
"""A plot of more classes cannot be read."""


def plots(report: EvaluationReport) -> dict[str, bytes]:
    """PNG by title, of what this report has the figures for."""
    drawn = {}
    few = len(report.classes) <= MOST_CLASSES
    if report.confusion and few:
        title = f"{report.rows:,} test rows"
        drawn["Confusion: true class by predicted class"] = confusion_png(
            report.classes, report.confusion, title
        )
    for chart in (class_chart(report) if few else None, reliability_chart(report)):
        if chart is not None:
            drawn[chart.title] = chart_png(chart)
    return drawn
