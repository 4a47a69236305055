"""The page of late labels: what is drawn where, and that a planted change turns sure labels alone."""

import numpy as np
import pytest

from benchmarks.employment_story import PAGE, Part, Story, Window, _table, drawn
from benchmarks.performance_estimation import People, turned
from ml_platform.evaluation.report_parts import Estimate
from ml_platform.reporting.page import render_text

WINDOWS = tuple(
    Window(year, Estimate(0.8, 0.78, 0.82), realised)
    for year, realised in ((2016, 0.81), (2016, 0.79), (2017, 0.7), (2018, 0.8))
)


def test_a_window_outside_its_interval_stands_out() -> None:
    sketch = drawn("A title", WINDOWS, 0.85)
    assert [dot.tone for dot in sketch.dots] == ["real", "real", "bad", "real"]
    heights = [dot.y for dot in sketch.dots]
    assert heights[0] < heights[3] < heights[1] < heights[2], "higher is better"
    assert sketch.dots[2].words.startswith("window 2, 2017: estimated 0.800 [0.780, 0.820]")
    years = [label.text for label in sketch.labels if label.anchor == "middle"]
    assert years == ["2016", "2017", "2018"]


def test_the_table_has_a_row_a_year() -> None:
    rows = _table(WINDOWS, 0.85).rows
    assert [cell.text for cell in rows[0]] == [
        "2016",
        "2",
        "0.800",
        "0.800",
        "100.0 %",
        "0.010",
        "0.050",
    ]
    assert rows[1][4].text == "0.0 %"


def test_the_page_is_one_file_without_a_script() -> None:
    part = Part("A title", "Words.", drawn("A title", WINDOWS, 0.85), _table(WINDOWS, 0.85))
    html = render_text(PAGE, Story("<b>", "Learned.", (part,)))
    assert html.count("<svg") == 1
    assert "<script" not in html
    assert "&lt;b&gt;" in html


def test_a_planted_change_turns_sure_labels_from_its_row_on() -> None:
    """A quarter of them by chance: of 4,000 sure ones 1,000, with a standard deviation of 27."""
    scores = np.tile([0.99, 0.6, 0.01], 3_000)
    people = People(scores, np.ones(9_000))
    labels = turned(people, 3_000).employed
    assert labels[:3_000].all()
    assert labels[1::3].all(), "an unsure score keeps its label"
    assert (labels == 0).sum() == pytest.approx(1_000, abs=110)
