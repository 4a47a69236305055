"""Whether what lives long keeps memory: one-row predictions by every kind of artifact, and requests to the guard.

`python -m benchmarks.soak [CALLS]` makes 200,000 one-row predictions, the kinds of artifacts in turn, as the
prediction log makes them, then a quarter as many requests through the guard of Dagster's pages (plain ones, refused
ones, with and without token, and websockets), and prints the growth of the process's resident memory for 100,000 of
each: the slope of a line through a hundred measurements, the first half left out, in which caches fill. Exit code 1
from 1 MB on.
"""

import asyncio
import itertools
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import psutil

from ml_platform.adapters.page_guard import PageGuard, own_hosts
from ml_platform.models.artifact_kinds import scorer_of
from ml_platform_tests.conformance.scorer_examples import EXAMPLES, example

LIMIT = 1.0
"""MB for 100,000 calls."""
MEASUREMENTS, SETTLING = 100, 50


def main(calls: int) -> int:
    """Print both slopes; exit code 1 if one of them reaches the limit."""
    slopes = [
        slope("one-row predictions", calls, predictions()),
        slope("requests to the guard", calls // 4, requests()),
    ]
    return int(max(slopes) >= LIMIT)


def slope(name: str, calls: int, call: Callable[[], None]) -> float:
    """MB of resident memory that 100,000 calls add."""
    process, began = psutil.Process(), time.perf_counter()
    done, memory = [], []
    for part in range(MEASUREMENTS):
        for _ in range(calls // MEASUREMENTS):
            call()
        done.append((part + 1) * (calls // MEASUREMENTS))
        memory.append(process.memory_info().rss / 1e6)
    per_call = np.polyfit(done[SETTLING:], memory[SETTLING:], 1)[0]
    print(
        f"{name:<24}{calls:>9,}  {memory[0]:,.1f} -> {memory[-1]:,.1f} MB, "
        f"{1e5 * per_call:+.2f} MB for 100,000, {time.perf_counter() - began:.0f} s",
        flush=True,
    )
    return float(1e5 * per_call)


def predictions() -> Callable[[], None]:
    """One prediction after the other, by the scorers of all kinds of artifacts in turn."""
    given = [example(kind) for kind in EXAMPLES]
    scorers = [scorer_of(each.artifact) for each in given]
    rows = [[each.rows.iloc[[place]] for place in range(len(each.rows))] for each in given]
    turns = itertools.cycle(
        (scorer, each[place])
        for place in range(min(map(len, rows)))
        for scorer, each in zip(scorers, rows, strict=True)
    )

    def call() -> None:
        scorer, row = next(turns)
        scorer.predict_proba(row)

    return call


def requests() -> Callable[[], None]:
    """One request after the other: what a person, a foreign page and a stranger send."""
    guard = PageGuard(_answer, own_hosts(3000), "the token")
    own = [(b"host", b"127.0.0.1:3000")]
    knows = [*own, (b"authorization", b"Bearer the token")]
    scopes = [
        {"type": kind, "method": "GET", "path": path, "query_string": query, "headers": headers}
        for kind in ("http", "websocket")
        for path, query in (("/", b""), ("/graphql", b"query=x"), ("/runs", b"token=the token"))
        for headers in (own, knows, [*knows, (b"origin", b"http://evil.example")], [])
    ]
    turns, loop = itertools.cycle(scopes), asyncio.new_event_loop()

    def call() -> None:
        loop.run_until_complete(guard(dict(next(turns)), _nothing, _taken))

    return call


async def _answer(scope: Any, receive: Any, send: Any) -> None:
    """What is guarded: it answers whatever it is asked."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"x" * 1_000})


async def _nothing() -> dict[str, Any]:
    return {"type": "http.request", "body": b""}


async def _taken(message: Any) -> None:
    pass


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000))
