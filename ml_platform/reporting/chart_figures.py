"""The figures of matplotlib behind the charts: series on a plane, and rows of things that have names."""

from collections.abc import Sequence
from itertools import pairwise
from math import ceil, log10
from typing import TYPE_CHECKING, Any

import numpy as np

from ml_platform.evaluation.dimensions.dimension import Chart, ChartKind, Series
from ml_platform.reporting.canvas import axis_label, draw_grid, empty_figure, series_colour
from ml_platform.reporting.page import colours
from ml_platform.reporting.words import MINUS, shortened, tick_label

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_POINTS = 600
"""Points drawn of a series; of a longer one every n-th is drawn, and the page says so."""
MOST_ROWS = 30
"""The most names that a chart draws; a longer list belongs into a table."""
_PLANE_HEIGHT = 230
_MOST_LETTERS = 30
_LETTER = 6.1
"""Width of an average letter."""
_MOST_LABELS = 6


def row_names(series: Sequence[Series]) -> list[str]:
    """The names along the axis, in their order; empty where the axis has figures."""
    return list(dict.fromkeys(x for each in series for x in each.x if isinstance(x, str)))


def chart_figure(chart: Chart, series: Sequence[Series]) -> "Figure":
    """The figure of a chart: rows where its series have names, else a plane; moments with names are a plane too."""
    if row_names(series) and chart.kind is not ChartKind.LINES:
        return _rows(chart, series)
    return _plane(chart, series)


def _plane(chart: Chart, series: Sequence[Series]) -> "Figure":
    """Figures (or moments that have names) across, figures up."""
    figure, axes = empty_figure(_PLANE_HEIGHT, (46, 28, 14, 42))
    draw_grid(axes, chart, series, upright=False)
    names = row_names(series)
    for place, each in enumerate(series):
        x = tuple(float(names.index(v)) if isinstance(v, str) else float(v) for v in each.x)
        step = max(1, -(-len(x) // MOST_POINTS))
        sides = (side[::step] for side in (x, each.y, each.low, each.high))
        _PLANE_MARKS[chart.kind](axes, Series(each.name, *sides), place, len(series))
    _label_across(axes, names)
    axes.text(0.5, -34 / 160, shortened(chart.x_label, 55), transform=axes.transAxes, ha="center")
    axes.text(0, 1.08, shortened(chart.y_label, 55), transform=axes.transAxes)
    return figure


def _label_across(axes: Any, names: list[str]) -> None:
    """Labels below the plot: some of the ``names``, or round figures where there are none."""
    from matplotlib.ticker import MaxNLocator

    along = axes.get_xaxis_transform()
    if not names:
        low, high = axes.get_xlim()
        for tick in MaxNLocator(nbins=6, steps=[1, 2, 5, 10]).tick_values(low, high):
            if low <= tick <= high:
                axis_label(axes, tick_label(tick), tick, along, upright=True)
        return
    step = max(1, -(-len(names) // _MOST_LABELS))
    places = range(0, len(names), step)
    for place in places:
        name = shortened(names[place], max(4, 50 // len(places)))
        axis_label(axes, name, place, along, upright=True)


def _draw_line(axes: Any, series: Series, place: int, count: int) -> None:
    colour = series_colour(place)
    if series.low:
        axes.fill_between(
            series.x, series.low, series.high, color=colour, alpha=0.15, linewidth=0, clip_on=False
        )
    dashes = ("-", "--", ":")[place // 3 % 3]
    marker = "o" if len(series.x) <= 40 else None
    axes.plot(
        series.x, series.y, dashes, color=colour, linewidth=2, marker=marker, markersize=4.5,
        clip_on=False,
    )  # fmt: skip


def _draw_bars(axes: Any, series: Series, place: int, count: int) -> None:
    gaps = [b - a for a, b in pairwise(sorted(float(x) for x in series.x)) if b > a]
    width = 0.8 * min(gaps, default=1.0) / count
    middle = np.array(series.x, dtype=float) + (place - (count - 1) / 2) * width
    axes.bar(middle, series.y, 0.94 * width, color=series_colour(place), clip_on=False)
    if series.low:
        axes.vlines(middle, series.low, series.high, color=colours()["ink"], clip_on=False)


def _draw_points(axes: Any, series: Series, place: int, count: int) -> None:
    if series.low:
        axes.vlines(series.x, series.low, series.high, color=series_colour(place), clip_on=False)
    axes.plot(series.x, series.y, "o", color=series_colour(place), markersize=6, clip_on=False)


_PLANE_MARKS = {
    ChartKind.LINES: _draw_line,
    ChartKind.BARS: _draw_bars,
    ChartKind.POINTS: _draw_points,
}


def _rows(chart: Chart, series: Sequence[Series]) -> "Figure":
    """Things with names: a row a name, its figure written beside its mark."""
    names = row_names(series)[:MOST_ROWS]
    labels = [shortened(name, _MOST_LETTERS) for name in names]
    beside = max(sum(name in each.x for each in series) for name in names)
    lane = 20 if beside == 1 else 14
    row = lane * beside + (0 if beside == 1 else 8)
    left = 12 + _LETTER * max(len(label) for label in labels)
    top = 20 if chart.limit is not None else 6
    margins = (left, top, 48, 40)
    figure, axes = empty_figure(row * len(names) + top + 40, margins)
    axes.set_ylim(len(names) - 0.5, -0.5)
    draw_grid(axes, chart, series, upright=True)
    for place, label in enumerate(labels):
        axis_label(axes, label, place, axes.get_yaxis_transform(), upright=False)
    y_label = shortened(chart.y_label, 55)
    axes.text(0.5, -34 / (row * len(names)), y_label, transform=axes.transAxes, ha="center")
    for place, each in enumerate(series):
        shift = 0.0 if beside == 1 else (place - (beside - 1) / 2) * lane / row
        _draw_row_series(axes, chart.kind, each, names, (place, shift, 0.72 * lane / row))
    return figure


def _draw_row_series(
    axes: Any,
    kind: ChartKind,
    series: Series,
    names: list[str],
    spot: tuple[int, float, float],
) -> None:
    """Draw one series of named values; ``spot`` is its place, its shift from the row's middle, its height."""
    place, shift, height = spot
    kept = [i for i, name in enumerate(series.x) if name in names]
    rows = np.array([names.index(str(series.x[i])) for i in kept], dtype=float) + shift
    values = np.array([series.y[i] for i in kept])
    ends = np.maximum(values, 0.0) if kind is ChartKind.BARS else values
    if kind is ChartKind.BARS:
        axes.barh(rows, values, height, color=series_colour(place), clip_on=False)
    if series.low:
        low, high = (np.array([side[i] for i in kept]) for side in (series.low, series.high))
        colour = colours()["ink"] if kind is ChartKind.BARS else series_colour(place)
        axes.hlines(rows, low, high, color=colour, linewidth=1.5, clip_on=False)
        ends = np.maximum(ends, high)
    if kind is not ChartKind.BARS:
        axes.plot(values, rows, "o", color=series_colour(place), markersize=6, clip_on=False)
    left, right = axes.get_xlim()
    decimals = max(0, 3 - ceil(log10(right - left)))
    for end, row, value in zip(ends, rows, values, strict=True):
        figure = f"{value:,.{decimals}f}".replace("-", MINUS)
        axes.text(end + 0.02 * (right - left), row, figure, va="center_baseline")
