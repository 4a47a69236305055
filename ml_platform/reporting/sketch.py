"""Drawings as plain SVG without a style attribute or a script, so that a page may forbid both.

Charts of evaluations are matplotlib's (`charts`). These are as light as the rest of a page of the service, which is
made anew every few seconds in a process that answers requests. Colours are tones of the stylesheet. The macro
``sketch`` of ``templates/components.html.j2`` writes them.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Box:
    """A rectangle; ``words`` show when it is pointed at."""

    x: float
    y: float
    width: float
    height: float
    tone: str
    words: str = ""


@dataclass(frozen=True)
class Stroke:
    """A line through points, 'x,y x,y'; ``tone`` is the classes of the line, such as 'bad dashed'."""

    points: str
    tone: str
    words: str = ""


@dataclass(frozen=True)
class Dot:
    """A small circle."""

    x: float
    y: float
    tone: str
    words: str = ""


@dataclass(frozen=True)
class Label:
    """A text; ``anchor`` is 'start', 'middle' or 'end'."""

    x: float
    y: float
    text: str
    anchor: str = "start"
    tone: str = ""


@dataclass(frozen=True)
class Sketch:
    """A drawing ready for a page, in the order in which its parts are painted."""

    title: str
    description: str
    """What it shows, for readers who do not see it."""
    width: float
    height: float
    boxes: tuple[Box, ...] = ()
    strokes: tuple[Stroke, ...] = ()
    dots: tuple[Dot, ...] = ()
    labels: tuple[Label, ...] = ()


def stroke(points: "tuple[tuple[float, float], ...]", tone: str, words: str = "") -> Stroke:
    """A line through ``points``.

    >>> stroke(((0, 1), (2.04, 3)), "accent").points
    '0,1 2,3'
    """
    return Stroke(" ".join(f"{_short(x)},{_short(y)}" for x, y in points), tone, words)


def box(x: float, y: float, width: float, height: float, tone: str, words: str = "") -> Box:
    """A rectangle with its figures rounded to a tenth of a pixel."""
    return Box(round(x, 1), round(y, 1), round(max(width, 0.0), 1), round(height, 1), tone, words)


def _short(value: float) -> str:
    return f"{round(value, 1):g}"
