"""The versions that a worker holds in memory, and the answers that it gave of late."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class RecentlyUsed(Generic[K, V]):
    """At most so many things, of which that goes first which was not used for longest; with an age, if asked.

    >>> kept = RecentlyUsed[str, int](2)
    >>> kept.put("a", 1, now=0.0); kept.put("b", 2, now=0.0)
    >>> kept.get("a", now=1.0)
    1
    >>> kept.put("c", 3, now=1.0)
    >>> kept.get("b", now=1.0) is None
    True
    """

    def __init__(self, most: int, seconds: float = float("inf")) -> None:
        """Nothing is kept yet.

        Args:
            most: How many things are kept, from 1.
            seconds: The age at which one goes.
        """
        self._most = most
        self._seconds = seconds
        self._kept: OrderedDict[K, tuple[float, V]] = OrderedDict()
        self.hits = 0
        """Looks that have found something."""
        self.misses = 0

    def get(self, key: K, now: float) -> V | None:
        """What is kept under a key; ``None`` where there is nothing, or it is too old."""
        found = self._kept.get(key)
        if found is None:
            self.misses += 1
            return None
        since, value = found
        if now - since >= self._seconds:
            del self._kept[key]
            self.misses += 1
            return None
        self.hits += 1
        self._kept.move_to_end(key)
        return value

    def put(self, key: K, value: V, now: float) -> None:
        """Keep a thing; its age counts from now."""
        self._kept[key] = (now, value)
        self._kept.move_to_end(key)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def __contains__(self, key: K) -> bool:
        return key in self._kept

    def __len__(self) -> int:
        return len(self._kept)
