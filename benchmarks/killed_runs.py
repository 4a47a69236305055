"""Kills a run with SIGKILL at random moments, each in a home of its own, and starts it again.

`python -m benchmarks.killed_runs --times 20`: every second run must end with the fingerprints of an
undisturbed one, one champion at most, `verify` clean, nothing half written and no process left.
About a minute a kill.
"""

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from ml_platform_tests.end_to_end.command import AS_OF, ONE
from ml_platform_tests.end_to_end.killing import Moment, kill_and_run_again, outcome


def main() -> int:
    """Kill, run again, compare; exit code 1 if one run ended elsewhere."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--days", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    simulation = (*ONE, "--days", str(options.days), "--users", "120", "--as-of", AS_OF)
    folder = Path(tempfile.mkdtemp(prefix="killed-"))
    folder.chmod(0o755)
    began = time.monotonic()
    expected = outcome(folder / "undisturbed", simulation)
    length = time.monotonic() - began
    drawn = random.Random(options.seed)
    results = []
    for number in range(options.times):
        seconds = round(drawn.uniform(0.5, length * 0.7), 1)
        home = folder / f"killed-{number}"
        hit, after = kill_and_run_again(home, simulation, Moment("", seconds))
        results.append({"seconds": seconds, "hit": hit, "same": after == expected})
        sys.stderr.write(
            f"{number + 1}/{options.times}: killed after {seconds} s, same: {after == expected}\n"
        )
        shutil.rmtree(home, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    same = sum(result["same"] for result in results)
    hits = sum(result["hit"] for result in results)
    if options.json:
        print(json.dumps({"kills": hits, "same": same, "of": len(results), "results": results}))
    else:
        print(
            f"{same} of {len(results)} ended as the undisturbed run ({hits} were killed while running)"
        )
    return 0 if same == len(results) else 1


if __name__ == "__main__":
    sys.exit(main())
