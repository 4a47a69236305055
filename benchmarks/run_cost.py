"""Seconds and peak memory of `ml-platform run`, all its processes together, servers included.

`python -m benchmarks.run_cost [--source ...] [--map ...] [--seed N] [--parameters second]`: a fresh home
each time; proportional set size (shared pages counted once), sampled four times a second, by the step that had
spoken last.
"""

import argparse
import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import IO

import psutil

from ml_platform_tests.end_to_end.command import COMMAND, environment


def memory(root: psutil.Process, home: Path) -> int:
    """Bytes of the command, of its descendants, and of the home's servers."""
    processes = {process.pid: process for process in (root, *root.children(recursive=True))}
    for process in psutil.process_iter(["cmdline"]):
        if str(home) in " ".join(process.info["cmdline"] or []):
            processes[process.pid] = process
            processes.update({child.pid: child for child in process.children(recursive=True)})
    total = 0
    for process in processes.values():
        try:
            total += process.memory_full_info().pss
        except psutil.Error:
            continue
    return total


def _show(stream: IO[str], lines: list[str]) -> None:
    """Pass progress on to the terminal, and keep it."""
    for line in stream:
        sys.stderr.write(line)
        lines.append(line)


def _step(line: str) -> str:
    """The step that a line of progress is of: what stands after the seconds."""
    words = line.split()
    return words[2] if words[1:2] == ["s"] and len(words) > 2 else ""


def main() -> None:
    """Run once, watch, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    options, arguments = parser.parse_known_args()
    folder = Path(tempfile.mkdtemp(prefix="run-cost-"))
    folder.chmod(0o755)
    home = folder / "home"
    began = time.monotonic()
    with (folder / "out").open("w") as out:
        process = subprocess.Popen(
            [COMMAND, "run", "--home", str(home), "--json", *arguments],
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        lines = [""]
        threading.Thread(target=_show, args=(process.stderr, lines), daemon=True).start()
        root = psutil.Process(process.pid)
        peaks: dict[str, int] = {}
        while process.poll() is None:
            with contextlib.suppress(psutil.Error):
                step = _step(lines[-1])
                peaks[step] = max(memory(root, home), peaks.get(step, 0))
            time.sleep(0.25)
    seconds = time.monotonic() - began
    summary = json.loads((folder / "out").read_text())
    model = summary["models"]["pattern_classifier"]
    shutil.rmtree(folder, ignore_errors=True)
    result = {
        "seconds": round(seconds, 1),
        "peak_gb": round(max(peaks.values()) / 1e9, 2),
        "peak_gb_by_step": {step: round(peak / 1e9, 2) for step, peak in peaks.items()},
        "verdict": model["verdict"],
        "accuracy": model["metrics"].get("accuracy"),
        "ceiling": (model["ceiling"] or {}).get("accuracy"),
        "baseline": model["baseline"].get("accuracy"),
        "macro_f1": model["metrics"].get("macro_f1"),
        "change_set_accuracy": model["metrics"].get("change_set_accuracy"),
        "change_set_macro_f1": model["metrics"].get("change_set_macro_f1"),
        "monitoring": summary["monitoring"]["pattern_classifier"],
    }
    print(
        json.dumps(result) if options.json else "\n".join(f"{k:<14} {v}" for k, v in result.items())
    )
    sys.exit(process.returncode)


if __name__ == "__main__":
    main()
