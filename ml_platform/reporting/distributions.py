"""Distributions then and now as drawings: a wide bar is the baseline, the narrow one on it the window."""

from dataclasses import dataclass

from ml_platform.monitoring.shapes import Shape
from ml_platform.reporting.sketch import Box, Label, Sketch, box, stroke
from ml_platform.reporting.words import percent, shortened

WIDTH = 360.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 50.0, 8.0, 8.0, 24.0
_HEIGHT = 150.0
"""Of the bars of numbers."""
_ROW = 22.0
"""The height of a level of a category."""
_NAMES, _FIGURES = 118.0, 96.0
"""The room for the names of levels, and for their figures."""
MOST_LEVELS = 10
"""Levels that are drawn by themselves; the others are summed."""
_LETTERS = 20
_TICKS = 4


@dataclass(frozen=True)
class DistributionView:
    """One distribution then and now, with what changed in words."""

    name: str
    words: str
    sketch: Sketch


def distribution_view(shape: Shape, words: str) -> DistributionView:
    """The drawing of a distribution; ``words`` say how large the change is."""
    title = f"{shape.name}: before and now"
    gaps = [now - before for before, now in zip(shape.before, shape.now, strict=True)]
    place = max(range(len(gaps)), key=lambda each: abs(gaps[each]))
    description = (
        f"The largest change is that of {shape.bins[place]}: {percent(shape.before[place])} before, "
        f"{percent(shape.now[place])} now."
    )
    draw = _numbers if shape.ordered else _levels
    return DistributionView(shape.name, words, draw(shape, title, description))


def _numbers(shape: Shape, title: str, description: str) -> Sketch:
    """Bars upright, a bin beside the other; bins held about as many rows each when the baseline was made."""
    right, ground = WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    most = max(*shape.before, *shape.now, 1e-9)
    scale = (ground - _TOP) / most
    step = (right - _LEFT) / len(shape.bins)
    boxes: list[Box] = []
    for place, (label, before, now) in enumerate(_sides(shape)):
        words = _change(label, before, now)
        x = _LEFT + place * step
        wide, narrow = 0.86 * step, 0.42 * step
        boxes.append(box(x + 0.07 * step, ground - before * scale, wide, before * scale, "then"))
        boxes.append(box(x + 0.29 * step, ground - now * scale, narrow, now * scale, "now"))
        boxes.append(box(x, _TOP, step, ground - _TOP, "touch", words))
    labels = [
        Label(_LEFT - 5, _TOP + 8, percent(most), "end"),
        Label(_LEFT - 5, ground, "0", "end"),
        *(
            Label(round(_LEFT + (place + 0.5) * step, 1), ground + 14, shape.bins[place], anchor)
            for place, anchor in _ticks(len(shape.bins))
        ),
    ]
    base = stroke(((_LEFT, ground), (right, ground)), "line")
    return Sketch(title, description, WIDTH, _HEIGHT, tuple(boxes), (base,), (), tuple(labels))


def _ticks(bins: int) -> tuple[tuple[int, str], ...]:
    """Which bins have their label below, and how it stands."""
    if bins == 1:
        return ((0, "middle"),)
    if bins <= _TICKS:
        return tuple((place, "middle") for place in range(bins))
    return ((0, "start"), (bins // 2, "middle"), (bins - 1, "end"))


def _levels(shape: Shape, title: str, description: str) -> Sketch:
    """Bars across, a row a level; the levels with the largest shares or changes first."""
    rows = _largest(shape)
    most = max(max(before, now) for _, before, now in rows) or 1e-9
    room = WIDTH - _NAMES - _FIGURES
    boxes: list[Box] = []
    labels: list[Label] = []
    for place, (label, before, now) in enumerate(rows):
        y = place * _ROW
        boxes.append(box(_NAMES, y + 3, room * before / most, _ROW - 6, "then"))
        boxes.append(box(_NAMES, y + 7.5, room * now / most, _ROW - 15, "now"))
        boxes.append(box(0, y, WIDTH, _ROW, "touch", _change(label, before, now)))
        labels.append(Label(_NAMES - 6, y + 15, shortened(label, _LETTERS), "end", "name"))
        figures = f"{percent(before)} → {percent(now)}"
        labels.append(Label(WIDTH, y + 15, figures, "end"))
    height = _ROW * len(rows)
    return Sketch(title, description, WIDTH, height, tuple(boxes), (), (), tuple(labels))


def _largest(shape: Shape) -> list[tuple[str, float, float]]:
    """The levels that matter, in their order, and the sum of the others."""
    sides = [side for side in _sides(shape) if side[1] or side[2]] or _sides(shape)[:1]
    order = sorted(sides, key=lambda side: (-max(side[1], side[2]), side[0]))
    kept, rest = order[:MOST_LEVELS], order[MOST_LEVELS:]
    if rest:
        kept.append(
            (f"{len(rest)} others", sum(side[1] for side in rest), sum(side[2] for side in rest))
        )
    return kept


def _sides(shape: Shape) -> list[tuple[str, float, float]]:
    return list(zip(shape.bins, shape.before, shape.now, strict=True))


def _change(label: str, before: float, now: float) -> str:
    return f"{label}: {percent(before)} before, {percent(now)} now"
