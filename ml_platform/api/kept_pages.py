"""Pages that are made in a thread, one at a time, and kept for some seconds: they never hold up predictions."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from ml_platform.serving.loaded import RecentlyUsed

KEPT_SECONDS = 5.0
_COST = 20
"""A page is kept so many times as long as it took to make: however long that is, it takes at most 5 % of a core."""
_MOST_PAGES = 64


@dataclass(frozen=True)
class _Made:
    text: str
    until: float


class KeptPages:
    """The pages of one worker by name; many who ask for one at the same time wait for the same."""

    def __init__(self) -> None:
        """Nothing is made yet."""
        self._kept = RecentlyUsed[str, _Made](_MOST_PAGES)
        self._making: dict[str, asyncio.Task[str]] = {}
        self._turn = asyncio.Lock()

    async def get(self, name: str, make: Callable[[], str]) -> str:
        """The page of a name: the one that is kept, or what ``make`` gives, in a thread.

        An error of ``make`` goes to everybody who waits, and is not kept.
        """
        now = time.monotonic()
        made = self._kept.get(name, now)
        if made is not None and now < made.until:
            return made.text
        if name not in self._making:
            self._making[name] = asyncio.create_task(self._make(name, make))
        return await asyncio.shield(self._making[name])

    async def _make(self, name: str, make: Callable[[], str]) -> str:
        try:
            async with self._turn:
                since = time.monotonic()
                text = await asyncio.to_thread(make)
                now = time.monotonic()
            self._kept.put(name, _Made(text, now + max(KEPT_SECONDS, _COST * (now - since))), now)
            return text
        finally:
            del self._making[name]
