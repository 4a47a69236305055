"""The story of three years whose labels come late, as one HTML page: US census employment, 2016 to 2018.

The estimator learns from 2015. Each window of 2016 to 2018 is estimated from its predictions alone, and drawn
beside what its labels said later; then the same with a change of the concept planted, which estimates cannot see
and labels tell.

    python benchmarks/employment_story.py --data FOLDER --out story.html [--rows 2000]    (some seconds)

FOLDER holds the files that NannyML publishes, see `performance_estimation`; nothing of them but the figures of
windows is in the page. `--picture FILE.png` also writes a picture of it, with a Chromium of this machine.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.performance_estimation import (
    METRICS,
    TURNED,
    People,
    expected_of,
    learned,
    read,
    turned,
    windows,
)
from ml_platform.evaluation.report_parts import Estimate
from ml_platform.monitoring.performance.estimate import Scored
from ml_platform.monitoring.performance.estimator import PerformanceEstimator
from ml_platform.reporting.components import Cell, Column, Table, Tone
from ml_platform.reporting.page import render_text
from ml_platform.reporting.sketch import Box, Dot, Label, Sketch, Stroke, box, stroke
from ml_platform.reporting.words import interval, number, percent, signed

METRIC = "accuracy"
WIDTH, HEIGHT = 960.0, 330.0
_LEFT, _RIGHT, _TOP, _GROUND = 62.0, 946.0, 34.0, 290.0
TURNED_FROM = 50
"""The window from which on labels turn in the planted change."""
YEARS = (2016, 2017, 2018)
PAGE = """{% extends "base.html.j2" %}
{% import "components.html.j2" as ui %}
{% block main %}
<header>
<p class="kicker">US census, Massachusetts; predictions and labels published by NannyML</p>
<h1>Three years whose labels come late</h1>
<p class="note">{{ view.learned }}</p>
</header>
{% for part in view.parts %}
<section>
<h2>{{ part.title }}</h2>
<p>{{ part.words }}</p>
<div class="wide trend" tabindex="0">{{ ui.sketch(part.sketch) }}</div>
<p class="legend">
<span class="key accent"><i></i>estimated without a label, with its 95 % interval</span>
<span class="key-4"><i></i>realised, once labels had come</span>
<span class="key bad"><i></i>realised outside the interval</span>
<span>dashed: 2015</span>
</p>
{{ ui.table(part.table) }}
</section>
{% endfor %}
{% endblock %}
"""


@dataclass(frozen=True)
class Window:
    """One window: what was estimated of it, and what was realised."""

    year: int
    estimated: Estimate
    realised: float

    @property
    def covered(self) -> bool:
        """Whether the interval holds what was realised."""
        return self.estimated.low <= self.realised <= self.estimated.high


@dataclass(frozen=True)
class Part:
    """One drawing with its words and its table by year."""

    title: str
    words: str
    sketch: Sketch
    table: Table


@dataclass(frozen=True)
class Story:
    """Everything that the page lays out."""

    title: str
    learned: str
    parts: tuple[Part, ...]


def told(
    estimator: PerformanceEstimator, people: People, years: Sequence[int], rows: int
) -> tuple[Window, ...]:
    """Each window of so many rows, in the published order; ``years`` are those of the windows."""
    found = []
    for year, part in zip(years, windows(people, rows), strict=True):
        scored = Scored.by(estimator, part.scores, np.arange(rows))
        figure = scored.figure(METRIC, expected_of(part, scored.probabilities)[METRIC])
        found.append(Window(year, figure.interval, METRICS[METRIC](part)))
    return tuple(found)


def years_of(folder: Path, rows: int) -> tuple[int, ...]:
    """The year in which each window begins."""
    years = pd.read_parquet(folder / "employment_MA_analysis.pq", columns=["year"])["year"]
    return tuple(int(years.iloc[first]) for first in range(0, len(years) - rows + 1, rows))


def story(folder: Path, rows: int) -> Story:
    """The page of the three years."""
    reference, later = read(folder)
    estimator, years = learned(reference), years_of(folder, rows)
    of_2015 = METRICS[METRIC](reference)
    plain = told(estimator, later, years, rows)
    changed = told(estimator, turned(later, TURNED_FROM * rows), years, rows)
    since = changed[TURNED_FROM:]
    missed = sum(not window.covered for window in since)
    error = np.mean([abs(each.realised - each.estimated.value) for each in plain])
    lowest = min(plain, key=lambda each: each.estimated.value)
    repeated = np.mean([abs(each.realised - of_2015) for each in plain])
    return Story(
        "Three years whose labels come late",
        f"Learned from {estimator.rows:,} people of 2015, where {METRIC} was {number(of_2015)}; "
        f"{len(plain)} windows of {rows:,} people follow.",
        (
            _part(
                "As it was",
                f"{percent(np.mean([each.covered for each in plain]))} of the windows lie in the interval that was "
                f"estimated without their labels. The mean error is {number(float(error))}; whoever repeats the "
                f"figure of 2015 is wrong by {number(float(repeated))}. The window with the lowest estimate is one "
                f"of {lowest.year}: {interval(lowest.estimated)} estimated, {number(lowest.realised)} realised.",
                plain,
                of_2015,
            ),
            _part(
                "With a planted change of the concept",
                f"From window {TURNED_FROM} on the labels of {percent(TURNED)} of the people with a sure score "
                f"turn, while scores stay as they are. No estimate can see that: {missed} of {len(since)} windows "
                "lie outside, and labels tell it when they come. So estimates decide nothing, and are held against "
                "labels.",
                changed,
                of_2015,
            ),
        ),
    )


def _part(title: str, text: str, found: Sequence[Window], of_2015: float) -> Part:
    return Part(title, text, drawn(title, found, of_2015), _table(found, of_2015))


def _table(found: Sequence[Window], of_2015: float) -> Table:
    """A row a year."""
    titles = ("Windows", "Realised, mean", "Estimated, mean", "Realised in the interval")
    columns = (Column("Year"), *map(Column, (*titles, "Mean error", "Error of 2015's figure")))
    rows = []
    for year in YEARS:
        mine = [each for each in found if each.year == year]
        covered = np.mean([each.covered for each in mine])
        realised = np.array([each.realised for each in mine])
        estimated = np.array([each.estimated.value for each in mine])
        rows.append(
            (
                Cell(str(year)),
                Cell(number(len(mine))),
                Cell(number(float(realised.mean()))),
                Cell(number(float(estimated.mean()))),
                Cell(percent(covered), tone=Tone.GOOD if covered >= 0.9 else Tone.BAD),
                Cell(number(float(np.abs(realised - estimated).mean()))),
                Cell(number(float(np.abs(realised - of_2015).mean()))),
            )
        )
    return Table(columns, tuple(rows))


def drawn(title: str, found: Sequence[Window], of_2015: float) -> Sketch:
    """Estimates as a band, realised figures as points, and the years below."""
    figures = [v for w in found for v in (w.estimated.low, w.estimated.high, w.realised)]
    low, high = min(*figures, of_2015), max(*figures, of_2015)
    margin = 0.06 * (high - low)
    low, high = low - margin, high + margin

    def x(place: float) -> float:
        return _LEFT + (_RIGHT - _LEFT) * (place + 0.5) / len(found)

    def y(value: float) -> float:
        return _GROUND - (_GROUND - _TOP) * (value - low) / (high - low)

    strokes: list[Stroke] = []
    boxes: list[Box] = []
    labels = [Label(_LEFT, 16, f"{METRIC.capitalize()} of a window", "start", "name strong")]
    for value in np.linspace(low + margin, high - margin, 4):
        at = y(float(value))
        strokes.append(stroke(((_LEFT, at), (_RIGHT, at)), "line"))
        labels.append(Label(_LEFT - 6, round(at + 4, 1), f"{value:.3f}", "end"))
    for year in YEARS:
        places = [place for place, each in enumerate(found) if each.year == year]
        strokes.append(stroke(((x(places[0] - 0.5), _TOP), (x(places[0] - 0.5), _GROUND)), "line"))
        middle = round(x((places[0] + places[-1]) / 2), 1)
        labels.append(Label(middle, _GROUND + 22, str(year), "middle", "name strong"))
    upper = tuple((x(place), y(each.estimated.high)) for place, each in enumerate(found))
    lower = tuple((x(place), y(each.estimated.low)) for place, each in enumerate(found))
    strokes.append(stroke((*upper, *reversed(lower)), "accent area"))
    middle_line = tuple((x(place), y(each.estimated.value)) for place, each in enumerate(found))
    strokes.append(stroke(middle_line, "accent"))
    strokes.append(stroke(((_LEFT, y(of_2015)), (_RIGHT, y(of_2015))), "ink dashed"))
    dots = []
    step = (_RIGHT - _LEFT) / len(found)
    for place, each in enumerate(found):
        gap = signed(each.realised - each.estimated.value)
        words = (
            f"window {place}, {each.year}: estimated {interval(each.estimated)}, "
            f"realised {number(each.realised)} ({gap})"
        )
        tone = "real" if each.covered else "bad"
        dots.append(Dot(round(x(place), 1), round(y(each.realised), 1), tone, words))
        boxes.append(box(x(place) - step / 2, _TOP, step, _GROUND - _TOP, "touch", words))
    return Sketch(
        title,
        f"{len(found)} windows; {sum(each.covered for each in found)} realised figures lie in their interval.",
        WIDTH,
        HEIGHT,
        tuple(boxes),
        tuple(strokes),
        tuple(dots),
        tuple(labels),
    )


def photographed(page: Path, picture: Path) -> None:
    """Write a picture of a page."""
    from ml_platform_tests.reporting.browser import browser, find_browser

    executable = find_browser()
    if executable is None:
        raise SystemExit("no Chromium was found; install one (Debian: apt-get install chromium)")
    with browser(executable) as opened:
        shown = opened.new_page(viewport={"width": 1180, "height": 900})
        shown.goto(page.resolve().as_uri())
        shown.screenshot(path=picture, full_page=True)


def main() -> None:
    """Write the page, and a picture of it if one is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder with the files")
    parser.add_argument("--out", type=Path, required=True, help="the page to write")
    parser.add_argument("--rows", type=int, default=2_000, help="rows of a window")
    parser.add_argument("--picture", type=Path, help="a PNG of the page")
    options = parser.parse_args()
    page = render_text(PAGE, story(options.data, options.rows))
    options.out.write_text(page, encoding="utf-8")
    print(options.out)
    if options.picture:
        photographed(options.out, options.picture)
        print(options.picture)


if __name__ == "__main__":
    main()
