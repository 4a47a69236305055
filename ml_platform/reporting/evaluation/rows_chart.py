"""Bars or points of things that have names: a row a name, its label before it, its figure behind."""

from math import isfinite

from ml_platform.evaluation.dimensions.dimension import Chart, ChartKind, Series
from ml_platform.reporting.evaluation import svg
from ml_platform.reporting.evaluation.words import number

MOST_ROWS = 30
"""A longer list is a table's matter: the first of them are drawn."""
_LABEL_END, _RIGHT, _TOP = 132, 344, 8
_FOOT = 38
_MOST_LETTERS = 20


def rows_chart(chart: Chart, series: tuple[Series, ...]) -> tuple[str, float]:
    """Its marks, and how high the drawing is."""
    names = list(dict.fromkeys(str(x) for each in series for x in each.x))
    shown = names[:MOST_ROWS]
    lane = 18.0 if len(series) == 1 else 13.0
    row = lane * len(series) + (4 if len(series) == 1 else 10)
    values = [v for each in series for v in (*each.y, *each.low, *each.high)]
    values += [chart.limit] if chart.limit is not None else []
    finite = [value for value in values if isfinite(value)]
    near = bool(finite) and min(finite) >= 0 and min(finite) < 0.5 * max(finite)
    bars = chart.kind is ChartKind.BARS
    across = svg.scale(values, _LABEL_END + 8, _RIGHT, zero=bars or near)
    foot = _TOP + row * len(shown)
    marks = [_grid(chart, across, foot)]
    for place, name in enumerate(shown):
        middle = _TOP + row * (place + 0.5)
        told = svg.shortened(name, _MOST_LETTERS)
        marks.append(svg.text(_LABEL_END, middle + 4, told, anchor="end"))
    for at, each in enumerate(series):
        for place, x in enumerate(each.x):
            if str(x) in shown:
                top = _TOP + row * shown.index(str(x)) + lane * at + (2 if len(series) == 1 else 5)
                marks.append(
                    _mark(each, place, across, (top + lane / 2, lane), svg.colour(at), bars)
                )
    if chart.limit is not None:
        x = across(chart.limit)
        marks.append(svg.line(x, _TOP, x, foot, svg.LIMIT, 'stroke-dasharray="5 3"'))
    if len(names) > MOST_ROWS:
        left = f"and {len(names) - MOST_ROWS} more"
        marks.append(svg.text(_LABEL_END, foot + 16, left, anchor="end", kind="label"))
    return "".join(marks), foot + _FOOT


def _grid(chart: Chart, across: svg.Scale, foot: float) -> str:
    drawn = []
    for tick in svg.ticks(across):
        x = across(tick)
        drawn.append(svg.line(x, _TOP, x, foot, svg.GRID))
        drawn.append(svg.text(x, foot + 14, svg.tick_label(tick), anchor="middle"))
    label = chart.y_label
    middle = (_LABEL_END + _RIGHT) / 2
    drawn.append(svg.text(middle, foot + 30, label, anchor="middle", kind="label"))
    return "".join(drawn)


def _mark(
    series: Series, place: int, across: svg.Scale, at: tuple[float, float], hue: str, bars: bool
) -> str:
    y, lane = at
    value = series.y[place]
    drawn, end = "", across(value)
    if bars:
        zero = across(0.0)
        drawn = svg.rect(min(zero, end), y - lane * 0.36, abs(end - zero), lane * 0.72, hue)
    if series.low:
        low, high = across(series.low[place]), across(series.high[place])
        drawn += svg.line(low, y, high, y, svg.INK if bars else hue, 'stroke-width="1.5"')
        end = max(end, high)
    if not bars:
        drawn += svg.dot(across(value), y, hue, 3.5)
    return drawn + svg.text(end + 5, y + 4, number(value), kind="figure")
