"""Rows of one key in the order of time, by column: what windows look back on."""

from array import array
from bisect import bisect_left, bisect_right, insort
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from ml_platform.features.online.sql_functions import known, total

_SHORTEST = 64
"""Old rows are dropped when there are at least so many of them, and they are half of all."""


@dataclass(frozen=True)
class Tallies:
    """What is counted of columns when rows come, so that it need not be when somebody asks."""

    summed: tuple[str, ...] = ()
    """The columns that are summed up over a range of time."""
    matched: tuple[str, ...] = ()
    """The columns of which the rows with one value are counted."""

    def __or__(self, other: "Tallies") -> "Tallies":
        """The tallies of both."""
        return Tallies(
            tuple(dict.fromkeys(self.summed + other.summed)),
            tuple(dict.fromkeys(self.matched + other.matched)),
        )


NO_TALLIES = Tallies()


class PastRows:
    """The rows of a key: their times, a list for each column, and tallies of some of these."""

    __slots__ = ("_matching", "_running", "columns", "times")

    def __init__(self, names: tuple[str, ...], tallies: Tallies = NO_TALLIES) -> None:
        """Begin without rows; each will have the columns ``names``, of which some have ``tallies``."""
        self.times = array("q")
        self.columns: dict[str, list[Any]] = {name: [] for name in names}
        self._running: dict[str, array[int] | None] = {
            name: array("q", (0,)) for name in tallies.summed
        }
        self._matching: dict[str, dict[Any, array[int]]] = {name: {} for name in tallies.matched}

    @classmethod
    def of(cls, times: "array[int]", columns: dict[str, list[Any]], tallies: Tallies) -> "PastRows":
        """Rows that are there already, in the order of time."""
        rows = cls((), tallies)
        rows.times, rows.columns = times, columns
        rows._count()
        return rows

    def __len__(self) -> int:
        return len(self.times)

    def add(self, t: int, row: Mapping[str, Any]) -> int:
        """Put a row where its time, in microseconds since 1970, belongs; after those of the same microsecond.

        Returns its place.
        """
        times = self.times
        if times and t < times[-1]:
            return self._put(t, row)
        times.append(t)
        for name, values in self.columns.items():
            values.append(row[name])
        for name, running in self._running.items():
            if running is not None:
                self._sum_up(name, running, row[name])
        for name, matching in self._matching.items():
            value = row[name]
            if value in matching:
                matching[value].append(t)
            else:
                matching[value] = array("q", (t,))
        return len(times) - 1

    def total(self, name: str, low: int, end: int) -> Any:
        """The sum of what is known of a summed column from one place to another; ``None`` where nothing is."""
        running = self._running[name]
        if running is None:
            return total(self.columns[name][low:end])
        return running[end] - running[low] if low < end else None

    def known(self, name: str, low: int, end: int) -> int:
        """How many values of a summed column are known from one place to another."""
        if self._running[name] is None:
            return known(self.columns[name][low:end])
        return max(end - low, 0)

    def matching(self, name: str, value: Any, since: int, until: int) -> int:
        """How many rows from a time on and before another have a value in a matched column."""
        times = self._matching[name].get(value)
        return bisect_left(times, until) - bisect_left(times, since) if times else 0

    def before(self, t: int) -> int:
        """How many rows lie strictly before a time."""
        return bisect_left(self.times, t)

    def forget_before(self, t: int) -> None:
        """Drop rows before a time, once they are many."""
        times = self.times
        if len(times) < _SHORTEST or times[_SHORTEST - 1] >= t:
            return
        old = bisect_left(times, t)
        if old * 2 >= len(times):
            del times[:old]
            for values in self.columns.values():
                del values[:old]
            for running in self._running.values():
                if running is not None:
                    del running[:old]
            self._forget_matching(t)

    def _put(self, t: int, row: Mapping[str, Any]) -> int:
        """Put a row between others."""
        place = bisect_right(self.times, t)
        self.times.insert(place, t)
        for name, values in self.columns.items():
            values.insert(place, row[name])
        for name in self._running:
            self._running[name] = _running_sums(self.columns[name])
        for name, matching in self._matching.items():
            insort(matching.setdefault(row[name], array("q")), t)
        return place

    def _count(self) -> None:
        for name in self._running:
            self._running[name] = _running_sums(self.columns[name])
        for name, matching in self._matching.items():
            for value, t in zip(self.columns[name], self.times, strict=True):
                matching.setdefault(value, array("q")).append(t)

    def _forget_matching(self, t: int) -> None:
        for matching in self._matching.values():
            for value in list(matching):
                times = matching[value]
                if times[-1] < t:
                    del matching[value]
                else:
                    del times[: bisect_left(times, t)]

    def _sum_up(self, name: str, running: "array[int]", value: Any) -> None:
        if isinstance(value, int):
            running.append(running[-1] + value)
        else:
            self._running[name] = None


def _running_sums(values: list[Any]) -> "array[int] | None":
    """The sums up to each place; ``None`` where a value is unknown, or no whole number: sums are then made anew."""
    if all(isinstance(value, int) for value in values):
        return array("q", accumulate(values, initial=0))
    return None
