"""Charts, drawn by matplotlib: inline SVG for a page, PNG for Dagster and MLflow.

The same chart gives the same bytes. Colours come from the page's stylesheet; text in SVG stays text, in the
page's own font, so that it can be read aloud, searched and copied.
"""

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, cast

import numpy as np
from markupsafe import Markup

from ml_platform.evaluation.dimensions.dimension import Chart, Series
from ml_platform.reporting.canvas import (
    SERIES_COLOURS,
    WIDTH,
    chart_style,
    empty_figure,
    series_colour,
)
from ml_platform.reporting.chart_figures import MOST_POINTS, MOST_ROWS, chart_figure, row_names
from ml_platform.reporting.page import colours
from ml_platform.reporting.words import limit_number, number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}
_GROUP_ID = re.compile(r' id="[A-Za-z0-9.]+_\d+"')


@dataclass(frozen=True)
class Key:
    """An entry of a legend; ``place`` is 1 to `SERIES_COLOURS`, a class of the stylesheet."""

    name: str
    place: int


@dataclass(frozen=True)
class Drawing:
    """A chart ready for a page: the marks of its SVG, and in words what they show."""

    title: str
    description: str
    width: float
    height: float
    marks: Markup
    keys: tuple[Key, ...]
    notes: tuple[str, ...]


def drawing(chart: Chart) -> Drawing | None:
    """``chart`` as SVG; ``None`` where it has no finite figure."""
    series = _finite(chart)
    if not series:
        return None
    with chart_style(chart.title):
        figure = chart_figure(chart, series)
        text = io.StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata=_NO_METADATA)
    svg = text.getvalue()
    marks = svg[svg.index("<g id=") : svg.rindex("</svg>")]
    legend = series if len(series) > 1 else ()
    return Drawing(
        chart.title,
        _description(chart, series),
        WIDTH,
        round(figure.get_figheight() * 72, 2),
        Markup(_GROUP_ID.sub("", marks)),  # matplotlib escapes the text that it draws
        tuple(Key(s.name, place % SERIES_COLOURS + 1) for place, s in enumerate(legend)),
        tuple(_notes(series)),
    )


def drawings(charts: Sequence[Chart]) -> tuple[Drawing, ...]:
    """The drawings of those charts that have something to draw."""
    return tuple(drawn for chart in charts if (drawn := drawing(chart)) is not None)


def chart_png(chart: Chart) -> bytes:
    """``chart`` with its title and legend as PNG; raises ``ValueError`` where it has no finite figure."""
    series = _finite(chart)
    if not series:
        raise ValueError(f"The chart {chart.title!r} has no finite figure to draw.")
    with chart_style(chart.title):
        figure = chart_figure(chart, series)
        figure.suptitle(chart.title, x=0.01, y=1.04, ha="left", va="bottom")
        if len(series) > 1:
            axes = figure.axes[0]
            handles = [
                axes.plot([], [], color=series_colour(place), label=each.name)[0]
                for place, each in enumerate(series)
            ]
            figure.legend(handles=handles, loc="upper left", bbox_to_anchor=(0, 0), frameon=False)
        return _png(figure)


def confusion_png(classes: Sequence[str], counts: Sequence[Sequence[int]], title: str) -> bytes:
    """Counts, shape (classes, classes), true by predicted class, on the share of each true class."""
    table = np.array(counts, dtype=np.float64)
    support = table.sum(axis=1, keepdims=True)
    shares = table / np.where(support > 0, support, 1)
    side = 90 + 38 * len(classes)
    with chart_style(title):
        figure, axes = empty_figure(side + 40, (120, 30, 10, 100), width=side + 60)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        axes.set_title(title, loc="left", fontsize=11)
        for place, name in enumerate(classes):
            axes.text(-0.6, place, name, ha="right", va="center")
            axes.text(place, len(classes) - 0.4, name, ha="right", va="top", rotation=45)
        for row, column in np.argwhere(table > 0):
            colour = colours()["paper" if shares[row, column] > 0.5 else "ink"]
            count = f"{int(table[row, column]):,}"
            axes.text(column, row, count, ha="center", va="center", color=colour, fontsize=8)
        return _png(figure)


def _png(figure: "Figure") -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=144, bbox_inches="tight", metadata={"Software": None})
    return stream.getvalue()


def _finite(chart: Chart) -> tuple[Series, ...]:
    """The series without what is not finite; none where nothing is left."""
    series = tuple(_finite_series(each) for each in chart.series)
    return series if any(each.y for each in series) else ()


def _finite_series(series: Series) -> Series:
    kept = [place for place, y in enumerate(series.y) if isfinite(y)]
    with_intervals = len(series.low) == len(series.high) == len(series.y) > 0
    return Series(
        series.name,
        cast("tuple[float, ...] | tuple[str, ...]", tuple(series.x[place] for place in kept)),
        tuple(series.y[place] for place in kept),
        tuple(series.low[place] for place in kept) if with_intervals else (),
        tuple(series.high[place] for place in kept) if with_intervals else (),
    )


def _description(chart: Chart, series: Sequence[Series]) -> str:
    """The description of the chart for readers who do not see it."""
    parts = [f"{chart.y_label} by {chart.x_label}."]
    parts += [f"{s.name}: {number(min(s.y))} to {number(max(s.y))}." for s in series if s.y]
    if chart.limit is not None:
        parts.append(f"Limit {limit_number(chart.limit)}.")
    return " ".join(parts)


def _notes(series: Sequence[Series]) -> Iterator[str]:
    if any(len(each.y) > MOST_POINTS for each in series):
        yield f"at most {MOST_POINTS} points of a series are drawn"
    names = len(row_names(series))
    if names > MOST_ROWS:
        yield f"the first {MOST_ROWS} of {names} are drawn"
