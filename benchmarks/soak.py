"""Whether what lives long keeps memory: one-row predictions by each kind of artifact, and requests to the guard.

`python -m benchmarks.soak [--calls 100000] [--only NAME]`: one kind of artifact after the other makes that many
predictions of one row, its forty rows in turn; then all kinds in turn, and requests to the guard of Dagster's pages
(plain ones, refused ones, with and without token, and websockets). Each has a process of its own, so that nothing
grows unseen into the room that another has left. A line says how much the resident memory grows for 100,000 calls:
the mean of fifty stretches of the later half with its interval of 95 %, after the first half, in which caches
fill. Exit code 1 if one of the intervals does not lie below 1 MB as a whole.

The processes get no huge pages from Linux, which splits and joins those of its own accord, two megabytes at a time:
that shows as growth, or hides it, where a process holds the same memory.
"""

import argparse
import asyncio
import ctypes
import itertools
import subprocess
import sys
import time
from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import psutil

from ml_platform.adapters.page_guard import PageGuard, own_hosts
from ml_platform.models.artifact_kinds import scorer_of
from ml_platform_tests.conformance.scorer_examples import EXAMPLES, example

LIMIT = 1.0
"""MB for 100,000 calls."""
MEASUREMENTS, SETTLING = 100, 50
ALL_KINDS, GUARD = "all kinds in turn", "page guard"
NAMES = (*EXAMPLES, ALL_KINDS, GUARD)
PR_SET_THP_DISABLE = 41
"""The number of the option in linux/prctl.h; processes that are started keep what it sets."""


def main() -> int:
    """Soak each in a process of its own; exit code 1 if one is not shown to stay below the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=100_000, help="of each; at least 100")
    parser.add_argument("--only", choices=NAMES, help="this one alone")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.calls < MEASUREMENTS:
        parser.error(f"--calls: at least {MEASUREMENTS}")
    if given.here:
        return int(soak(given.only, given.calls) >= LIMIT)
    refuse_huge_pages()
    names = [given.only] if given.only else NAMES
    below = [in_own_process(name, given.calls) for name in names]
    return int(not all(below))


def in_own_process(name: str, calls: int) -> bool:
    """Whether a process that soaks ``name`` alone, and prints its line, ends below the limit."""
    command = [sys.executable, "-m", "benchmarks.soak", "--here", "--only", name]
    return subprocess.run([*command, "--calls", str(calls)]).returncode == 0


def refuse_huge_pages() -> None:
    """Let this process, and those that it starts, have pages of the ordinary size only."""
    if sys.platform == "linux":
        arguments = [ctypes.c_ulong(each) for each in (1, 0, 0, 0)]
        if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_THP_DISABLE, *arguments):
            raise OSError(ctypes.get_errno(), "Huge pages could not be refused.")


def soak(name: str, calls: int) -> float:
    """Print the growth of memory under ``calls`` of ``name``; the upper end of its interval, for 100,000."""
    call = requests() if name == GUARD else predictions(EXAMPLES if name == ALL_KINDS else [name])
    stretch, began = calls // MEASUREMENTS, time.perf_counter()
    memory = resident(call, stretch)
    grown = np.diff(memory[SETTLING - 1 :]) * 1e5 / stretch
    mean, half = grown.mean(), 1.96 * grown.std(ddof=1) / np.sqrt(len(grown))
    print(
        f"{name:<22}{calls:>9,}  {memory[0]:,.1f} -> {memory[SETTLING - 1]:,.1f} -> {memory[-1]:,.1f} MB, "
        f"{mean:+.2f} MB for 100,000 ({mean - half:+.2f} to {mean + half:+.2f}), "
        f"{time.perf_counter() - began:.0f} s",
        flush=True,
    )
    return float(mean + half)


def resident(call: Callable[[], None], stretch: int) -> list[float]:
    """MB of resident memory after each of `MEASUREMENTS` stretches of calls."""
    process, memory = psutil.Process(), []
    for _ in range(MEASUREMENTS):
        for _ in range(stretch):
            call()
        memory.append(process.memory_info().rss / 1e6)
    return memory


def predictions(kinds: Collection[str]) -> Callable[[], None]:
    """One prediction after the other, by the scorers of ``kinds`` in turn."""
    given = [example(kind) for kind in kinds]
    scorers = [scorer_of(each.artifact) for each in given]
    rows = [[each.rows.iloc[[place]] for place in range(len(each.rows))] for each in given]
    turns = itertools.cycle(
        [
            (scorer, each[place])
            for place in range(min(map(len, rows)))
            for scorer, each in zip(scorers, rows, strict=True)
        ]
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
    sys.exit(main())
