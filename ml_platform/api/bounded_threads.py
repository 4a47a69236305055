"""Threads for work that may take long or hang: their own, so that nothing else ever waits for one of them."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class BoundedThreads:
    """Runs work beside the event loop, for so long and for so many at once."""

    def __init__(self, name: str, threads: int, seconds: float, most_waiting: int) -> None:
        """No thread is started yet.

        Args:
            name: Of the threads.
            threads: How many there are at the most.
            seconds: How long a caller waits, its turn included. Work that goes on keeps its thread.
            most_waiting: Callers that wait at the same time.
        """
        self._threads = ThreadPoolExecutor(threads, name)
        self._seconds = seconds
        self._most = most_waiting
        self._waiting = 0

    async def run(self, work: Callable[[], T]) -> T:
        """What ``work`` returns.

        Raises:
            TimeoutError: it took too long, or too many wait already.
        """
        if self._waiting >= self._most:
            raise TimeoutError(f"{self._most} callers wait already")
        self._waiting += 1
        try:
            async with asyncio.timeout(self._seconds):
                return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1
