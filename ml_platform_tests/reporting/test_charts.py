"""Charts drawn by matplotlib: marks where the figures are, safe text, and nothing that cannot be drawn."""

import re
from math import inf, nan
from xml.etree import ElementTree

import pytest

from ml_platform.evaluation.dimensions.dimension import Chart, ChartKind, Series
from ml_platform.reporting.chart_figures import MOST_POINTS, MOST_ROWS
from ml_platform.reporting.charts import chart_png, confusion_png, drawing
from ml_platform.reporting.page import colours
from ml_platform.reporting.words import MINUS, tick_label
from ml_platform_tests.reporting.dimension_examples import DIMENSIONS

CHARTS = [chart for dimension in DIMENSIONS for chart in dimension.charts]
SVG = "{http://www.w3.org/2000/svg}"
HREF = "{http://www.w3.org/1999/xlink}href"
BLUE, RED = colours()["series-1"], colours()["bad"]


def chart(kind, *series, limit=None):
    return Chart("t", kind, "x", "y", series, limit)


def parsed(drawn):
    """The marks of a drawing as XML."""
    names = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return ElementTree.fromstring(f"<svg {names}>{drawn.marks}</svg>")


def texts(drawn):
    return [element.text for element in parsed(drawn).iter(f"{SVG}text")]


def paths(drawn, colour):
    """The points of the paths that are filled or stroked with a colour, outside definitions."""
    return [
        [(float(x), float(y)) for x, y in re.findall(r"[ML] (\S+) (\S+)", path.get("d"))]
        for path in parsed(drawn).iter(f"{SVG}path")
        if colour in path.get("style", "") and path.get("id") is None
    ]


def uses(drawn, colour):
    return [
        (float(use.get("x")), float(use.get("y")))
        for use in parsed(drawn).iter(f"{SVG}use")
        if f"fill: {colour}" in use.get("style", "")
    ]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((0, 1), ("0", "0.2", "0.4", "0.6", "0.8", "1")),
        ((0.12, 0.97), ("0", "0.2", "0.4", "0.6", "0.8", "1")),
        ((0.901, 0.909), ("0.9", "0.902", "0.904", "0.906", "0.908", "0.91")),
        ((-3, 7), (f"{MINUS}4", f"{MINUS}2", "0", "2", "4", "6", "8")),
        ((5, 5), ("2", "3", "4", "5", "6", "7", "8")),
        ((nan, inf, 0, 1), ("0", "0.2", "0.4", "0.6", "0.8", "1")),
    ],
)
def test_ticks_are_round_and_hold_the_values(values, expected):
    series = Series("s", tuple(f"n{place}" for place in range(len(values))), values)
    drawn = drawing(chart(ChartKind.LINES, series))
    assert tuple(texts(drawn)[: len(expected)]) == expected


def test_labels_are_short():
    labels = [tick_label(v) for v in (0, 0.8, 1.0, -2.0, 1200, 2e-5)]
    assert labels == ["0", "0.8", "1", f"{MINUS}2", "1,200", "2e-05"]


@pytest.mark.parametrize("example", CHARTS, ids=lambda chart: chart.title)
def test_each_kind_is_drawn_with_a_description(example):
    drawn = drawing(example)
    assert parsed(drawn) is not None
    assert drawn.title == example.title
    assert drawn.description.startswith(example.y_label)
    assert any((text or "").startswith("limit ") for text in texts(drawn)) == (
        example.limit is not None
    )
    assert "nan" not in drawn.marks
    assert [key.name for key in drawn.keys] == (
        [series.name for series in example.series] if len(example.series) > 1 else []
    )


def test_a_bar_is_as_long_as_its_figure():
    drawn = drawing(chart(ChartKind.BARS, Series("s", ("a", "b"), (1.0, 0.5))))
    widths = [max(x for x, _ in bar) - min(x for x, _ in bar) for bar in paths(drawn, BLUE)]
    assert widths[0] == pytest.approx(2 * widths[1], rel=0.01)
    assert {"1.000", "0.500"} <= set(texts(drawn))


def test_a_limit_lies_where_its_figure_does():
    drawn = drawing(chart(ChartKind.LINES, Series("s", (1.0, 2.0), (0.0, 1.0)), limit=0.5))
    (line,) = paths(drawn, RED)
    (points,) = (path for path in paths(drawn, BLUE) if len(path) == 2)
    assert line[0][1] == pytest.approx((points[0][1] + points[1][1]) / 2)


def test_intervals_reach_from_low_to_high():
    banded = Series("s", (1.0, 2.0), (0.5, 0.6), (0.4, 0.5), (0.6, 0.7))
    plain = Series("s", (1.0, 2.0), (0.5, 0.6))
    assert "fill-opacity: 0.15" in drawing(chart(ChartKind.LINES, banded)).marks
    assert "fill-opacity: 0.15" not in drawing(chart(ChartKind.LINES, plain)).marks
    named = Series("s", ("a",), (0.5,), (0.25,), (1.0,))
    (whisker,) = paths(drawing(chart(ChartKind.POINTS, named)), BLUE)
    ((dot, _),) = uses(drawing(chart(ChartKind.POINTS, named)), BLUE)
    ends = sorted(x for x, _ in whisker)
    assert (ends[1] - dot) == pytest.approx(2 * (dot - ends[0]), rel=0.01)


def test_what_is_not_finite_is_left_out():
    drawn = drawing(chart(ChartKind.POINTS, Series("s", (1.0, 2.0), (nan, 0.5))))
    assert len(uses(drawn, BLUE)) == 1
    assert drawing(chart(ChartKind.POINTS, Series("s", (1.0,), (nan,)))) is None
    assert drawing(chart(ChartKind.LINES, Series("s", (), ()))) is None
    with pytest.raises(ValueError, match="'t' has no finite figure"):
        chart_png(chart(ChartKind.LINES, Series("s", (), ())))


def test_many_points_are_thinned_and_it_says_so():
    many = tuple(float(place) for place in range(10 * MOST_POINTS))
    drawn = drawing(chart(ChartKind.POINTS, Series("s", many, many)))
    assert len(uses(drawn, BLUE)) == MOST_POINTS
    assert drawn.notes == (f"at most {MOST_POINTS} points of a series are drawn",)


def test_many_names_are_cut_and_it_says_so():
    names = tuple(f"feature {place}" for place in range(MOST_ROWS + 5))
    drawn = drawing(chart(ChartKind.BARS, Series("s", names, (1.0,) * len(names))))
    assert len(paths(drawn, BLUE)) == MOST_ROWS
    assert drawn.notes == (f"the first {MOST_ROWS} of {MOST_ROWS + 5} are drawn",)


def test_names_of_one_series_each_share_a_row():
    """Groups of different kinds stand below each other without the empty lanes of the other kinds."""
    apart = drawing(
        chart(ChartKind.POINTS, Series("a", ("x",), (1.0,)), Series("b", ("y",), (2.0,)))
    )
    together = drawing(
        chart(
            ChartKind.POINTS, Series("a", ("x", "y"), (1.0, 2.0)), Series("b", ("x", "y"), (1, 2))
        )
    )
    assert apart.height < together.height


@pytest.mark.parametrize("kind", ChartKind)
@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", r"$\frac{$", "a\nb\tc", "中文 \N{PILE OF POO}"]
)
def test_hostile_names_are_text(kind, name, recwarn):
    series = Series(name, (name, "b"), (1.0, 2.0))
    drawn = drawing(Chart(name, kind, name, name, (series,)))
    assert "<script" not in drawn.marks
    assert " ".join(name.split())[:8] in " ".join(text or "" for text in texts(drawn))
    assert not recwarn.list


def test_ids_of_two_charts_differ_and_need_no_other():
    first, second = (
        drawing(Chart(title, ChartKind.LINES, "x", "y", (Series("s", (1.0, 2.0), (1.0, 2.0)),)))
        for title in "ab"
    )
    ids = [
        {element.get("id") for element in parsed(drawn).iter() if element.get("id")}
        for drawn in (first, second)
    ]
    assert ids[0]
    assert ids[1]
    assert not ids[0] & ids[1]
    for drawn, chart_ids in zip((first, second), ids, strict=True):
        asked = {use.get(HREF) for use in parsed(drawn).iter(f"{SVG}use")}
        assert asked <= {f"#{name}" for name in chart_ids}


def test_the_same_chart_gives_the_same_bytes():
    assert drawing(CHARTS[0]) == drawing(CHARTS[0])
    assert chart_png(CHARTS[0]) == chart_png(CHARTS[0])


def test_pictures_for_other_tools_are_png():
    for picture in (
        chart_png(CHARTS[1]),
        chart_png(CHARTS[2]),
        confusion_png(("a", "$b"), ((3, 1), (0, 0)), "4 rows"),
    ):
        assert picture.startswith(b"\x89PNG")
