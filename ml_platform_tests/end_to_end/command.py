"""The command as a person runs it: a process, its standard output, its exit code."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

AS_OF = "2026-09-01T00:00Z"
ONE = ("--models", "pattern_classifier")
"""For what does not depend on the model: the others take minutes."""
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


def call(home: Path, *arguments: str, code: int = 0, seconds: float = 280) -> tuple[str, str]:
    """Standard output and error of the command, whose exit code must be ``code``."""
    process = start(home, *arguments)
    out, err = process.communicate(timeout=seconds)
    assert process.returncode == code, f"exit code {process.returncode}:\n{out}\n{err}"
    return out, err


def told(home: Path, *arguments: str, code: int = 0, seconds: float = 280) -> Any:
    """The JSON that is all of standard output."""
    return json.loads(call(home, *arguments, "--json", code=code, seconds=seconds)[0])


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


def nothing_left(home: Path, seconds: float = 20.0) -> None:
    """No process of the home is left, nor anything half written."""
    until = time.monotonic() + seconds
    while (left := processes_of(home)) and time.monotonic() < until:
        time.sleep(0.2)
    assert not left, f"still there: {left}"
    written = list(home.rglob("*.writing"))
    assert not written, f"half written: {written}"
