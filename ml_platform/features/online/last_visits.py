"""How many different users were in a place within a time, by the last visit of each."""

from bisect import bisect_left, insort
from collections.abc import Hashable

from ml_platform.features.online.past_rows import PastRows


class LastVisits:
    """The last visit of each user to one place, in order."""

    __slots__ = ("_last", "_times")

    def __init__(self) -> None:
        """Begin without visits."""
        self._last: dict[Hashable, int] = {}
        self._times: list[int] = []

    @classmethod
    def of(cls, rows: PastRows) -> "LastVisits":
        """The last visits among ``rows``, which have the column ``user_key``."""
        visits = cls()
        visits._last = dict(zip(rows.columns["user_key"], rows.times, strict=True))
        visits._times = sorted(visits._last.values())
        return visits

    def add(self, user: Hashable, t: int) -> None:
        """A visit; one that comes late changes nothing where a later one is known."""
        before = self._last.get(user)
        if before is not None:
            if t <= before:
                return
            del self._times[bisect_left(self._times, before)]
        self._last[user] = t
        insort(self._times, t)

    def forget_before(self, t: int) -> None:
        """Drop users whose last visit lies before a time, once they are half of all."""
        old = bisect_left(self._times, t)
        if old * 2 > len(self._times):
            del self._times[:old]
            self._last = {user: last for user, last in self._last.items() if last >= t}

    def users_between(self, low: int, t: int, rows: PastRows) -> int:
        """Users with a visit from ``low`` on and strictly before ``t``; ``rows`` are the visits, with ``user_key``.

        Who was there at ``t`` or after it counts if they were there before as well.
        """
        first = bisect_left(self._times, low)
        end = bisect_left(self._times, t)
        count = end - first
        if end == len(self._times):
            return count
        came_before = rows.columns["user_key"][rows.before(low) : rows.before(t)]
        later = {user for user in set(came_before) if self._last[user] >= t}
        return count + len(later)
