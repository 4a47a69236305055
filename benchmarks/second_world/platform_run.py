"""The platform's own command, run once on the files, and what it said kept in one JSON file."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

COMMAND = str(Path(sys.executable).with_name("ml-platform"))


def run_platform(home: Path, folder: Path, models: str | None) -> dict[str, Any]:
    """Run ``ml-platform run --source files:FOLDER``; returns its summary, and when each model's test rows begin.

    A model whose step failed is missing from the summary; standard error says why.

    Raises:
        CalledProcessError: the command failed before it had a summary.
    """
    began = time.perf_counter()
    chosen = ("--models", models) if models else ()
    summary = _command("run", "--home", str(home), "--source", f"files:{folder}", *chosen)
    seconds = time.perf_counter() - began
    test_from = {}
    for model, told in summary["models"].items():
        if told["version"] is not None:
            report = _command("report", model, "--home", str(home))
            test_from[model] = report["split"]["test_from"]
    return {"summary": summary, "test_from": test_from, "seconds": seconds}


def _command(*words: str) -> dict[str, Any]:
    done = subprocess.run([COMMAND, *words, "--json"], check=False, stdout=subprocess.PIPE)
    if not done.stdout:
        done.check_returncode()
    told: dict[str, Any] = json.loads(done.stdout)
    return told
