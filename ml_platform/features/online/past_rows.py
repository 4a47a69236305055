"""Rows of one key in the order of time, by column: what windows look back on."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from typing import Any

_SHORTEST = 64
"""Old rows are dropped when there are at least so many of them, and they are half of all."""


class PastRows:
    """The rows of a key: their times, and a list for each column."""

    __slots__ = ("columns", "times")

    def __init__(self, names: tuple[str, ...]) -> None:
        """Begin without rows; each will have the columns ``names``."""
        self.times = array("q")
        self.columns: dict[str, list[Any]] = {name: [] for name in names}

    def __len__(self) -> int:
        return len(self.times)

    def add(self, t: int, row: Mapping[str, Any]) -> int:
        """Put a row where its time, in microseconds since 1970, belongs; after those of the same microsecond.

        Returns its place.
        """
        times = self.times
        if not times or t >= times[-1]:
            times.append(t)
            for name, values in self.columns.items():
                values.append(row[name])
            return len(times) - 1
        place = bisect_right(times, t)
        times.insert(place, t)
        for name, values in self.columns.items():
            values.insert(place, row[name])
        return place

    def before(self, t: int) -> int:
        """How many rows lie strictly before a time."""
        return bisect_left(self.times, t)

    def forget_before(self, t: int) -> None:
        """Drop rows before a time, once they are many."""
        old = bisect_left(self.times, t)
        if old >= _SHORTEST and old * 2 >= len(self.times):
            del self.times[:old]
            for values in self.columns.values():
                del values[:old]
