"""Charts as SVG: round ticks, marks where the figures are, and nothing that cannot be drawn."""

import re
from math import inf, nan
from xml.etree import ElementTree

import pytest

from ml_platform.evaluation.dimensions.dimension import Chart, ChartKind, Series
from ml_platform.reporting.evaluation.charts import MOST_POINTS, chart_figure
from ml_platform.reporting.evaluation.svg import scale, tick_label, ticks
from ml_platform_tests.evaluation.dimension_examples import DIMENSIONS

CHARTS = [chart for dimension in DIMENSIONS for chart in dimension.charts]


def drawn(kind, series, limit=None):
    return chart_figure(Chart("t", kind, "x", "y", (series,), limit))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((0, 1), (0, 0.2, 0.4, 0.6, 0.8, 1.0)),
        ((0.12, 0.97), (0, 0.2, 0.4, 0.6, 0.8, 1.0)),
        ((0.901, 0.909), (0.9, 0.902, 0.904, 0.906, 0.908, 0.91)),
        ((-3, 7), (-4, -2, 0, 2, 4, 6, 8)),
        ((5, 5), (2, 3, 4, 5, 6, 7, 8)),
        ((nan, inf), (0, 0.2, 0.4, 0.6, 0.8, 1.0)),
    ],
)
def test_ticks_are_round_and_hold_the_values(values, expected):
    assert ticks(scale(values, 0, 100)) == pytest.approx(expected)


def test_a_scale_by_hand():
    on = scale((0.0, 10.0), 100, 200)
    assert (on(0), on(5), on(10), on(11)) == (100, 150, 200, 200)


def test_labels_are_short():
    told = [tick_label(v) for v in (0, 0.8, 1.0, -2.0, 1200, 2e-5)]
    assert told == ["0", "0.8", "1", "\N{MINUS SIGN}2", "1,200", "2e-05"]


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.title)
def test_each_kind_is_drawn_with_its_title_and_description(chart):
    figure = chart_figure(chart)
    svg = ElementTree.fromstring(re.search(r"<svg.*</svg>", figure, re.S).group())
    assert svg.find("title").text == chart.title
    assert svg.find("desc").text.startswith(chart.y_label)
    assert svg.get("role") == "img"
    assert ("limit-key" in figure) == (chart.limit is not None)
    assert "nan" not in figure.lower().replace("finance", "")


def test_a_bar_is_as_long_as_its_figure():
    figure = drawn(ChartKind.BARS, Series("s", ("a", "b"), (1.0, 0.5)))
    widths = [float(w) for w in re.findall(r'<rect [^>]*width="([\d.]+)"', figure)]
    assert widths[0] == pytest.approx(2 * widths[1], rel=0.01)


def test_bands_are_drawn_where_there_are_intervals():
    banded = Series("s", (1.0, 2.0), (0.5, 0.6), (0.4, 0.5), (0.6, 0.7))
    assert "<polygon" in drawn(ChartKind.LINES, banded)
    assert "<polygon" not in drawn(ChartKind.LINES, Series("s", (1.0, 2.0), (0.5, 0.6)))


def test_what_is_not_finite_is_left_out():
    assert drawn(ChartKind.POINTS, Series("s", (1.0, 2.0), (nan, 0.5))).count("<circle") == 1
    assert drawn(ChartKind.POINTS, Series("s", (1.0,), (nan,))) == ""
    assert drawn(ChartKind.LINES, Series("s", (), ())) == ""


def test_many_points_are_thinned_and_it_says_so():
    many = tuple(float(place) for place in range(10 * MOST_POINTS))
    figure = drawn(ChartKind.POINTS, Series("s", many, many))
    assert figure.count("<circle") <= MOST_POINTS
    assert f"at most {MOST_POINTS} points" in figure
