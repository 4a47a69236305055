"""Distributions then and now: heights by hand, levels in their order, names of the data escaped."""

import dataclasses

import pytest

from ml_platform.monitoring.report import Severity
from ml_platform.monitoring.shapes import Shape
from ml_platform.reporting.distributions import MOST_LEVELS, distribution_view
from ml_platform.reporting.monitoring import monitoring_html
from ml_platform_tests.reporting.service_examples import HOSTILE
from ml_platform_tests.retraining.reports import report

NUMBERS = Shape("dwell", True, ("<= 1", "(1, 2]", "> 2"), (0.25, 0.5, 0.25), (0.0, 0.25, 0.75))


def heights(shape: Shape, tone: str) -> list[float]:
    return [box.height for box in distribution_view(shape, "").sketch.boxes if box.tone == tone]


def test_bars_of_numbers_are_as_high_as_their_shares() -> None:
    """The plot is 118 high (150 less 8 above and 24 below) and .75 is its highest share."""
    assert heights(NUMBERS, "then") == pytest.approx([39.3, 78.7, 39.3], abs=0.05)
    assert heights(NUMBERS, "now") == pytest.approx([0.0, 39.3, 118.0], abs=0.05)
    sketch = distribution_view(NUMBERS, "").sketch
    assert sketch.description == "The largest change is that of > 2: 25.0 % before, 75.0 % now."


def test_levels_stand_by_their_share_and_the_rest_is_summed() -> None:
    names = tuple(f"level {place}" for place in range(MOST_LEVELS + 5))
    before = tuple(0.01 * (place + 1) for place in range(len(names)))
    view = distribution_view(Shape("tool", False, names, before, before), "")
    shown = [label.text for label in view.sketch.labels if label.tone == "name"]
    assert shown[0] == names[-1]
    assert shown[-1] == "5 others"
    assert len(shown) == MOST_LEVELS + 1
    assert view.sketch.labels[-1].text == "15.0 % → 15.0 %", "1 + 2 + 3 + 4 + 5 %"


def test_what_moved_is_drawn_on_the_page_of_the_window_and_escaped() -> None:
    moved = report(Severity.SIGNIFICANT)
    (entry,) = moved.features
    entry = dataclasses.replace(entry, name=HOSTILE)
    shape = Shape(HOSTILE, False, (HOSTILE, "b"), (0.5, 0.5), (0.9, 0.1))
    html = monitoring_html(dataclasses.replace(moved, features=(entry,), shapes=(shape,)))
    assert "<h2>Distributions then and now</h2>" in html
    assert "50.0 % → 90.0 %" in html
    assert "<script" not in html
    assert "<h2>Distributions then and now</h2>" not in monitoring_html(moved)
