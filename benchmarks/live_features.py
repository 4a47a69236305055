"""How long features as of now take, what an event costs the state behind them, and what that holds in memory.

    python -m benchmarks.live_features --home HOME [--every 20] [--seldom] [--json]

What happened in the home is told in the order of time; every so many events, suggestions and executions the
features of the next one are asked for first. Milliseconds of the clock on the wall and of the processor, to which
a busy machine adds nothing; the second half of the calls alone is counted, when windows are full.
"""

import argparse
import gc
import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from ml_platform.adapters.dbt_project import PLATFORM_PROJECT
from ml_platform.adapters.lake_in_time import LakeInTime
from ml_platform.features.online.dbt_sql import DbtSql
from ml_platform.features.online.live_features import LiveFeatures
from ml_platform.features.online.skew import Happened
from ml_platform.settings import Settings

_SELDOM = (50_000, 50, 1_000)
"""Thresholds of Python's search for garbage in a process that holds millions of rows that stay."""


@dataclass(frozen=True)
class Times:
    """Milliseconds of one kind of call."""

    what: str
    calls: int
    p50: float
    p99: float
    processor_p50: float
    processor_p99: float


@dataclass(frozen=True)
class Measured:
    """What a replay took."""

    told: int
    seconds: float
    compile_seconds: float
    megabytes: float
    """Of memory that the state holds at the end, by how much the process grew."""
    users: int
    snapshot_megabytes: float
    restart_seconds: float
    """To go on from a snapshot in a file, in another object."""
    times: tuple[Times, ...]


class Clock:
    """Seconds of calls by their name."""

    def __init__(self) -> None:
        """Begin without calls."""
        self.taken: dict[str, list[tuple[float, float]]] = defaultdict(list)

    def call(self, name: str, function: Callable[..., Any], *values: Any) -> None:
        """Call the function and keep what it took."""
        wall, processor = time.perf_counter(), time.process_time()
        function(*values)
        taken = time.perf_counter() - wall, time.process_time() - processor
        self.taken[name].append(taken)

    def times(self) -> Iterator[Times]:
        """Of each name, over the second half of its calls."""
        for name, taken in self.taken.items():
            late = taken[len(taken) // 2 :]
            wall, processor = (sorted(1e3 * pair[place] for pair in late) for place in (0, 1))
            middle, last = len(late) // 2, int(0.99 * len(late))
            yield Times(
                name, len(late), wall[middle], wall[last], processor[middle], processor[last]
            )


def asked(live: LiveFeatures, clock: Clock, happened: Happened) -> None:
    """Ask for the features of what is about to be told."""
    row, t = happened.row, happened.t
    if happened.kind == "event":
        clock.call("pattern_features", live.pattern_features, [row])
        clock.call("step_features", live.step_features, [row])
    elif happened.kind == "suggestion" and row["outcome_at"] is None:
        clock.call("suggestion_features", live.suggestions.features, [row])
    elif happened.kind == "execution" and row["finished_at"] is None:
        candidate = [(t, t // 3_600_000_000 % 24)]
        clock.call("start_time_features", live.start_times.features, {**row, "t": t}, candidate)


def measured(home: Path, every: int, *, seldom: bool) -> Measured:
    """Replay the lake of a home; ``seldom``: with fewer searches for garbage."""
    if seldom:
        gc.set_threshold(*_SELDOM)
    settings = Settings(home, None, None, None)
    sql = DbtSql(PLATFORM_PROJECT.sql_by_model())
    begin = time.perf_counter()
    live = LiveFeatures(sql)
    compiled = time.perf_counter() - begin
    tell = {"event": live.event, "suggestion": live.suggestion, "execution": live.execution}
    clock, told, users = Clock(), 0, set()
    before = psutil.Process().memory_info().rss
    begin = time.perf_counter()
    for happened in LakeInTime(sql, settings.lake).happened(iter(())):
        if told % every == 0:
            asked(live, clock, happened)
        clock.call(f"{happened.kind} told", tell[happened.kind], happened.row)
        users.add(happened.row["user_id"])
        told += 1
    seconds = time.perf_counter() - begin
    grown = (psutil.Process().memory_info().rss - before) / 1e6
    size, restart = restarted(live, sql)
    times = tuple(clock.times())
    return Measured(told, seconds, compiled, grown, len(users), size, restart, times)


def restarted(live: LiveFeatures, sql: DbtSql) -> tuple[float, float]:
    """Megabytes of a snapshot of the state, and the seconds in which another process would go on from it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.npz"
        np.savez(path, **live.packed())
        begin = time.perf_counter()
        with np.load(path, allow_pickle=False) as stored:
            LiveFeatures(sql).unpack({name: stored[name] for name in stored.files})
        return path.stat().st_size / 1e6, time.perf_counter() - begin


def main() -> None:
    """Print a line each kind of call."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--every", type=int, default=20)
    parser.add_argument(
        "--seldom", action="store_true", help="search for garbage seldom, as a service would"
    )
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    found = measured(arguments.home, arguments.every, seldom=arguments.seldom)
    if arguments.json:
        print(json.dumps(asdict(found)))
        return
    print(
        f"{found.told:,} told in {found.seconds:.0f} s after {found.compile_seconds:.1f} s of compiling; "
        f"{found.users:,} users, {found.megabytes:,.0f} MB; a snapshot of {found.snapshot_megabytes:,.0f} MB, "
        f"from which another process goes on after {found.restart_seconds:.1f} s"
    )
    print(f"{'':24}{'calls':>9}{'p50 ms':>9}{'p99 ms':>9}{'processor':>11}{'p99':>9}")
    for each in found.times:
        print(
            f"{each.what:24}{each.calls:>9,}{each.p50:>9.3f}{each.p99:>9.3f}"
            f"{each.processor_p50:>11.3f}{each.processor_p99:>9.3f}"
        )


if __name__ == "__main__":
    main()
