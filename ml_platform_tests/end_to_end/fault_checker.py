"""What must hold of a home after any fault: one checker for every injection into a whole home.

(a) The stored events are the acknowledged ones, each once. (b) Every version that answered has its gates and its
hashes. (c) A model has one champion at most, and MLflow shows the same one. (d) Every row of a monitored window is
in the prediction log once. (e) No run is unfinished without a live process. (f) There are no temporary files.

`python -m ml_platform_tests.end_to_end.fault_checker HOME` starts the home's servers, prints what is wrong, a line
each, then what it has looked at, and ends with exit code 1 if anything is.
"""

import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from ml_platform.adapters.services import services
from ml_platform.application.connections import Connections
from ml_platform.application.verify import verify_home
from ml_platform.cli.abandoned import close_abandoned
from ml_platform.cli.instance import dagster_environment
from ml_platform.events.schema import IDENTITY
from ml_platform.files import TEMPORARY_SUFFIX
from ml_platform.settings import Settings
from ml_platform_tests.end_to_end.command import module


def faults_of(home: Path) -> list[str]:
    """What is wrong with a home that no command uses, looked at by a process of its own."""
    looked = module("ml_platform_tests.end_to_end.fault_checker", str(home))
    lines = looked.out.splitlines()
    if looked.code not in (0, 1) or not lines:
        return [f"the checker failed: {looked.err[-500:]}"]
    return lines[:-1]


def main(home: Path) -> int:
    """Print what is wrong, a line each, and at last how much was looked at."""
    settings = Settings(home, None, None, None)
    looked: Counter[str] = Counter()
    with services(settings) as running:
        os.environ.update(dagster_environment(settings, running))
        platform = Connections(settings)
        wrong = [
            *_events(platform, looked),
            *_versions(platform, looked),
            *_champions(platform),
            *_predictions(platform, looked),
            *_runs(settings, looked),
        ]
    left = sorted(str(path.relative_to(home)) for path in home.rglob(f"*{TEMPORARY_SUFFIX}"))
    wrong += [f"(f) a temporary file: {path}" for path in left]
    seen = ", ".join(f"{count:,} {name}" for name, count in looked.items())
    sys.stdout.write("\n".join([*wrong, f"looked at {seen}", ""]))
    return int(bool(wrong))


def _events(platform: Connections, looked: Counter[str]) -> Iterator[str]:
    platform.lake.require_unchanged()
    for table, rows in platform.lake.counts().items():
        keys = list(IDENTITY[table])
        if rows:
            stored = platform.lake.rows(table, columns=tuple(keys)).to_pandas()
            twice = int(stored.duplicated(keys).sum())
            if twice:
                yield f"(a) {twice} rows of {table} are stored more than once"
        looked["rows"] += rows


def _versions(platform: Connections, looked: Counter[str]) -> Iterator[str]:
    for finding in verify_home(platform):
        looked["findings of verify"] += 1
        if not finding.ok:
            yield f"(b) {finding.subject}: {finding.detail}"
    for model in platform.ledger.models():
        version = platform.ledger.production(model).version
        if version is not None and not platform.ledger.version(model, version).decision.gates:
            yield f"(b) {model} {version} answers without gates"


def _champions(platform: Connections) -> Iterator[str]:
    for model in platform.ledger.models():
        version = platform.ledger.production(model).version
        shown = platform.tracking.alias(model, "champion")
        known = None if version is None else platform.ledger.version(model, version).mlflow_version
        if shown != known:
            yield f"(c) MLflow shows {shown} as the champion of {model}, the ledger {known}"


def _predictions(platform: Connections, looked: Counter[str]) -> Iterator[str]:
    for model in platform.ledger.models():
        for report in platform.ledger.monitoring_reports(model):
            logged = platform.ledger.predictions(
                model, report.window_start, report.window_end, report.version
            )
            twice = int(logged["row_id"].duplicated().sum())
            if twice or len(logged) != report.rows:
                yield (
                    f"(d) of {report.rows} rows of {model} until {report.window_end} {len(logged)} are logged, "
                    f"{twice} of them twice"
                )
            looked["predictions"] += len(logged)


def _runs(settings: Settings, looked: Counter[str]) -> Iterator[str]:
    with dg.DagsterInstance.from_config(str(settings.dagster), "command.yaml") as instance:
        looked["runs of Dagster"] = instance.get_runs_count()
        for run in close_abandoned(instance):
            yield f"(e) run {run} was unfinished without a process"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
