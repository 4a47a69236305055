"""Files of tests that may take longest are handed out first; tests of one file stay together."""

import subprocess
import sys
from itertools import groupby
from pathlib import Path

FOLDER = Path(__file__).parent


def test_what_may_take_longest_starts_first() -> None:
    names = ["test_clock.py", "end_to_end/test_live.py", "end_to_end/test_killed.py"]
    command = [sys.executable, "-m", "pytest", "--collect-only", "-o", "addopts=", "-q"]
    collected = subprocess.run(
        [*command, *(str(FOLDER / name) for name in names)],
        capture_output=True,
        text=True,
        check=True,
    )
    paths = (line.partition("::")[0] for line in collected.stdout.splitlines() if "::" in line)
    order = [Path(path).name for path, _ in groupby(paths)]
    assert order == ["test_killed.py", "test_live.py", "test_clock.py"]
