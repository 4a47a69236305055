"""Scales, ticks and marks of inline SVG; coordinates are pixels of a drawing 400 wide."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, isfinite, log10

from ml_platform.reporting.evaluation.words import MINUS, number

WIDTH = 400
INK = "#1f2937"
MUTED = "#6b7280"
GRID = "#e5e7eb"
LIMIT = "#b91c1c"
COLOURS = ("#1d4ed8", "#c2410c", "#047857", "#7e22ce", "#0e7490", "#be185d", "#4d7c0f", "#57534e")
"""Told apart in print and by most kinds of colour vision; series beyond them start again."""


def colour(place: int) -> str:
    """Of the series at ``place``."""
    return COLOURS[place % len(COLOURS)]


@dataclass(frozen=True)
class Scale:
    """From figures in [low, high] to pixels in [start, end]."""

    low: float
    high: float
    start: float
    end: float
    step: float = 1.0
    """Between two ticks."""

    def __call__(self, value: float) -> float:
        """The pixel of ``value``; what lies outside is drawn at the edge."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 2)


def scale(values: Iterable[float], start: float, end: float, *, zero: bool = False) -> Scale:
    """A scale over the ticks around ``values`` (over 0 too if asked); 0 to 1 where there are none."""
    finite = [value for value in values if isfinite(value)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if low == high:
        pad = abs(low) / 2 or 1.0
        low, high = (0.0, high + pad) if zero and low >= 0 else (low - pad, high + pad)
    step = _step(low, high)
    return Scale(floor(low / step + 1e-9) * step, ceil(high / step - 1e-9) * step, start, end, step)


def _step(low: float, high: float, most: int = 5) -> float:
    """1, 2 or 5 times a power of ten, so that at most ``most`` steps cover the range."""
    rough = (high - low) / most
    power: float = 10.0 ** floor(log10(rough))
    return next((m * power for m in (1, 2, 5, 10) if m * power >= rough * (1 - 1e-9)), 10 * power)


def ticks(on: Scale) -> tuple[float, ...]:
    """Round figures from one end of the scale to the other."""
    first, last = ceil(on.low / on.step - 1e-9), floor(on.high / on.step + 1e-9)
    return tuple(round(place * on.step, 12) for place in range(first, last + 1))


def tick_label(value: float) -> str:
    """As short as it can be: '0.8', '1,200', '2e-05'."""
    if value == 0:
        return "0"
    if 0.001 <= abs(value) < 1_000:
        return f"{value:.4g}".replace("-", MINUS)
    return number(value).replace("-", MINUS) if abs(value) >= 1_000 else f"{value:.0e}"


def drawing(title: str, told: str, height: float, body: str, kind: str = "chart") -> str:
    """An SVG with a title and a description for those who do not see it."""
    return (
        f'<svg class="{kind}" viewBox="0 0 {WIDTH} {height:g}" role="img" '
        f'aria-label="{escape(title)}"><title>{escape(title)}</title><desc>{escape(told)}</desc>'
        f"{body}</svg>"
    )


def text(x: float, y: float, told: str, *, anchor: str = "start", kind: str = "") -> str:
    """A label (escaped)."""
    of = f' class="{kind}"' if kind else ""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{of}>{escape(told)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, stroke: str, more: str = "") -> str:
    """A straight line; ``more`` are attributes."""
    return f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="{stroke}" {more}/>'


def rect(x: float, y: float, width: float, height: float, fill: str, more: str = "") -> str:
    """A filled rectangle."""
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{max(width, 0):g}" height="{max(height, 0):g}" '
        f'fill="{fill}" {more}/>'
    )


def dot(x: float, y: float, fill: str, radius: float = 3) -> str:
    """A round mark."""
    return f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" fill="{fill}"/>'


def path(points: Sequence[tuple[float, float]], stroke: str, more: str = "") -> str:
    """A line through points."""
    told = " ".join(f"{x:g},{y:g}" for x, y in points)
    return f'<polyline points="{told}" fill="none" stroke="{stroke}" stroke-width="2" {more}/>'


def area(points: Sequence[tuple[float, float]], fill: str) -> str:
    """A faint filled area, such as a band of intervals."""
    told = " ".join(f"{x:g},{y:g}" for x, y in points)
    return f'<polygon points="{told}" fill="{fill}" fill-opacity="0.15"/>'


def shortened(told: str, most: int) -> str:
    """``told`` in at most ``most`` characters."""
    return told if len(told) <= most else told[: most - 1] + "…"
