"""The canvas of a chart: matplotlib's settings, a figure with its axes, the ticks, their lines and labels.

Lengths are CSS pixels of a drawing `WIDTH` wide, which the page scales to the column it stands in.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from ml_platform.evaluation.dimensions.dimension import Chart, ChartKind, Series
from ml_platform.reporting.page import colours
from ml_platform.reporting.words import limit_number, tick_label

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 360
SERIES_COLOURS = 8
"""Series beyond so many take the first colours again."""


@contextmanager
def chart_style(salt: str) -> Iterator[None]:
    """Matplotlib's settings for as long as a chart is made and saved; ``salt`` keeps ids of charts apart."""
    import matplotlib

    page = colours()
    settings = {
        "svg.fonttype": "none",
        "svg.hashsalt": salt,
        "text.parse_math": False,
        "font.sans-serif": ["DejaVu Sans"],
        "font.size": 11,
        "text.color": page["ink"],
    }
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        # The browser has the letters that matplotlib's own font lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def empty_figure(
    height: float, margins: tuple[float, float, float, float], width: float = WIDTH
) -> "tuple[Figure, Any]":
    """A figure and its axes inside margins (left, top, right, bottom), without pyplot's global state."""
    from matplotlib.figure import Figure

    left, top, right, bottom = margins
    figure = Figure(figsize=(width / 72, height / 72), dpi=72)
    inner = (
        left / width,
        bottom / height,
        (width - left - right) / width,
        (height - top - bottom) / height,
    )
    axes = figure.add_axes(inner)
    axes.set_axis_off()
    return figure, axes


def series_colour(place: int) -> str:
    """The colour of the series at this place, from the page's stylesheet."""
    return colours()[f"series-{place % SERIES_COLOURS + 1}"]


def _ticks(chart: Chart, series: Sequence[Series]) -> "np.ndarray[Any, Any]":
    """Round figures that hold every value, interval and the limit; from 0 where that misleads less."""
    from matplotlib.ticker import MaxNLocator

    values = [v for each in series for v in (*each.y, *each.low, *each.high) if isfinite(v)]
    values += [chart.limit] if chart.limit is not None else []
    low, high = min(values), max(values)
    if chart.kind is ChartKind.BARS or 0 <= low < 0.5 * high:
        low, high = min(low, 0.0), max(high, 0.0)
    if low == high:
        low, high = low - (abs(low) / 2 or 1), high + (abs(high) / 2 or 1)
    ticks = np.asarray(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]).tick_values(low, high))
    slack = 1e-9 * (high - low)
    inside = (ticks[1:] > low + slack, ticks[:-1] < high - slack)
    kept: np.ndarray[Any, Any] = ticks[np.r_[inside[0], True] & np.r_[True, inside[1]]]
    return kept


def draw_grid(axes: Any, chart: Chart, series: Sequence[Series], *, upright: bool) -> None:
    """Lines at the ticks of the figures with their labels, and the limit; ``upright``: figures go across."""
    page = colours()
    ticks = _ticks(chart, series)
    (axes.set_xlim if upright else axes.set_ylim)(ticks[0], ticks[-1])
    lines = axes.vlines if upright else axes.hlines
    along = axes.get_xaxis_transform() if upright else axes.get_yaxis_transform()
    lines(ticks, 0, 1, transform=along, color=page["line"], linewidth=1, clip_on=False, zorder=0)
    for tick in ticks:
        axis_label(axes, tick_label(tick), tick, along, upright=upright)
    if chart.limit is None:
        return
    lines(chart.limit, 0, 1, transform=along, color=page["bad"], linestyle="--", clip_on=False)
    limit = f"limit {limit_number(chart.limit)}"
    if upright:
        axes.text(
            chart.limit, 1.0, limit, color=page["bad"], transform=along, ha="center", va="bottom"
        )
    else:
        axes.text(
            1.0, chart.limit, limit, color=page["bad"], transform=along, ha="right", va="bottom"
        )


def axis_label(axes: Any, text: str, at: float, along: Any, *, upright: bool) -> None:
    """A label of an axis, outside the plot: below it (``upright``) or before it."""
    box = axes.get_window_extent()
    if upright:
        place, align = (at, -6 / box.height), {"ha": "center", "va": "top"}
    else:
        place, align = (-6 / box.width, at), {"ha": "right", "va": "center_baseline"}
    axes.text(*place, text, transform=along, color=colours()["soft"], **align)
