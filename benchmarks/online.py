"""How long one row takes, from plain values to the answer, beside MLflow's pyfunc of the same version.

    python -m benchmarks.online [--home HOME] [--calls 1000] [--json]

With ``--home`` the newest version and the rules of every model of that home are asked, on rows of its last days;
without it, a small artifact of every kind. Each version is loaded twice, by the platform and as an MLflow model;
both are asked for the same rows in turns of 100 calls, of which the first ten warm up, in one process and thread:
the platform by a mapping, MLflow by a data frame that was made of it before. Milliseconds by the clock on the wall,
to which a busy machine adds, and beside them the processor's. The scores of all rows are compared with those of a
batch; the exit code is 1 if one differs in a bit.
"""

import argparse
import gc
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ml_platform.adapters.artifact_files import load_one_row, write_artifact
from ml_platform.adapters.mlflow_model import write_mlflow_model
from ml_platform.models.artifact_kinds import artifact_kinds
from ml_platform.models.one_row import plain_rows
from ml_platform.prediction_log.one_row import RowAnswers
from ml_platform.spec.task import SequencePrediction, Task

if TYPE_CHECKING:
    from ml_platform.application.connections import Connections

ROWS = 500
DAYS = 7
BLOCK, UNCOUNTED = 100, 10
"""Calls of a turn, and those at its beginning that are not counted: each way is as warm as where it is alone."""
WARM_UP_TURNS = 2
TABULAR_MS, SEQUENCE_MS = 0.3, 2.0
"""The limits of the 99th percentile."""


@dataclass(frozen=True)
class Version:
    """An artifact in its folder, what it predicts, and rows that it scores."""

    name: str
    folder: Path
    sha256: str
    task: Task
    rows: pd.DataFrame


@dataclass(frozen=True)
class Times:
    """Milliseconds of a call by both ways, and how many rows differ from their scores in a batch."""

    name: str
    kind: str
    features: int
    p50: float
    p99: float
    processor_p99: float
    """Of the time on the processor, which load does not change but for what it takes out of the caches."""
    pyfunc_p50: float
    pyfunc_p99: float
    limit: float
    rows: int
    different: int


def versions_of_home(platform: "Connections") -> Iterator[Version]:
    """The newest version and the rules of every model that has them, with rows of the home's last days."""
    from ml_platform.adapters.plugins import installed_catalogue
    from ml_platform.application.predict import feature_rows
    from ml_platform.application.rules_in_use import rules_of

    end = platform.newest_event_at
    for spec in installed_catalogue().models:
        sha256, versions = rules_of(platform, spec.name), platform.ledger.versions(spec.name)
        if not versions:
            continue
        rows = feature_rows(platform, spec, end - timedelta(days=DAYS), end)
        chosen = np.unique(np.linspace(0, len(rows) - 1, ROWS).astype(int))
        asked = rows.iloc[chosen].reset_index(drop=True)
        home, newest = platform.settings.home, versions[-1]
        yield Version(
            spec.name, home / newest.artifact_path, newest.artifact_sha256, spec.task, asked
        )
        if sha256:
            folder = platform.settings.artifacts / sha256
            yield Version(f"{spec.name}.rules", folder, sha256, spec.task, asked)


def small_versions(folder: Path) -> Iterator[Version]:
    """A small artifact of every kind."""
    from ml_platform_tests.conformance.scorer_examples import example
    from ml_platform_tests.conformance.test_mlflow_models import TASKS

    for kind in artifact_kinds():
        given = example(kind.name)
        write_artifact(given.artifact, folder / kind.name)
        sha256, task = given.artifact.sha256, TASKS[kind.name]
        yield Version(kind.name, folder / kind.name, sha256, task, given.rows)


def measured(version: Version, folder: Path, calls: int) -> Times:
    """Ask both ways by turns, about ``calls`` times each."""
    from mlflow import pyfunc

    one_row = load_one_row(version.folder, version.sha256)
    ours = RowAnswers(one_row, version.task)
    shutil.copytree(version.folder, folder)
    write_mlflow_model(folder, "0" * 32, version.task)
    theirs = pyfunc.load_model(str(folder))
    kinds = one_row.fields.kinds
    # Rules may declare features that they do not read and that the model's rows do not have.
    unread = {name: None for name in kinds if name not in version.rows.columns}
    asked = plain_rows(version.rows.assign(**unread), kinds)
    batch = one_row.scorer.predict_proba(version.rows)
    alone = np.stack([one_row.scores(values) for values in asked])
    frames = [_frame(values, kinds) for values in asked]
    mine: list[tuple[float, float]] = []
    other: list[tuple[float, float]] = []
    gc.collect()
    gc.disable()
    for turn in range(WARM_UP_TURNS + calls // BLOCK):
        block = [(turn * BLOCK + call) % len(asked) for call in range(BLOCK)]
        ours_took = [_took(partial(ours.answer, asked[place])) for place in block]
        theirs_took = [_took(partial(theirs.predict, frames[place])) for place in block]
        if turn >= WARM_UP_TURNS:
            mine += ours_took[UNCOUNTED:]
            other += theirs_took[UNCOUNTED:]
    gc.enable()
    return Times(
        name=version.name,
        kind=type(one_row.scorer).__name__,
        features=len(kinds),
        p50=float(np.quantile(mine, 0.5, axis=0)[0]),
        p99=float(np.quantile(mine, 0.99, axis=0)[0]),
        processor_p99=float(np.quantile(mine, 0.99, axis=0)[1]),
        pyfunc_p50=float(np.quantile(other, 0.5, axis=0)[0]),
        pyfunc_p99=float(np.quantile(other, 0.99, axis=0)[0]),
        limit=SEQUENCE_MS if isinstance(version.task, SequencePrediction) else TABULAR_MS,
        rows=len(asked),
        different=int((batch.view(np.int64) != alone.view(np.int64)).any(axis=1).sum()),
    )


def _took(call: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds by the clock on the wall, and of this thread's time on the processor."""
    wall, processor = time.perf_counter(), time.thread_time()
    call()
    worked = time.thread_time() - processor
    return (time.perf_counter() - wall) * 1e3, worked * 1e3


def _frame(values: dict[str, Any], kinds: Any) -> pd.DataFrame:
    """What a caller of the pyfunc makes of the values: a column of numbers needs NaN where one is missing."""
    nothing = {name: np.nan for name, kind in kinds.items() if kind == "number"}
    return pd.DataFrame(
        [{name: nothing.get(name) if each is None else each for name, each in values.items()}]
    )


def all_measured(home: Path | None, calls: int) -> list[Times]:
    """The times of every version, of the home or of the small ones."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if home is None:
            versions = list(small_versions(folder / "small"))
        else:
            from ml_platform.cli.options import connected

            with connected(home) as platform:
                versions = list(versions_of_home(platform))
        return [
            measured(version, folder / str(place), calls) for place, version in enumerate(versions)
        ]


def main() -> None:
    """Print one line a version, or one JSON object."""
    parser = argparse.ArgumentParser(description="One row, from plain values to the answer.")
    parser.add_argument("--home", type=Path)
    parser.add_argument("--calls", type=int, default=1_000)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    times = all_measured(arguments.home, arguments.calls)
    if arguments.json:
        sys.stdout.write(json.dumps([asdict(each) for each in times], indent=1) + "\n")
    else:
        line = "{:32}{:>9}{:>9}{:>9}{:>15}{:>7}{:>12}{:>12}{:>11}\n"
        clocks = ("p50 ms", "p99 ms", "processor p99", "limit", "pyfunc p50", "pyfunc p99")
        names = ("version", "features", *clocks)
        sys.stdout.write(line.format(*names, "different"))
        for each in times:
            ours = (each.p50, each.p99, each.processor_p99, each.limit)
            shown = [f"{figure:.3g}" for figure in (*ours, each.pyfunc_p50, each.pyfunc_p99)]
            sys.stdout.write(
                line.format(each.name, each.features, *shown, f"{each.different}/{each.rows}")
            )
    sys.exit(any(each.different for each in times))


if __name__ == "__main__":
    main()
