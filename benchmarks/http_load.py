"""A load generator for HTTP that costs little itself: closed or open loop, in a process of its own.

    requests = Requests("http://127.0.0.1:8000/api/ml/predict", bodies, {"Authorization": f"Bearer {key}"})
    capacity = run_load(requests, ClosedLoop(clients=16, seconds=5))
    latency = run_load(requests, OpenLoop(rate=1_000, connections=32, seconds=5))

While something is done to the server, `start_load` is a context, and its `Load.result` waits for the end:

    with start_load(requests, OpenLoop(rate=200, seconds=10)) as load:
        load.wait_until_counting()
        kill_a_worker()
        events = load.result().events

A closed loop sends when the answer came, so a server that stalls is asked less, and its stall is one slow request
a client. An open loop sends at fixed times whatever comes back, and counts each latency from the time at which the
request was meant to be sent, so that every request that a stall kept waiting is as slow as its sender saw it.

Nothing is sent a second time: a request whose connection is reset is an error. A connection that the server closes
between two requests is opened again without a word, within the latency of the next one.
"""

import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
BUSY_LIMIT = 0.85
"""Share of one core from which on the generator measures itself as much as the server."""
COUNTING = "counting"
"""The line that the process prints when its warm-up is over."""
_START_AND_END = 30.0
"""Seconds that the process may take beside its run: its imports, and its result as text."""


@dataclass(frozen=True)
class Requests:
    """What is sent: POST requests to one address, with each body in turn."""

    address: str
    """Such as ``http://127.0.0.1:8000/api/ml/predict``."""
    bodies: Sequence[str]
    """JSON texts; more of them than the server may keep answers of."""
    headers: Mapping[str, str] = field(default_factory=dict)
    first: int = 0
    """The number of the body to begin with: `Result.next_body` of the run before goes on where that one ended."""
    marker: str = ""
    """A text whose presence in answers with 200 is counted, such as ``"cached":true``."""


@dataclass(frozen=True)
class ClosedLoop:
    """Clients that each send the next request when the answer to the last one came."""

    clients: int = 16
    seconds: float = 5.0
    warm_up: float = 1.0
    """Seconds before, whose requests are not counted."""
    timeout: float = 10.0
    """Seconds after which a request is given up, counted as an error."""


@dataclass(frozen=True)
class OpenLoop:
    """Requests at times that do not depend on the answers, by whichever connection is free."""

    rate: float
    """Requests a second."""
    connections: int = 32
    seconds: float = 5.0
    warm_up: float = 1.0
    timeout: float = 10.0
    poisson: bool = False
    """Whether the times are a Poisson process of this rate; else they are equally far apart."""
    seed: int = 0
    """Of the Poisson process."""


@dataclass(frozen=True)
class Event:
    """A request that was not answered with 200."""

    at: float
    """Unix seconds at which the generator knew."""
    seconds: float
    """The same, since counting began; negative in the warm-up."""
    what: str
    """The status, such as ``503``, or the name of the error, such as ``ConnectionResetError``."""
    latency_ms: float
    text: str
    """The beginning of the body."""


@dataclass(frozen=True)
class Result:
    """Figures of the counted seconds. Milliseconds are of requests that were answered with 200, by nearest rank."""

    seconds: float
    sent: int
    answered: int
    """With 200."""
    rate: float
    """Answers with 200 within the counted seconds, a second."""
    p50: float
    """NaN, as are the others, if nothing was answered with 200."""
    p90: float
    p99: float
    p99_9: float
    longest: float
    statuses: dict[str, int]
    marked: int
    """Answers with 200 that hold the marker."""
    errors: dict[str, int]
    """Requests without an answer, by the name of the error; ``TimeoutError`` after the timeout, ``never sent`` if
    no connection was free until the end."""
    late_sends: int
    """Of an open loop: requests sent more than a millisecond after their time, mostly since every connection waited
    for an answer."""
    late_wakes: int
    """Those of them that were late when the generator woke to send them, as on a machine that is too busy."""
    connects: int
    """Connections opened, those of the warm-up included."""
    next_body: int
    """The number of the body that would have been sent next."""
    processor_seconds: float
    """Of the generator itself."""
    busy: float
    """Share of one core that the generator took."""
    measures_itself: bool
    """Whether that is more than `BUSY_LIMIT`: the server may be faster than these figures."""
    began_at: float
    """Unix seconds at which counting began."""
    events: tuple[Event, ...]
    """The first 100,000, those of the warm-up included."""
    latencies_ms: tuple[float, ...] = field(repr=False)
    """Of every answer with 200, shortest first."""

    def slower_than(self, milliseconds: float) -> int:
        """How many requests were answered with 200 after more than ``milliseconds``."""
        return sum(latency > milliseconds for latency in self.latencies_ms)

    def figures(self) -> dict[str, Any]:
        """All but the events and the single latencies, for JSON; ``None`` where there is no figure."""
        shown = asdict(replace(self, events=(), latencies_ms=()))
        del shown["events"], shown["latencies_ms"]
        return without_nan(shown)


class Load:
    """A generator that runs; as a context it ends with it."""

    def __init__(self, requests: Requests, loop: ClosedLoop | OpenLoop) -> None:
        """Start the process; what is sent goes to it by its standard input, since it may hold a key."""
        self._limit = loop.warm_up + loop.seconds + loop.timeout + _START_AND_END
        order = {
            "requests": asdict(replace(requests, headers=dict(requests.headers))),
            "kind": type(loop).__name__,
            "loop": asdict(loop),
        }
        paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        with tempfile.TemporaryFile() as given:
            given.write(json.dumps(order).encode())
            given.seek(0)
            self._process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.http_clients"],
                stdin=given,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                env={**os.environ, "PYTHONPATH": paths},
            )

    def wait_until_counting(self) -> None:
        """Return when the warm-up is over.

        Raises:
            RuntimeError: the process has ended before.
        """
        assert self._process.stdout is not None
        if self._process.stdout.readline().decode().strip() != COUNTING:
            self.result()

    def result(self) -> Result:
        """Wait for the end, and read what was measured.

        Raises:
            RuntimeError: the process has failed, with the end of what it said.
            subprocess.TimeoutExpired: it has not ended in the time that its loop may take.
        """
        out, err = self._process.communicate(timeout=self._limit)
        if self._process.returncode:
            raise RuntimeError(f"the load generator failed: {err.decode().strip()[-500:]}")
        measured = json.loads(out.decode().removeprefix(f"{COUNTING}\n"))
        return summarised(**measured)

    def __enter__(self) -> "Load":
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()


def start_load(requests: Requests, loop: ClosedLoop | OpenLoop) -> Load:
    """Send the requests in another process, while this one goes on."""
    return Load(requests, loop)


def run_load(requests: Requests, loop: ClosedLoop | OpenLoop) -> Result:
    """Send the requests from another process, and wait for the result."""
    with start_load(requests, loop) as load:
        return load.result()


def summarised(
    *, latencies: list[float], events: list[list[Any]], processor_seconds: float, **counted: Any
) -> Result:
    """The result that follows from what the process has counted."""
    latencies.sort()
    busy = processor_seconds / counted["seconds"]
    return Result(
        answered=len(latencies),
        p50=nearest_rank(latencies, 0.5),
        p90=nearest_rank(latencies, 0.9),
        p99=nearest_rank(latencies, 0.99),
        p99_9=nearest_rank(latencies, 0.999),
        longest=nearest_rank(latencies, 1.0),
        processor_seconds=processor_seconds,
        busy=busy,
        measures_itself=busy > BUSY_LIMIT,
        events=tuple(Event(*event) for event in events),
        latencies_ms=tuple(latencies),
        **counted,
    )


def nearest_rank(ordered: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` of the values do not exceed; NaN without values."""
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(share * len(ordered) - 1e-9) - 1)]


def without_nan(figures: Mapping[str, Any]) -> dict[str, Any]:
    """The figures with ``None``, which JSON has, in place of NaN."""
    return {
        name: None if isinstance(figure, float) and math.isnan(figure) else figure
        for name, figure in figures.items()
    }
