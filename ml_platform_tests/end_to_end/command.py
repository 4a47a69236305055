"""The command as a person runs it: a process, its standard output, its exit code."""

import atexit
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psutil
import pytest

from ml_platform.cli.main import main
from ml_platform_tests.end_to_end.warm_process import Ended, Running, WarmProcess

AS_OF = "2026-09-01T00:00Z"
ONE = ("--models", "pattern_classifier")
"""For what does not depend on the model: the others take minutes."""
HERE = ("--processes", "1")
"""Steps in the process of the run: in processes of their own they are the same (`test_side_by_side`)."""
COMMAND = str(Path(sys.executable).with_name("ml-platform"))


def environment() -> dict[str, str]:
    """This process's environment without a home or a database of ours."""
    return {key: value for key, value in os.environ.items() if not key.startswith("ML_PLATFORM_")}


def start(home: Path, *arguments: str) -> "subprocess.Popen[str]":
    """The command, started."""
    return subprocess.Popen(
        [COMMAND, *arguments, "--home", str(home)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )


def call(
    home: Path, *arguments: str, code: int = 0, seconds: float = 280, fresh: bool = False
) -> tuple[str, str]:
    """Standard output and error of the command, whose exit code must be ``code``.

    Its process is forked from one that has imported libraries and platform, unless it must be ``fresh``: where two
    runs must come to the same, one of them is, with an order of sets and draws of its own.
    """
    if fresh:
        process = start(home, *arguments)
        ended = Ended(*process.communicate(timeout=seconds), process.returncode)
    else:
        ended = forked(home, *arguments, seconds=seconds)
    assert ended.code == code, f"exit code {ended.code}:\n{ended.out}\n{ended.err}"
    return ended.out, ended.err


def forked(home: Path, *arguments: str, seconds: float = 280, pythonpath: str = "") -> Ended:
    """The command in a process that has the libraries; ``pythonpath`` goes before where the platform is from.

    Without a ``pythonpath`` it has imported the platform as well.
    """
    environment_of_it = environment()
    paths = [pythonpath, environment_of_it.get("PYTHONPATH", "")]
    environment_of_it["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    command = [COMMAND, *arguments, "--home", str(home)]
    with _forking(command, environment_of_it, seconds, platform=not pythonpath) as running:
        return running.wait()


def module(*command: str, seconds: float = 280) -> Ended:
    """``python -m`` a module in a process that has the libraries."""
    with _forking(["-m", *command], environment(), seconds) as running:
        return running.wait()


@contextmanager
def begun(home: Path, *arguments: str, stdin: str = "", seconds: float = 280) -> Iterator[Running]:
    """The command begun in a process that has the libraries, to be read from, killed or waited for."""
    command = [COMMAND, *arguments, "--home", str(home)]
    with _forking(command, environment(), seconds, stdin) as running:
        yield running


@contextmanager
def _forking(
    command: list[str],
    environment_of_it: dict[str, str],
    seconds: float,
    stdin: str = "",
    *,
    platform: bool = True,
) -> Iterator[Running]:
    with tempfile.TemporaryDirectory(prefix="ml-platform-command-") as folder:
        Path(folder, "in").write_text(stdin)
        running = _warm(platform=platform).begin(command, environment_of_it, Path(folder), seconds)
        try:
            yield running
        finally:
            running.kill()


def in_process(home: Path, *arguments: str) -> Ended:
    """The command in this process, for what does not depend on its being another one: a tenth of a second.

    Arguments, output and exit code are those of a process; what it has imported stays, its environment does not.
    """
    out, err = StringIO(), StringIO()
    with (
        patch.dict(os.environ, environment(), clear=True),
        patch.object(sys, "argv", [COMMAND, *arguments, "--home", str(home)]),
        redirect_stdout(out),
        redirect_stderr(err),
        pytest.raises(SystemExit) as exited,
    ):
        main()
    return Ended(out.getvalue(), err.getvalue(), int(exited.value.code or 0))


def _warm(*, platform: bool) -> WarmProcess:
    if not _started(platform).alive():
        _started.cache_clear()
    return _started(platform)


@cache
def _started(platform: bool) -> WarmProcess:
    process = WarmProcess(environment(), platform=platform)
    atexit.register(process.end)
    return process


def told(
    home: Path, *arguments: str, code: int = 0, seconds: float = 280, fresh: bool = False
) -> Any:
    """The JSON that is all of standard output."""
    return json.loads(call(home, *arguments, "--json", code=code, seconds=seconds, fresh=fresh)[0])


def read_until(process: "subprocess.Popen[str]", step: str) -> list[str]:
    """The lines of progress up to the one that says that ``step`` has started."""
    assert process.stderr is not None
    return lines_until(process.stderr, step)


def lines_until(errors: Iterable[str], step: str) -> list[str]:
    """The same of the lines of standard error."""
    lines = []
    for line in errors:
        lines.append(line.rstrip())
        if step in line and lines[-1].endswith("start"):
            return lines
    raise AssertionError("\n".join(lines))


def processes_of(home: Path) -> list[str]:
    """Command lines of processes that belong to a home: its servers, guards, commands and their steps.

    Not this one, nor the bookkeeper that `multiprocessing` starts once for it and ends with it.
    """
    processes = []
    for process in psutil.process_iter(["pid", "ppid", "cmdline", "cwd", "environ"]):
        words = " ".join(process.info["cmdline"] or [])
        if process.info["ppid"] == os.getpid() and "multiprocessing.resource_tracker" in words:
            continue
        if process.info["pid"] != os.getpid() and (
            str(home) in words
            or (process.info["cwd"] or "").startswith(str(home))
            or (process.info["environ"] or {}).get("ML_PLATFORM_HOME") == str(home)
        ):
            processes.append(words)
    return processes


def nothing_left(home: Path, seconds: float = 120.0) -> None:
    """No process of the home is left, nor anything half written."""
    until = time.monotonic() + seconds
    while (left := processes_of(home)) and time.monotonic() < until:
        time.sleep(0.2)
    assert not left, f"still there: {left}"
    written = list(home.rglob("*.writing"))
    assert not written, f"half written: {written}"
