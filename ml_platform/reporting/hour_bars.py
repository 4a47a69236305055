"""Bars by hour as SVG without a style attribute, so that a page may forbid inline styles; nothing but rectangles.

Charts of reports are matplotlib's (`charts`). The pages of the service are made anew every few seconds in a process
that answers requests, where matplotlib would cost more than the rest of the page.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ml_platform.reporting.components import Tone

HEIGHT = 100.0
"""Units of the drawing from its ground to its top; the page stretches both ways to the room there is."""
STEP = 10.0
"""Units from one bar to the next."""
_WIDTH = 8.0
_LEAST = 1.5
"""The height of a bar that is not 0, however small beside the others."""


@dataclass(frozen=True)
class Stack:
    """What one bar is made of, from its ground up, and what it says when it is pointed at."""

    heights: tuple[tuple[float, Tone], ...]
    words: str


@dataclass(frozen=True)
class Mark:
    """A rectangle of the drawing."""

    y: float
    height: float
    tone: Tone


@dataclass(frozen=True)
class Bar:
    """One bar: where it stands, its rectangles, its words."""

    x: float
    marks: tuple[Mark, ...]
    words: str


@dataclass(frozen=True)
class HourBars:
    """A chart ready for a page: its bars, and the labels that the page writes around it."""

    title: str
    description: str
    """What it shows, for readers who do not see it."""
    bars: tuple[Bar, ...]
    most: str
    """The figure at the top."""
    first: str
    last: str
    bar_width: float = _WIDTH
    height: float = HEIGHT
    step: float = STEP

    @property
    def width(self) -> float:
        """Units of the drawing across."""
        return self.step * len(self.bars)


def hour_bars(
    title: str, stacks: Sequence[Stack], *, most: str, first: str, last: str, description: str = ""
) -> HourBars:
    """The chart of bars that stand beside each other in the order of ``stacks``, the tallest as high as the chart.

    Args:
        title: What is counted.
        stacks: The bars; heights from 0 on, in any unit.
        most: The height of the tallest in words.
        first: The label below the first bar.
        last: The label below the last one.
        description: What the chart shows in words; by default its title with ``most``.
    """
    tallest = max((sum(size for size, _ in stack.heights) for stack in stacks), default=0.0)
    bars = tuple(
        Bar(
            round(place * STEP + (STEP - _WIDTH) / 2, 1),
            _marks(stack, HEIGHT / tallest if tallest else 0.0),
            stack.words,
        )
        for place, stack in enumerate(stacks)
    )
    return HourBars(title, description or f"{title}: at most {most}.", bars, most, first, last)


def _marks(stack: Stack, scale: float) -> tuple[Mark, ...]:
    marks, ground = [], HEIGHT
    for size, tone in stack.heights:
        if size <= 0:
            continue
        height = max(_LEAST, size * scale)
        ground = max(0.0, ground - height)
        marks.append(Mark(round(ground, 2), round(height, 2), tone))
    return tuple(marks)
