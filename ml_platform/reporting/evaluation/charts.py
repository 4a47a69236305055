"""A `Chart` as an inline SVG figure: lines with bands, bars or points with intervals, and the limit."""

from html import escape
from itertools import pairwise
from math import isfinite

from ml_platform.evaluation.dimensions.dimension import Chart, ChartKind, Series
from ml_platform.reporting.evaluation import svg
from ml_platform.reporting.evaluation.rows_chart import rows_chart
from ml_platform.reporting.evaluation.words import limit_number, number

HEIGHT = 236
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 388, 26, 196
MOST_POINTS = 600
"""Of a series; beyond, every n-th is drawn, and the caption says so."""
_MOST_LABELS = 6


def chart_figure(chart: Chart) -> str:
    """The chart with its title, legend and limit; what is not finite is left out."""
    series = tuple(_finite(each) for each in chart.series)
    if not any(each.y for each in series):
        return ""
    named = any(isinstance(x, str) for each in series for x in each.x)
    if named and chart.kind is not ChartKind.LINES:
        body, height = rows_chart(chart, series)
    else:
        body, height = _plane(chart, series, named), HEIGHT
    drawn = svg.drawing(chart.title, _told(chart, series), height, body)
    notes = [_legend(series)]
    if chart.limit is not None:
        notes.append(f'<span class="limit-key">limit {escape(limit_number(chart.limit))}</span>')
    if any(len(each.y) > MOST_POINTS for each in series):
        notes.append(f"<span>at most {MOST_POINTS} points of a series are drawn</span>")
    told = "".join(notes)
    keys = f'<div class="legend">{told}</div>' if told else ""
    return f"<figure><figcaption>{escape(chart.title)}</figcaption>{drawn}{keys}</figure>"


def _finite(series: Series) -> Series:
    kept = [place for place, y in enumerate(series.y) if isfinite(y)]
    banded = len(series.low) == len(series.high) == len(series.y) > 0
    return Series(
        series.name,
        tuple(series.x[place] for place in kept),  # type: ignore[arg-type]
        tuple(series.y[place] for place in kept),
        tuple(series.low[place] for place in kept) if banded else (),
        tuple(series.high[place] for place in kept) if banded else (),
    )


def _told(chart: Chart, series: tuple[Series, ...]) -> str:
    """In words, for those who do not see it."""
    parts = [f"{chart.y_label} by {chart.x_label}."]
    for each in series:
        if each.y:
            parts.append(f"{each.name}: {number(min(each.y))} to {number(max(each.y))}.")
    if chart.limit is not None:
        parts.append(f"Limit {number(chart.limit)}.")
    return " ".join(parts)


def _legend(series: tuple[Series, ...]) -> str:
    if len(series) < 2:
        return ""
    return "".join(
        f'<span><i style="background:{svg.colour(place)}"></i>{escape(each.name)}</span>'
        for place, each in enumerate(series)
    )


def _plane(chart: Chart, series: tuple[Series, ...], named: bool) -> str:
    """Figures (or names in their order) across, figures up."""
    names = list(dict.fromkeys(str(x) for each in series for x in each.x)) if named else []
    places = {name: float(place) for place, name in enumerate(names)}
    xs = [[places[str(x)] if named else float(x) for x in each.x] for each in series]
    bars = chart.kind is ChartKind.BARS
    heights = [v for each in series for v in (*each.y, *each.low, *each.high)]
    heights += [chart.limit] if chart.limit is not None else []
    up = svg.scale(heights, _BOTTOM, _TOP, zero=bars or _near_zero(heights))
    inset = 18 if bars else 6
    flat = [x for each in xs for x in each]
    across = (
        svg.Scale(0, max(len(names) - 1, 1), _LEFT + inset, _RIGHT - inset)
        if named
        else svg.scale(flat, _LEFT + inset, _RIGHT - inset)
    )
    marks = [_axes(chart, up), _x_labels(names, across)]
    for place, each in enumerate(series):
        points = [(across(x), up(y)) for x, y in zip(xs[place], each.y, strict=True)]
        ranges = [(up(low), up(high)) for low, high in zip(each.low, each.high, strict=True)]
        step = max(1, -(-len(points) // MOST_POINTS))
        draw = {
            ChartKind.LINES: _line_marks,
            ChartKind.BARS: _bar_marks,
            ChartKind.POINTS: _point_marks,
        }[chart.kind]
        spot = (place, len(series), up(max(up.low, min(0.0, up.high))))
        marks.append(draw(points[::step], ranges[::step], spot))
    if chart.limit is not None:
        y = up(chart.limit)
        marks.append(svg.line(_LEFT, y, _RIGHT, y, svg.LIMIT, 'stroke-dasharray="5 3"'))
    return "".join(marks)


def _near_zero(values: list[float]) -> bool:
    """Whether 0 is so near that leaving it out would mislead more than it shows."""
    finite = [value for value in values if isfinite(value)]
    return bool(finite) and min(finite) >= 0 and min(finite) < 0.5 * max(finite)


def _axes(chart: Chart, up: svg.Scale) -> str:
    drawn = []
    for tick in svg.ticks(up):
        y = up(tick)
        drawn.append(svg.line(_LEFT, y, _RIGHT, y, svg.GRID))
        drawn.append(svg.text(_LEFT - 5, y + 4, svg.tick_label(tick), anchor="end"))
    drawn.append(
        svg.text((_LEFT + _RIGHT) / 2, HEIGHT - 6, chart.x_label, anchor="middle", kind="label")
    )
    drawn.append(svg.text(2, 12, svg.shortened(chart.y_label, 60), kind="label"))
    return "".join(drawn)


def _x_labels(names: list[str], across: svg.Scale) -> str:
    y = _BOTTOM + 16
    if not names:
        return "".join(
            svg.text(across(tick), y, svg.tick_label(tick), anchor="middle")
            for tick in svg.ticks(across)
        )
    step = max(1, -(-len(names) // _MOST_LABELS))
    most = max(4, 60 * step // max(len(names), 1))
    last = (len(names) - 1) // step * step
    return "".join(
        svg.text(
            across(place),
            y,
            svg.shortened(names[place], most),
            anchor="start" if place == 0 else "end" if place == last else "middle",
        )
        for place in range(0, len(names), step)
    )


_Points = list[tuple[float, float]]
_Spot = tuple[int, int, float]
"""Place of the series, number of series, height of zero."""


def _line_marks(points: _Points, ranges: _Points, spot: _Spot) -> str:
    hue = svg.colour(spot[0])
    band = ""
    if ranges:
        upper = [(x, high) for (x, _), (_, high) in zip(points, ranges, strict=True)]
        lower = [(x, low) for (x, _), (low, _) in zip(points, ranges, strict=True)]
        band = svg.area([*upper, *reversed(lower)], hue)
    more = f'stroke-dasharray="{("none", "6 3", "2 3")[spot[0] // 3 % 3]}"'
    dots = "".join(svg.dot(x, y, hue, 2.5) for x, y in points) if len(points) <= 40 else ""
    return band + svg.path(points, hue, more) + dots


def _bar_marks(points: _Points, ranges: _Points, spot: _Spot) -> str:
    place, of, zero = spot
    gaps = [b - a for (a, _), (b, _) in pairwise(points) if b > a]
    slot = min([*gaps, 36.0]) * 0.8
    width = slot / of
    hue, drawn = svg.colour(place), []
    for number_, (x, y) in enumerate(points):
        left = x - slot / 2 + place * width
        drawn.append(svg.rect(left, min(y, zero), width - 0.5, abs(zero - y), hue))
        if ranges:
            drawn.append(_whisker(left + width / 2, ranges[number_], svg.INK))
    return "".join(drawn)


def _point_marks(points: _Points, ranges: _Points, spot: _Spot) -> str:
    hue = svg.colour(spot[0])
    whiskers = "".join(
        _whisker(x, reach, hue) for (x, _), reach in zip(points, ranges, strict=False)
    )
    return whiskers + "".join(svg.dot(x, y, hue) for x, y in points)


def _whisker(x: float, reach: tuple[float, float], hue: str) -> str:
    return svg.line(x, reach[0], x, reach[1], hue, 'stroke-width="1.5"')
