"""Plots of an evaluation report as PNG bytes: the same report gives the same bytes."""

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from ml_platform.evaluation.report import EvaluationReport

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK = "#1f2937"
BLUE = "#2563eb"
GREY = "#9ca3af"


MOST_CLASSES = 40
"""Beyond so many a confusion is no picture any more."""


def plots_of(report: EvaluationReport) -> dict[str, bytes]:
    """The plots that this report has what they need for, by their title."""
    few = 0 < len(report.confusion) <= MOST_CLASSES
    drawn = {}
    if few:
        drawn["Confusion: true class by predicted class"] = confusion_png(report)
    if report.per_class and len(report.per_class) <= MOST_CLASSES:
        drawn["F1 of each class"] = class_table_png(report)
    if report.reliability:
        drawn["Claimed confidence against what came true"] = reliability_png(report)
    return drawn


def confusion_png(report: EvaluationReport) -> bytes:
    """Shares of each true class (rows) by prediction (columns), with the counts written in."""
    counts = np.array(report.confusion, dtype=np.float64)
    support = counts.sum(axis=1, keepdims=True)
    shares = counts / np.where(support > 0, support, 1)
    size = 1.6 + 0.52 * len(report.classes)
    figure, axes = _figure(size + 0.6, size)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    places = np.arange(len(report.classes))
    axes.set_xticks(places, report.classes, rotation=45, ha="right")
    axes.set_yticks(places, report.classes)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.set_title(f"{report.rows:,} test rows", loc="left")
    for row, column in np.ndindex(*counts.shape):
        if counts[row, column]:
            colour = "white" if shares[row, column] > 0.5 else INK
            text = f"{int(counts[row, column]):,}"
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=7)
    return _png(figure)


def reliability_png(report: EvaluationReport) -> bytes:
    """Claimed confidence against what came true, bin by bin; on the diagonal they agree."""
    figure, axes = _figure(5.0, 4.2)
    confidence = [b.confidence for b in report.reliability]
    accuracy = [b.accuracy for b in report.reliability]
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--", label="calibrated")
    axes.plot(confidence, accuracy, color=BLUE, marker="o", label="candidate")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_xlabel("confidence claimed")
    axes.set_ylabel("share correct")
    error = report.candidate.metrics.get("expected_calibration_error")
    if error is not None:
        axes.set_title(
            f"expected calibration error {error.value:.3f} [{error.low:.3f}, {error.high:.3f}]",
            loc="left",
        )
    axes.legend(frameon=False)
    return _png(figure)


def class_table_png(report: EvaluationReport) -> bytes:
    """F1 of each class as bars, the largest class on top, its test rows beside its name."""
    rows = sorted(report.per_class, key=lambda row: (row.support, row.name))
    figure, axes = _figure(5.6, 1.2 + 0.32 * len(rows))
    axes.barh(
        [f"{row.name} ({row.support:,})" for row in rows], [row.f1 for row in rows], color=BLUE
    )
    for place, row in enumerate(rows):
        axes.text(row.f1 + 0.01, place, f"{row.f1:.2f}", va="center", color=INK, fontsize=8)
    axes.set_xlim(0, 1.1)
    axes.set_xlabel("F1 (test rows)")
    return _png(figure)


def _figure(width: float, height: float) -> "tuple[Figure, Any]":
    """A figure without pyplot's global state, drawn by Agg wherever it runs."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _png(figure: "Figure") -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()
