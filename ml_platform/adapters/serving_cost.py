"""An artifact timed where it is served: in a fresh process, from its files, in one thread.

One row is asked for by its plain values (`ml_platform.models.one_row`), more of them by a data frame.

Run as a module it is that process: ``python -m ml_platform.adapters.serving_cost FOLDER`` reads artifacts and rows
from the folder and writes one JSON object.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml_platform import values
from ml_platform.adapters.artifact_files import import_kind, load_one_row, write_artifact
from ml_platform.errors import ServiceError
from ml_platform.evaluation.dimensions.cost_sample import (
    BATCHES,
    CallTimes,
    CostMeter,
    CostSample,
    InTurns,
)
from ml_platform.models.one_row import OneRow, RowFields, plain_rows
from ml_platform.models.onnx_model import MODEL_FILE
from ml_platform.spec.artifact import Artifact
from ml_platform.spec.model import Scorer

if TYPE_CHECKING:
    import pandas as pd

CALLS = 500
WARM_UP = 40
DIFFERENT_ROWS = 64
ONE_ROW_SECONDS, BATCH_SECONDS, TURN_SECONDS = 3.0, 0.25, 0.25
LEAST_CALLS = 20
"""The number of calls that are made however long they take: a model of 100 ms a call is still timed."""
_PATIENCE = 5.0
"""How many times as long as the processor time for measuring it may last by the clock on the wall."""
TURN_BATCH = 100
_SERVED, _ROWS = "served", "rows.arrow"
_PROCESSOR_SECONDS, _TIMEOUT = 60, 900.0
"""Processor time for the whole measurement, which load does not change, and the time after which it hangs."""
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ARROW_NUM_THREADS")


def cost_meter(price_per_core_hour: float) -> CostMeter:
    """The meter that the examination of costs uses."""
    from ml_platform.adapters.quantised import quantised

    return CostMeter(measure_in_fresh_process, price_per_core_hour, quantised)


def measure_in_fresh_process(
    artifact: Artifact, variants: Mapping[str, Artifact], rows: "pd.DataFrame"
) -> CostSample:
    """Times and memory of ``artifact`` on ``rows``, and of each variant by turns with it.

    Raises:
        ServiceError: the process took more than a minute of processor time, hung, or failed.
    """
    needed = rows[[name for name in rows.columns if name in artifact.features]]
    with tempfile.TemporaryDirectory(prefix="ml-platform-cost-") as folder_name:
        folder = Path(folder_name)
        hashes = {_SERVED: artifact.sha256}
        write_artifact(artifact, folder / _SERVED)
        for place, (name, variant) in enumerate(variants.items()):
            write_artifact(variant, folder / f"variant-{place}")
            hashes[name] = variant.sha256
        # Arrow keeps lists, categories and missing values what they are.
        needed.to_feather(folder / _ROWS, compression="uncompressed")
        order = {"kind": artifact.kind, "sha256": hashes, "processor_seconds": _PROCESSOR_SECONDS}
        (folder / "order.json").write_text(json.dumps(order))
        environment = {**os.environ, **dict.fromkeys(_ONE_THREAD, "1")}
        command = [sys.executable, "-m", "ml_platform.adapters.serving_cost", folder_name]
        try:
            done = subprocess.run(
                command,
                env={
                    **environment,
                    "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
                },
                capture_output=True,
                text=True,
                timeout=_TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ServiceError(
                f"Measuring the cost of {artifact.sha256[:12]} took more than {_TIMEOUT:.0f} s.",
                remedy="run it again when the machine is less busy",
            ) from error
    if done.returncode == -signal.SIGXCPU:
        raise ServiceError(
            f"Measuring the cost of {artifact.sha256[:12]} took over {_PROCESSOR_SECONDS} s of processor time.",
            remedy="a model that answers 200 rows in a minute cannot be served; make it smaller",
        )
    if done.returncode:
        raise ServiceError(
            f"Measuring the cost of {artifact.sha256[:12]} ended with code {done.returncode}: {done.stderr[-500:]}",
            remedy="load the artifact by hand and read the error",
        )
    return values.from_json(CostSample, done.stdout)


def sample_of_folder(folder: Path) -> CostSample:
    """Measure, in the fresh process, the import, the loading and the calls of the artifact in ``folder``."""
    order = json.loads((folder / "order.json").read_text())
    began = time.perf_counter()
    rows = _imported(folder, order["kind"])
    import_ms = _since(began)
    hashes: dict[str, str] = order["sha256"]
    before = _resident_mb()
    began = time.perf_counter()
    served = load_one_row(folder / _SERVED, hashes.pop(_SERVED))
    load_ms = _since(began)
    sample = sample_of_scorer(served.scorer, rows, kinds=served.fields.kinds)
    resident_mb = max(_resident_mb() - before, 0.0)
    variants = {
        name: load_one_row(folder / f"variant-{place}", sha256).scorer
        for place, (name, sha256) in enumerate(hashes.items())
    }
    return replace(
        sample,
        import_ms=import_ms,
        load_ms=load_ms,
        resident_mb=resident_mb,
        variants={
            name: in_turns(served.scorer, other, rows, kinds=served.fields.kinds)
            for name, other in variants.items()
        },
    )


def sample_of_scorer(
    scorer: Scorer,
    rows: "pd.DataFrame",
    *,
    kinds: Mapping[str, str] | None = None,
    calls: int = CALLS,
    seconds: float = ONE_ROW_SECONDS,
    warm_up: int = WARM_UP,
) -> CostSample:
    """Times of calls of a scorer in this process; what only a fresh one can tell is 0.

    After ``warm_up`` calls of one row at most ``calls`` are timed, for about ``seconds`` of processor time. With
    the ``kinds`` of its features a row is asked for by its plain values, else by a data frame.
    """
    single = _single_calls(scorer, rows.iloc[:DIFFERENT_ROWS], kinds)
    began = time.perf_counter()
    single[0]()
    first_answer_ms = _since(began)
    for place in range(min(warm_up, len(single))):
        single[place]()
    one_row = _timed(single, 1, calls, seconds)
    batches = []
    for size in BATCHES:
        if len(rows) >= size:
            batch = partial(scorer.predict_proba, rows.iloc[:size])
            batches.append(_timed([batch], size, 100, BATCH_SECONDS))
    return CostSample(
        one_row=one_row,
        batches=tuple(batches),
        import_ms=0.0,
        load_ms=0.0,
        first_answer_ms=first_answer_ms,
        resident_mb=0.0,
        model_share=_model_share(scorer, rows.iloc[:50], kinds),
        variants={},
    )


def in_turns(
    served: Scorer,
    variant: Scorer,
    rows: "pd.DataFrame",
    *,
    kinds: Mapping[str, str] | None = None,
) -> tuple[InTurns, ...]:
    """Time both scorers by turns, on one row a call, then on a hundred: the machine slows both down alike.

    ``kinds`` is `sample_of_scorer`'s.
    """
    batch = rows.iloc[:TURN_BATCH]
    both = (served, variant)
    asked: tuple[tuple[int, list[Callable[[], object]]], ...] = (
        (1, [_single_calls(scorer, rows.iloc[:1], kinds)[0] for scorer in both]),
        (len(batch), [partial(scorer.predict_proba, batch) for scorer in both]),
    )
    measured = []
    for size, calls in asked:
        timers = (_Timer(), _Timer())
        for call in calls:
            call()
        until = time.perf_counter() + TURN_SECONDS
        while timers[0].calls < LEAST_CALLS or (
            timers[0].calls < 200 and time.perf_counter() < until
        ):
            for call, timer in zip(calls, timers, strict=True):
                timer.time(call)
        measured.append(InTurns(*(timer.times(size) for timer in timers)))
    return tuple(measured)


def _single_calls(
    scorer: Scorer, rows: "pd.DataFrame", kinds: Mapping[str, str] | None
) -> list[Callable[[], object]]:
    """One call for each of ``rows``."""
    if kinds is None:
        return [partial(scorer.predict_proba, rows.iloc[[place]]) for place in range(len(rows))]
    one_row = OneRow(RowFields(kinds), scorer)
    return [partial(one_row.scores, values) for values in plain_rows(rows, kinds)]


def _timed(
    asked: Sequence[Callable[[], object]], rows: int, calls: int, seconds: float
) -> CallTimes:
    """Time one of the calls ``asked`` after the other, each of which is for so many ``rows``.

    The time for measuring is counted in seconds of the processor, so that load changes no number of calls.
    """
    timer = _Timer()
    until, latest = time.process_time() + seconds, time.perf_counter() + _PATIENCE * seconds
    while timer.calls < 3 or (
        timer.calls < calls and time.process_time() < until and time.perf_counter() < latest
    ):
        timer.time(asked[timer.calls % len(asked)])
    return timer.times(rows)


class _Timer:
    """Calls, timed by two clocks: the one on the wall, and that of this process's processor time."""

    def __init__(self) -> None:
        self._wall: list[float] = []
        self._processor: list[float] = []

    @property
    def calls(self) -> int:
        return len(self._wall)

    def time(self, call: Callable[[], object]) -> None:
        wall, processor = time.perf_counter(), time.process_time()
        call()
        self._processor.append((time.process_time() - processor) * 1e3)
        self._wall.append((time.perf_counter() - wall) * 1e3)

    def times(self, rows: int) -> CallTimes:
        return CallTimes(rows, tuple(self._wall), tuple(self._processor))


class _TimedSession:
    """An ONNX session that adds up the milliseconds of its runs."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self.milliseconds = 0.0

    def run(self, *arguments: Any) -> Any:
        began = time.perf_counter()
        outputs = self.session.run(*arguments)
        self.milliseconds += _since(began)
        return outputs


def _model_share(
    scorer: Any, rows: "pd.DataFrame", kinds: Mapping[str, str] | None
) -> float | None:
    if not hasattr(scorer, "session"):
        return None
    session = _TimedSession(scorer.session)
    calls = _single_calls(replace(scorer, session=session), rows, kinds)
    calls[0]()  # What a scorer looks up is made once.
    session.milliseconds = 0.0
    began = time.perf_counter()
    for call in calls:
        call()
    return min(session.milliseconds / _since(began), 1.0)


def _imported(folder: Path, kind: str) -> "pd.DataFrame":
    """The rows to score, read after everything that scores them has been imported."""
    import_kind(kind)
    if (folder / _SERVED / MODEL_FILE).exists():
        import_module("onnxruntime")
    return read_rows(folder / _ROWS)


def read_rows(path: Path) -> "pd.DataFrame":
    """Rows that pandas has written as Feather; it cannot read the name that it gives lists of words itself."""
    from pyarrow import feather

    from ml_platform.training_sets.canonical import frame

    return frame(feather.read_table(path))


def _resident_mb() -> float:
    import psutil

    return float(psutil.Process().memory_info().rss) / 1e6


def _since(began: float) -> float:
    return (time.perf_counter() - began) * 1e3


def _limit_processor_time(folder: Path) -> None:
    """End this process by SIGXCPU, by which its parent knows why, when the ordered seconds are used up."""
    seconds = json.loads((folder / "order.json").read_text())["processor_seconds"]
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))


if __name__ == "__main__":
    _limit_processor_time(Path(sys.argv[1]))
    sys.stdout.write(values.to_json(sample_of_folder(Path(sys.argv[1]))))
