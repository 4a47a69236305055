"""Work beside the event loop: it waits so long, and so many of it at once."""

import asyncio
import threading
import time

import pytest

from ml_platform.api.bounded_threads import BoundedThreads


def test_work_gives_its_value_or_its_error():
    async def run():
        threads = BoundedThreads("some", 1, 5.0, 10)
        assert await threads.run(lambda: threading.current_thread().name) == "some_0"
        with pytest.raises(ZeroDivisionError):
            await threads.run(lambda: 1 // 0)
        assert threads._waiting == 0

    asyncio.run(run())


def test_the_turn_counts_and_work_that_was_given_up_is_not_begun():
    begun = []

    def work(name, seconds):
        begun.append(name)
        time.sleep(seconds)

    async def run():
        threads = BoundedThreads("some", 1, 0.3, 10)
        began = time.monotonic()
        given = await asyncio.gather(
            *(threads.run(lambda name=name: work(name, 0.8)) for name in "abc"),
            return_exceptions=True,
        )
        assert time.monotonic() - began < 0.7
        assert [type(each) for each in given] == [TimeoutError] * 3
        await asyncio.sleep(0.7)
        assert await BoundedThreads("other", 1, 5.0, 1).run(lambda: 1) == 1

    asyncio.run(run())
    assert begun == ["a"]


def test_too_many_do_not_wait():
    async def run():
        threads = BoundedThreads("some", 1, 5.0, 2)
        done = threading.Event()
        waiting = [asyncio.create_task(threads.run(done.wait)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(TimeoutError, match="2 callers wait already"):
            await threads.run(done.wait)
        done.set()
        assert await asyncio.gather(*waiting) == [True, True]
        assert await threads.run(lambda: 1) == 1

    asyncio.run(run())
