"""The prediction service beside what a user would pick instead, over HTTP, with the same version and rows.

    python -m benchmarks.serving --home HOME [--model trigger_predictor] [--workers 1] [--seconds 10] [--turns 2]
        [--peers mlflow,bentoml,mlserver] [--peer-python PYTHON]... [--json]

What answers for the model in the home, its champion or else its rules, is served by `ml-platform serve` and, from
a copy of the same artifact as a model of MLflow, by each peer that is installed, each with one worker (ours with
``--workers``). 16 clients in a closed loop send rows of the last days as plain values to one server after the
other, in turns; then ours is sent 1,000 requests a second in an open loop. Start-up is from the start of the
process to its first prediction, PostgreSQL running. Memory is the proportional set size of all Python processes of
a server, ours after it was asked for every model of the home.

Give it a copy of a home: a key is made in it, and every request to ours is in its prediction log. A peer is looked
for in this interpreter and in each ``--peer-python``, an environment with the peer beside what this one has.
"""

import argparse
import json
import math
import os
import shutil
import signal
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.http_load import (
    BUSY_LIMIT,
    ClosedLoop,
    OpenLoop,
    Requests,
    Result,
    run_load,
    without_nan,
)
from benchmarks.serving_peers import PEERS, Rows, Server, our_bodies, ours, peers
from benchmarks.serving_processes import Memory, Started, asked_once, memory_of, started
from benchmarks.stolen_time import core_time
from ml_platform.errors import PlatformError, UsageError
from ml_platform.spec.task import Task

if TYPE_CHECKING:
    from ml_platform.application.connections import Connections

CLIENTS = 16
ROWS, DAYS = 25_000, 7
"""Different rows that are asked for, made of those of so many days: more than the service keeps answers of."""
CACHED = '"cached":true'
"""What an answer of ours holds that was not computed for its request."""
COMPARED = 20
"""Rows whose predictions are compared before anything is measured."""
CAPACITY, P99_MS = 2_000.0, 10.0
"""What is to be reached by ours with one worker: requests a second, and the 99th percentile of the open loop."""


@dataclass(frozen=True)
class Version:
    """What answers for a model: its artifact, and rows that it scores."""

    name: str
    """The number of the version, or ``rules@`` and digits."""
    folder: Path
    task: Task
    rows: Rows


@dataclass(frozen=True)
class Measured:
    """Medians over the turns of one server."""

    name: str
    release: str
    rate: float
    """Answers with 200 a second."""
    p50: float
    p90: float
    p99: float
    p99_9: float
    failed: int
    """Requests of all turns that were not answered with 200."""
    failures: dict[str, int]
    cached: int
    """Answers of all turns that say that they come from a cache."""
    start_seconds: float
    agrees: int
    """Of `COMPARED` rows, those that it predicts as ours does."""
    memory: tuple[Memory, ...]
    generator_busy: float
    """The largest share of a core that the load generator took."""
    does_not: str

    @property
    def megabytes(self) -> float:
        """Of all processes of the server."""
        return sum(process.megabytes for process in self.memory)

    @property
    def pandas(self) -> bool:
        """Whether a process of the server has loaded pandas."""
        return any(process.pandas for process in self.memory)


@dataclass(frozen=True)
class Comparison:
    """Ours beside the peers."""

    model: str
    version: str
    rows: int
    workers: int
    servers: tuple[Measured, ...]
    open_rate: float
    open_loop: Result
    missing: tuple[str, ...]
    """Peers that no interpreter has."""
    cores: int
    load: tuple[float, float]
    """Processes that wanted a core, on average over a minute: before the first run, and after the last one."""
    stolen: float
    """The share of the cores' time that the host took away during the runs; NaN where nothing says it."""


def version_of(platform: "Connections", model: str, most: int) -> Version:
    """What answers for a model now, with up to ``most`` rows of the home's last days."""
    from ml_platform.adapters.artifact_files import load_one_row
    from ml_platform.adapters.plugins import installed_catalogue
    from ml_platform.application.predict import feature_rows, require_answering
    from ml_platform.application.rules_in_use import rules_of
    from ml_platform.models.one_row import plain_rows

    spec = installed_catalogue().spec_named(model)
    name = require_answering(platform, model)
    if name.isdecimal():
        record = platform.ledger.version(model, int(name))
        folder, sha256 = platform.settings.home / record.artifact_path, record.artifact_sha256
    else:
        sha256 = rules_of(platform, model)
        folder = platform.settings.artifacts / sha256
    kinds = load_one_row(folder, sha256).fields.kinds
    end = platform.newest_event_at
    rows = feature_rows(platform, spec, end - timedelta(days=DAYS), end)
    if rows.empty:
        raise UsageError(f"{model} has no row of the last {DAYS} days.", remedy="name another one")
    chosen = rows.iloc[np.unique(np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(int))]
    # Rules may declare features that they do not read and that the model's rows do not have.
    unread = {feature: None for feature in kinds if feature not in chosen.columns}
    features = plain_rows(chosen.assign(**unread), kinds)
    users = [user for user, _ in zip(cycle(chosen["user_id"]), range(most), strict=False)]
    return Version(name, folder, spec.task, Rows(model, different(features, most), users))


def different(rows: Sequence[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """The rows, then again with their numbers a little larger each time, until there are ``count``."""
    made: list[dict[str, Any]] = []
    for number in range(count):
        factor = 1 + (number // len(rows)) * 1e-6
        row = rows[number % len(rows)]
        made.append({k: v * factor if isinstance(v, float) else v for k, v in row.items()})
    return made


def mlflow_model(version: Version, folder: Path) -> Path:
    """A copy of the artifact as a model of MLflow."""
    from ml_platform.adapters.mlflow_model import write_mlflow_model

    shutil.copytree(version.folder, folder)
    write_mlflow_model(folder, "0" * 32, version.task)
    return folder


def compared(options: argparse.Namespace) -> Comparison:
    """Start every server, ask them in turns, and end them."""
    from ml_platform.application.predict import answering
    from ml_platform.cli.options import connected

    names = [name for name in options.peers.split(",") if name]
    if unknown := set(names) - set(PEERS):
        raise UsageError(f"Unknown peers: {', '.join(sorted(unknown))}.", remedy=", ".join(PEERS))
    with temporary_folder() as folder, connected(options.home) as platform, ExitStack() as running:
        version = version_of(platform, options.model, ROWS)
        others = [
            version_of(platform, model, 1).rows
            for model in platform.ledger.models()
            if model != options.model and answering(platform, model)
        ]
        model = mlflow_model(version, folder / "model")
        interpreters = [sys.executable, *options.peer_python]
        found, missing = peers(names, interpreters, model, version.rows)
        servers = [ours(options.home, version.rows, options.workers), *found]
        processes = [running.enter_context(started(server, folder)) for server in servers]
        load, before = os.getloadavg()[0], core_time()
        for rows in others:
            asked_once(replace(servers[0].requests, bodies=our_bodies(rows)), patience=30)
        results = in_turns(processes, options.turns, options.seconds)
        opened = OpenLoop(options.rate, connections=32, seconds=options.seconds)
        open_loop = run_load(going_on(servers[0], results[0]), opened)
        stolen = before.stolen_until(core_time())
        expected = predictions(servers[0])
        measured = [
            summary(process, turns, expected)
            for process, turns in zip(processes, results, strict=True)
        ]
    return Comparison(
        model=options.model,
        version=version.name,
        rows=len(version.rows.features),
        workers=options.workers,
        servers=tuple(measured),
        open_rate=options.rate,
        open_loop=open_loop,
        missing=tuple(missing),
        cores=os.cpu_count() or 1,
        load=(load, os.getloadavg()[0]),
        stolen=stolen,
    )


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder for models, services and logs of servers."""
    with tempfile.TemporaryDirectory(prefix="serving-") as name:
        yield Path(name)


def in_turns(processes: Sequence[Started], turns: int, seconds: float) -> list[list[Result]]:
    """The closed loop against one server after the other, ``turns`` times."""
    results: list[list[Result]] = [[] for _ in processes]
    for _ in range(turns):
        for process, done in zip(processes, results, strict=True):
            loop = ClosedLoop(CLIENTS, seconds=seconds)
            done.append(run_load(going_on(process.server, done), loop))
    return results


def going_on(server: Server, before: Sequence[Result]) -> Requests:
    """The requests of a server from where the runs before have ended, so that no row comes again too early."""
    first = before[-1].next_body if before else 0
    return replace(server.requests, first=first, marker=CACHED)


def predictions(server: Server) -> list[str]:
    """What the server predicts for the first rows."""
    bodies = server.requests.bodies[:COMPARED]
    return [
        server.prediction(asked_once(replace(server.requests, bodies=[body]))) for body in bodies
    ]


def summary(process: Started, turns: Sequence[Result], expected: Sequence[str]) -> Measured:
    """The figures of a server, which still runs."""

    def median(name: str) -> float:
        return float(statistics.median(getattr(result, name) for result in turns))

    failures: dict[str, int] = {}
    for result in turns:
        wrong = {status: count for status, count in result.statuses.items() if status != "200"}
        for name, count in {**wrong, **result.errors}.items():
            failures[name] = failures.get(name, 0) + count
    same = zip(predictions(process.server), expected, strict=True)
    return Measured(
        name=process.server.name,
        release=process.server.release,
        rate=median("rate"),
        p50=median("p50"),
        p90=median("p90"),
        p99=median("p99"),
        p99_9=median("p99_9"),
        failed=sum(failures.values()),
        failures=failures,
        cached=sum(result.marked for result in turns),
        start_seconds=process.start_seconds,
        agrees=sum(one == other for one, other in same),
        memory=memory_of(process.pid),
        generator_busy=max(result.busy for result in turns),
        does_not=process.server.does_not,
    )


def table(comparison: Comparison) -> Iterator[str]:
    """The lines that are printed."""
    mine = comparison.servers[0]
    yield (
        f"{comparison.model} version {comparison.version}, {comparison.rows:,} rows; {CLIENTS} clients in "
        f"a closed loop, ours with {comparison.workers} worker(s), peers with one; a ratio above 1: ours is better"
    )
    line = "{:28}{:>12}{:>9}{:>9}{:>10}{:>8}{:>10}{:>9}{:>8}{:>9}{:>10}{:>10}"
    titles = ("p50 ms", "p99 ms", "p99.9 ms", "failed", "start s", "PSS MB", "pandas", "agrees")
    yield line.format("", "requests/s", *titles, "ratio", "p99 ratio")
    for each in comparison.servers:
        yield line.format(
            f"{each.name} {each.release}",
            f"{each.rate:,.0f}",
            *(f"{figure:.1f}" for figure in (each.p50, each.p99, each.p99_9)),
            each.failed,
            f"{each.start_seconds:.1f}",
            f"{each.megabytes:,.0f}",
            "yes" if each.pandas else "no",
            f"{each.agrees}/{COMPARED}",
            f"{mine.rate / each.rate:.1f}" if each.rate else "-",
            f"{each.p99 / mine.p99:.1f}",
        )
    opened = comparison.open_loop
    yield f"ours: {mine.rate:,.0f}/s (to reach {CAPACITY:,.0f} with one worker)"
    yield (
        f"ours at {comparison.open_rate:,.0f}/s in an open loop: p50 {opened.p50:.2f} ms, p99 {opened.p99:.2f} ms "
        f"(to reach {P99_MS:.0f}), longest {opened.longest:.1f}; {opened.answered:,} of {opened.sent:,} answered, "
        f"{opened.late_sends} sent late"
    )
    for each in comparison.servers:
        sizes = ", ".join(
            f"{process.megabytes:,.0f} {process.name}{' with pandas' if process.pandas else ''}"
            for process in each.memory
        )
        yield f"{each.name}: MB of each process: {sizes}"
        if each.cached:
            yield f"  {each.cached:,} answers came from its cache"
        if each.failures:
            yield f"  not answered with 200: {each.failures}"
        if each.does_not:
            yield f"  {each.does_not}"
        if each.generator_busy > BUSY_LIMIT:
            yield f"  the load generator took {each.generator_busy:.0%} of a core: it may be faster"
    before, after = comparison.load
    yield f"{comparison.cores} cores; load before {before:.1f}, after {after:.1f}, with whatever else runs here"
    if not math.isnan(comparison.stolen):
        yield f"the host took away {comparison.stolen:.1%} of the cores' time during the runs; p99 has that in it"
    for name in comparison.missing:
        yield f"{name}: not installed; name an interpreter that has it with --peer-python"


def as_json(comparison: Comparison) -> dict[str, Any]:
    """One object; ratios are ours to the peer's, above 1 where ours is better."""
    mine = comparison.servers[0]
    return {
        "benchmark": "serving",
        **{name: getattr(comparison, name) for name in ("model", "version", "rows", "workers")},
        "servers": [
            without_nan(
                {
                    **asdict(each),
                    "megabytes": each.megabytes,
                    "rate_ratio": mine.rate / each.rate if each.rate else math.nan,
                    "p99_ratio": each.p99 / mine.p99,
                }
            )
            for each in comparison.servers
        ],
        "open_rate": comparison.open_rate,
        "open_loop": comparison.open_loop.figures(),
        **{name: getattr(comparison, name) for name in ("missing", "cores", "load")},
        **without_nan({"stolen": comparison.stolen}),
    }


def main() -> None:
    """Read the arguments, run, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--home", type=Path, required=True, help="a copy: its log gets every request"
    )
    parser.add_argument("--model", default="trigger_predictor")
    parser.add_argument("--workers", type=int, default=1, help="of ours")
    parser.add_argument("--seconds", type=float, default=10.0, help="of a turn")
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--rate", type=float, default=1_000.0, help="requests/s of the open loop")
    parser.add_argument("--peers", default=",".join(PEERS), help="with commas between them")
    parser.add_argument("--peer-python", action="append", default=[], help="may be repeated")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        comparison = compared(options)
    except PlatformError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    if options.json:
        print(json.dumps(as_json(comparison)))
    else:
        print("\n".join(table(comparison)))


if __name__ == "__main__":
    main()
