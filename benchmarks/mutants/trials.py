"""Runs of tests in child processes: with calls recorded, or with one module replaced by a mutant.

A child is a fork of a parent that has imported the libraries and none of our own code, so that it starts in a
tenth of a second; it imports the platform anew, the mutant in place of its module, and stops at the first test
that fails.
"""

import ast
import importlib
import importlib.abc
import importlib.machinery
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType, ModuleType

LIBRARIES = (
    "duckdb", "hypothesis", "numpy", "onnx", "onnxruntime", "pandas", "polars", "psycopg2", "pyarrow.compute",
    "pyarrow.parquet", "pytest", "scipy.optimize", "scipy.stats", "sklearn.ensemble", "sklearn.isotonic",
    "sklearn.linear_model", "sklearn.metrics", "sqlalchemy", "alembic.command",
)  # fmt: skip
_GRACE_S = 20.0
"""What a trial may take beyond thrice the time of its tests, before it counts as one that never ends."""


@dataclass(frozen=True)
class Calls:
    """What the tests of one file call, and how long they take."""

    tests: Path
    seconds: float
    functions: frozenset[tuple[str, int]]
    """Module (a path from the root) and first line of every function called; line 0: the module itself."""


def import_libraries() -> None:
    """Import what children would import one by one; a library that is not installed is left to the tests.

    BLAS is told to use one thread before its first import: threads do not survive a fork.
    """
    for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(threads, "1")
    for name in LIBRARIES:
        try:
            importlib.import_module(name)
        except ImportError:
            continue


class _Mutated(importlib.abc.MetaPathFinder, importlib.abc.SourceLoader):
    """Finds the module of one file, and gives another source for it."""

    def __init__(self, name: str, path: Path, source: bytes) -> None:
        self._name, self._path, self._source = name, path, source

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self._name:
            return None
        return importlib.machinery.ModuleSpec(name, self, origin=str(self._path))

    def get_filename(self, fullname: str) -> str:
        return str(self._path)

    def get_data(self, path: str) -> bytes:
        return self._source

    def get_code(self, fullname: str) -> CodeType:
        return compile(ast.parse(self._source), str(self._path), "exec")


def call_record(
    root: Path, tests: Path, modules: Sequence[Path], without: Sequence[str]
) -> Callable[[Path], int]:
    """A task that runs one file of tests, and writes what it calls of ``modules`` to the file it is given.

    Tests whose names begin as one of ``without`` are left out.
    """
    watched = {str(root / module): str(module) for module in modules}

    def task(answer: Path) -> int:
        called: set[tuple[str, int]] = set()

        def trace(frame: FrameType, event: str, argument: object) -> None:
            code = frame.f_code
            if code.co_filename in watched:
                line = 0 if code.co_name == "<module>" else code.co_firstlineno
                called.add((watched[code.co_filename], line))

        import threading

        start = time.perf_counter()
        threading.settrace(trace)
        sys.settrace(trace)
        code = _pytest(root, [tests], without)
        sys.settrace(None)
        seconds = time.perf_counter() - start
        answer.write_text(json.dumps({"seconds": seconds, "functions": sorted(called)}))
        return code

    return task


def mutant_trial(
    root: Path, module: Path, source: bytes, tests: Sequence[Path], without: Sequence[str]
) -> Callable[[Path], int]:
    """A task that runs ``tests``, but for those ``without``, with ``source`` in place of ``module``."""

    def task(answer: Path) -> int:
        name = ".".join(module.with_suffix("").parts)
        sys.meta_path.insert(0, _Mutated(name, root / module, source))
        return _pytest(root, tests, without)

    return task


def _pytest(root: Path, tests: Sequence[Path], without: Sequence[str]) -> int:
    import hypothesis
    import pytest

    # The same examples for every mutant, and no complaint of a machine that is busy with others.
    calm = hypothesis.settings(
        derandomize=True, deadline=None, suppress_health_check=list(hypothesis.HealthCheck)
    )
    hypothesis.settings.register_profile("mutants", calm)
    hypothesis.settings.load_profile("mutants")
    options = ["-x", "-q", "-p", "no:cacheprovider", "-o", "addopts=", "--no-header"]
    options += ["-W", "ignore::pytest.PytestConfigWarning", "--rootdir", str(root)]
    for name in without:
        options += ["--deselect", f"ml_platform_tests/{name}"]
    return int(pytest.main([*options, *(str(root / path) for path in tests)]))


@dataclass
class _Child:
    pid: int
    number: int
    folder: Path
    deadline: float


def run_all(
    tasks: Sequence[tuple[Callable[[Path], int], float]],
    jobs: int,
    done: Callable[[int, int | None, Path], None],
) -> None:
    """Run every task in a child of its own, ``jobs`` at a time.

    Args:
        tasks: What each child does, and how many seconds its tests take by themselves.
        jobs: How many children run at a time.
        done: Called after each with its number, its exit code (``None``: killed at its deadline or by a signal)
            and the file that it may have written.
    """
    waiting = list(enumerate(tasks))[::-1]
    running: dict[int, _Child] = {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                number, (task, seconds) = waiting.pop()
                child = _start(task, number, 3 * seconds + _GRACE_S)
                running[child.pid] = child
            for child in list(running.values()):
                pid, status = os.waitpid(child.pid, os.WNOHANG)
                late = time.monotonic() > child.deadline
                if not pid and not late:
                    continue
                _kill(child.pid)
                if not pid:
                    os.waitpid(child.pid, 0)
                code = os.WEXITSTATUS(status) if pid and os.WIFEXITED(status) else None
                del running[child.pid]
                done(child.number, code, child.folder / "answer.json")
                shutil.rmtree(child.folder, ignore_errors=True)
            time.sleep(0.01)
    finally:
        for child in running.values():
            _kill(child.pid)
            os.waitpid(child.pid, 0)
            shutil.rmtree(child.folder, ignore_errors=True)


def _start(task: Callable[[Path], int], number: int, limit_s: float) -> _Child:
    folder = Path(tempfile.mkdtemp(prefix="ml-platform-mutants-"))
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return _Child(pid, number, folder, time.monotonic() + limit_s)
    code = 70
    try:
        os.setsid()
        silence = os.open(folder / "output.txt", os.O_WRONLY | os.O_CREAT)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        tempfile.tempdir = os.environ["TMPDIR"] = str(folder)
        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = str(folder / "hypothesis")
        code = task(folder / "answer.json")
    finally:
        os._exit(code)


def _kill(group: int) -> None:
    """End a child and whatever it has started."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return
