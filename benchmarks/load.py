"""Runs one home twice, the second time beside busy processes: load must change no verdict and no gate.

`python -m benchmarks.load [--days 63] [--users 30] [--busy 4] [--models NAMES]`: a fresh home of the
simulation at a fixed clock is run, then run again beside processes that do nothing but count. Printed:
verdict and row of both runs by model, the 95th percentile of a prediction in time of the processor (what
the gate `latency` judges) and by the clock on the wall, every gate whose outcome differs, and every metric
of a candidate that differs. The exit code is 1 if a verdict, its row or the outcome of a gate differs.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml_platform.application.stopped_candidate import STEP
from ml_platform.cli.options import connected
from ml_platform.evaluation.dimensions.cost.dimension import LATENCY_MEASURE
from ml_platform_tests.end_to_end.command import AS_OF, told

WALL_MEASURE = "one_row_p95_ms"
_COUNT = "while True: pass"


@dataclass(frozen=True)
class Judged:
    """What one run said, and how busy the machine was."""

    models: dict[str, Any]
    """The summary of each model, as `ml-platform run --json` prints it."""
    latency: dict[str, tuple[float, float]]
    """Milliseconds of the 95th percentile by model: of the processor, and by the clock on the wall."""
    seconds: float
    load: float
    """Processes that wanted a core at the end of the run, on average over five minutes."""


def main() -> int:
    """Run twice, compare, print; exit code 1 if load has changed a verdict or a gate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=63)
    parser.add_argument("--users", type=int, default=30)
    parser.add_argument("--busy", type=int, default=4, help="Busy processes beside the second run.")
    parser.add_argument("--models", help="Names, with commas between them (default: every one).")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="load-"))
    folder.chmod(0o755)
    simulation = ["--days", str(options.days), "--users", str(options.users), "--as-of", AS_OF]
    models = ["--models", options.models] if options.models else []
    try:
        quiet = judged(folder / "home", *simulation, *models)
        with busy_processes(options.busy):
            busy = judged(folder / "home", *models)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("\n".join(table(quiet, busy)))
    different = differences(quiet, busy)
    print("\n" + "\n".join(different or ["no verdict, row or gate differs"]))
    moved = moved_metrics(quiet, busy)
    print("\n".join(moved) if moved else "no metric differs but those that count time and memory")
    return 1 if different else 0


@contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """So many processes that take a core each, for as long as the context lasts."""
    processes = [subprocess.Popen([sys.executable, "-c", _COUNT]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def judged(home: Path, *arguments: str) -> Judged:
    """Run the home, and read from its reports what a prediction takes."""
    began = time.monotonic()
    models = told(home, "run", *arguments, seconds=7_200)["models"]
    seconds, load = time.monotonic() - began, os.getloadavg()[1]
    return Judged(models, _latency(home, models), seconds, load)


def _latency(home: Path, models: dict[str, Any]) -> dict[str, tuple[float, float]]:
    from ml_platform.application.records import read_record
    from ml_platform.gates.record import EvaluationRecord

    milliseconds = {}
    with connected(home) as platform:
        for model in (name for name, summary in models.items() if summary["gates"]):
            evaluation = read_record(platform.settings, (model, STEP), EvaluationRecord)
            report = platform.ledger.report(evaluation.report_id)
            assert report is not None, "a report is saved before the record of its evaluation"
            measures = next(each for each in report.dimensions if each.name == "cost").measures
            milliseconds[model] = (measures[LATENCY_MEASURE].value, measures[WALL_MEASURE].value)
    return milliseconds


def differences(quiet: Judged, busy: Judged) -> list[str]:
    """A line for each verdict, row or outcome of a gate that is not the same in both runs."""
    lines = []
    for name, before in quiet.models.items():
        after = busy.models[name]
        for field in ("verdict", "decided_by"):
            if before[field] != after[field]:
                lines.append(f"{name}: {field} was {before[field]}, beside load {after[field]}")
        outcomes = {gate["name"]: gate["words"] for gate in after["gates"]}
        for gate in before["gates"]:
            if gate["words"] != outcomes.get(gate["name"]):
                was, became = gate["words"], outcomes.get(gate["name"])
                lines.append(f"{name}: gate {gate['name']} was {was}, beside load {became}")
    return lines


def moved_metrics(quiet: Judged, busy: Judged) -> list[str]:
    """A line for each metric of a candidate that is not the same to the bit; times and memory may be others."""
    return [
        f"{name}: {metric} was {figure}, beside load {busy.models[name]['metrics'].get(metric)}"
        for name, before in quiet.models.items()
        for metric, figure in before["metrics"].items()
        if figure != busy.models[name]["metrics"].get(metric) and not metric.startswith("cost.")
    ]


def table(quiet: Judged, busy: Judged) -> Iterator[str]:
    """A table in Markdown: both runs by model, times in milliseconds; under it what else the machine did."""
    titles = ("model", *(f"{title} | beside load" for title in ("verdict", "processor", "wall")))
    yield f"| {' | '.join(titles)} |"
    yield "|---|---|---|---|---|---|---|"
    for name, before in quiet.models.items():
        after = busy.models[name]
        verdicts = [f"{each['verdict']}: {each['decided_by']}" for each in (before, after)]
        both = (quiet.latency.get(name), busy.latency.get(name))
        cells = [
            format(times[place], ".2f") if times else "-" for place in (0, 1) for times in both
        ]
        yield f"| {' | '.join((name, *verdicts, *cells))} |"
    cores = os.cpu_count()
    yield (
        f"\n{quiet.seconds:.0f} s and {busy.seconds:.0f} s on {cores} cores; load at the end, "
        f"other work on the machine included, {quiet.load:.1f} and {busy.load:.1f}"
    )


if __name__ == "__main__":
    sys.exit(main())
