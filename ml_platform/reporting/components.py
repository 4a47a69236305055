"""The pieces that pages are made of, as frozen values: chips, tables, tracks, facts.

Each has a macro of the same name in ``templates/components.html.j2``. Their text is plain text: templates
escape it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from ml_platform.evaluation.report_parts import ReportTable
from ml_platform.reporting.words import capitals, number


class Tone(StrEnum):
    """The meaning of a colour; each tone is a class of the stylesheet."""

    GOOD = "good"
    BAD = "bad"
    UNSURE = "unsure"
    NEUTRAL = "neutral"
    ACCENT = "accent"


@dataclass(frozen=True)
class Chip:
    """A word in a coloured pill."""

    text: str
    tone: Tone


@dataclass(frozen=True)
class Fact:
    """A name and what it is, as in 'seed: 7'."""

    name: str
    text: str


@dataclass(frozen=True)
class Cell:
    """One cell of a table: its text, a smaller line below it, its tone, and where its text leads."""

    text: str
    note: str = ""
    tone: Tone | None = None
    address: str = ""
    """A path of the service; empty: it is no link."""


@dataclass(frozen=True)
class Column:
    """The head of a column; numbers stand right."""

    title: str
    numeric: bool = True


@dataclass(frozen=True)
class Table:
    """A table, which scrolls by itself where it is wider than the page."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    title: str = ""
    note: str = ""


def report_table(table: ReportTable) -> Table:
    """A stored table as it is; a column that holds figures only stands right."""
    numeric = [
        all(row[place] is None or isinstance(row[place], (int, float)) for row in table.rows)
        for place in range(len(table.columns))
    ]
    columns = (
        Column(title.replace("_", " "), is_numeric)
        for title, is_numeric in zip(table.columns, numeric, strict=True)
    )
    rows = (tuple(Cell(_cell_text(value)) for value in row) for row in table.rows)
    return Table(tuple(columns), tuple(rows), table.title)


def _cell_text(value: str | float | int | None) -> str:
    return value if isinstance(value, str) else number(value)


@dataclass(frozen=True)
class Track:
    """A value with its interval and its limit on a line; positions are per cent of its width.

    ``forbidden`` is the stretch (left, width) beyond the limit, drawn tinted.
    """

    low: float
    width: float
    value: float
    tone: Tone
    limit: float | None = None
    forbidden: tuple[float, float] | None = None


@dataclass(frozen=True)
class Lane:
    """One of several things on the same scale: its name, its figure in words, its track."""

    name: str
    figures: str
    tone: Tone
    track: Track


@dataclass(frozen=True)
class TrackScale:
    """The scale of a track: it maps figures to per cent of the width, with a margin of a tenth on both sides."""

    start: float
    reach: float

    @classmethod
    def around(cls, values: Sequence[float]) -> "TrackScale":
        """A scale that holds all ``values``; around a single one it reaches as far as its size."""
        span = max(values) - min(values) or abs(values[0]) or 1.0
        return cls(min(values) - 0.12 * span, 1.24 * span)

    def track(
        self,
        value: float,
        low: float,
        high: float,
        tone: Tone,
        *,
        limit: float | None = None,
        at_most: bool | None = None,
    ) -> Track:
        """The track of one figure; ``at_most`` tells on which side of the limit it must stay, if on one."""
        left, right = self._at(low), self._at(high)
        mark = None if limit is None else self._at(limit)
        forbidden = None
        if mark is not None and at_most is not None:
            forbidden = (mark, round(100 - mark, 2)) if at_most else (0.0, mark)
        return Track(left, round(right - left, 2), self._at(value), tone, mark, forbidden)

    def _at(self, value: float) -> float:
        return round(100 * (value - self.start) / self.reach, 2)


_OUTCOME_TONES = {"pass": Tone.GOOD, "fail": Tone.BAD, "insufficient": Tone.UNSURE}


def outcome_chip(outcome: str) -> Chip:
    """The outcome of a gate as a chip; what is no outcome ('no_gate') is neutral."""
    return Chip(capitals(outcome), _OUTCOME_TONES.get(outcome, Tone.NEUTRAL))


_LIGHT_TONES = {
    "green": Tone.GOOD,
    "yellow": Tone.UNSURE,
    "red": Tone.BAD,
    "insufficient": Tone.NEUTRAL,
}


def light_chip(light: str) -> Chip:
    """The traffic light of a monitoring report as a chip."""
    return Chip(capitals(light), _LIGHT_TONES[light])


def events_chip(simulated: bool) -> Chip:
    """Whether the figures of a page are of simulated or of real events."""
    return Chip("SIMULATED events", Tone.UNSURE) if simulated else Chip("Real events", Tone.ACCENT)
