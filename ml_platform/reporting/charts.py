"""Charts, drawn by matplotlib: inline SVG for a page, PNG for Dagster and MLflow.

The same chart gives the same bytes. Colours come from the page's stylesheet; text in SVG stays text, in the
page's own font, so that it can be read aloud, searched and copied. Lengths are CSS pixels of a drawing
`WIDTH` wide, which the page scales to the column it stands in.
"""

import io
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, isfinite, log10
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from ml_platform.evaluation.dimensions.dimension import Chart, ChartKind, Series
from ml_platform.reporting.page import colours
from ml_platform.reporting.words import MINUS, limit_number, number, shortened, tick_label

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 360
MOST_POINTS = 600
"""Points drawn of a series; of a longer one every n-th is drawn, and the page says so."""
MOST_ROWS = 30
"""The most names that a chart draws; a longer list belongs into a table."""
SERIES_COLOURS = 8
"""Series beyond so many take the first colours again."""
_PLANE_HEIGHT = 230
_MOST_LETTERS = 30
_LETTER = 6.1
"""Width of an average letter."""
_MOST_LABELS = 6
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
    with _style(chart.title):
        figure = _figure(chart, series)
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
    with _style(chart.title):
        figure = _figure(chart, series)
        figure.suptitle(chart.title, x=0.01, y=1.04, ha="left", va="bottom")
        if len(series) > 1:
            axes = figure.axes[0]
            handles = [
                axes.plot([], [], color=_colour(place), label=each.name)[0]
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
    with _style(title):
        figure, axes = _canvas(side + 40, (120, 30, 10, 100), width=side + 60)
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


@contextmanager
def _style(salt: str) -> Iterator[None]:
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


def _canvas(
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


def _finite(chart: Chart) -> tuple[Series, ...]:
    """The series without what is not finite; none where nothing is left."""
    series = tuple(_finite_series(each) for each in chart.series)
    return series if any(each.y for each in series) else ()


def _finite_series(series: Series) -> Series:
    kept = [place for place, y in enumerate(series.y) if isfinite(y)]
    with_intervals = len(series.low) == len(series.high) == len(series.y) > 0
    return Series(
        series.name,
        tuple(series.x[place] for place in kept),  # type: ignore[arg-type]
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
    names = len(_names(series))
    if names > MOST_ROWS:
        yield f"the first {MOST_ROWS} of {names} are drawn"


def _names(series: Sequence[Series]) -> list[str]:
    """The names along the axis, in their order; empty where the axis has figures."""
    return list(dict.fromkeys(x for each in series for x in each.x if isinstance(x, str)))


def _figure(chart: Chart, series: Sequence[Series]) -> "Figure":
    if _names(series) and chart.kind is not ChartKind.LINES:
        return _rows(chart, series)
    return _plane(chart, series)


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


def _colour(place: int) -> str:
    return colours()[f"series-{place % SERIES_COLOURS + 1}"]


def _grid(axes: Any, chart: Chart, series: Sequence[Series], *, upright: bool) -> None:
    """Lines at the ticks of the figures with their labels, and the limit; ``upright``: figures go across."""
    page = colours()
    ticks = _ticks(chart, series)
    (axes.set_xlim if upright else axes.set_ylim)(ticks[0], ticks[-1])
    lines = axes.vlines if upright else axes.hlines
    along = axes.get_xaxis_transform() if upright else axes.get_yaxis_transform()
    lines(ticks, 0, 1, transform=along, color=page["line"], linewidth=1, clip_on=False, zorder=0)
    for tick in ticks:
        _text(axes, tick_label(tick), tick, along, upright=upright)
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


def _text(axes: Any, text: str, at: float, along: Any, *, upright: bool, end: bool = False) -> None:
    """A label of an axis, outside the plot: below it (``upright``) or before it."""
    box = axes.get_window_extent()
    if upright:
        place, align = (at, -6 / box.height), {"ha": "right" if end else "center", "va": "top"}
    else:
        place, align = (-6 / box.width, at), {"ha": "right", "va": "center_baseline"}
    axes.text(*place, text, transform=along, color=colours()["soft"], **align)


def _plane(chart: Chart, series: Sequence[Series]) -> "Figure":
    """Figures (or moments that have names) across, figures up."""
    figure, axes = _canvas(_PLANE_HEIGHT, (46, 28, 14, 42))
    _grid(axes, chart, series, upright=False)
    names = _names(series)
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
                _text(axes, tick_label(tick), tick, along, upright=True)
        return
    step = max(1, -(-len(names) // _MOST_LABELS))
    places = range(0, len(names), step)
    for place in places:
        name = shortened(names[place], max(4, 50 // len(places)))
        _text(axes, name, place, along, upright=True)


def _draw_line(axes: Any, series: Series, place: int, count: int) -> None:
    colour = _colour(place)
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
    axes.bar(middle, series.y, 0.94 * width, color=_colour(place), clip_on=False)
    if series.low:
        axes.vlines(middle, series.low, series.high, color=colours()["ink"], clip_on=False)


def _draw_points(axes: Any, series: Series, place: int, count: int) -> None:
    if series.low:
        axes.vlines(series.x, series.low, series.high, color=_colour(place), clip_on=False)
    axes.plot(series.x, series.y, "o", color=_colour(place), markersize=6, clip_on=False)


_PLANE_MARKS = {
    ChartKind.LINES: _draw_line,
    ChartKind.BARS: _draw_bars,
    ChartKind.POINTS: _draw_points,
}


def _rows(chart: Chart, series: Sequence[Series]) -> "Figure":
    """Things with names: a row a name, its figure written beside its mark."""
    names = _names(series)[:MOST_ROWS]
    labels = [shortened(name, _MOST_LETTERS) for name in names]
    beside = max(sum(name in each.x for each in series) for name in names)
    lane = 20 if beside == 1 else 14
    row = lane * beside + (0 if beside == 1 else 8)
    left = 12 + _LETTER * max(len(label) for label in labels)
    top = 20 if chart.limit is not None else 6
    margins = (left, top, 48, 40)
    figure, axes = _canvas(row * len(names) + top + 40, margins)
    axes.set_ylim(len(names) - 0.5, -0.5)
    _grid(axes, chart, series, upright=True)
    for place, label in enumerate(labels):
        _text(axes, label, place, axes.get_yaxis_transform(), upright=False)
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
        axes.barh(rows, values, height, color=_colour(place), clip_on=False)
    if series.low:
        low, high = (np.array([side[i] for i in kept]) for side in (series.low, series.high))
        colour = colours()["ink"] if kind is ChartKind.BARS else _colour(place)
        axes.hlines(rows, low, high, color=colour, linewidth=1.5, clip_on=False)
        ends = np.maximum(ends, high)
    if kind is not ChartKind.BARS:
        axes.plot(values, rows, "o", color=_colour(place), markersize=6, clip_on=False)
    left, right = axes.get_xlim()
    decimals = max(0, 3 - ceil(log10(right - left)))
    for end, row, value in zip(ends, rows, values, strict=True):
        figure = f"{value:,.{decimals}f}".replace("-", MINUS)
        axes.text(end + 0.02 * (right - left), row, figure, va="center_baseline")
