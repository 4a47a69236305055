"""Runs the platform once on a second world that its features do not mirror; everything in it is SIMULATED.

    python -m benchmarks.second_world [--home DIR]      # some ten minutes on four idle cores
    python -m benchmarks.second_world --result FILE     # the table again, from what that run left

The folder holds the files that the platform read, its home, and ``result.json``. The source ``files:`` cannot
know that what it reads is simulated, so that the platform's own pages do not say so.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from benchmarks.second_world.parameters import Parameters
from benchmarks.second_world.platform_run import run_platform
from benchmarks.second_world.table import table
from benchmarks.second_world.world import simulate
from benchmarks.second_world.write import write


def main() -> int:
    """Draw the world, run the platform on it unless a result is given, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--home", type=Path, help="a new folder (default: a temporary one)")
    parser.add_argument("--users", type=int, default=Parameters.users)
    parser.add_argument("--models", help="names of models, with commas between them (default: all)")
    parser.add_argument("--result", type=Path, help="result.json of an earlier run")
    options = parser.parse_args()
    if options.result:
        result = json.loads(options.result.read_text(encoding="utf-8"))
        print(table(simulate(Parameters(users=result["users"])), result))
        return 0
    world = simulate(replace(Parameters(), users=options.users))
    with tempfile.TemporaryDirectory() as temporary:
        place = options.home or Path(temporary)
        written = write(world, place / "files")
        counts = ", ".join(f"{count:,} {name}" for name, count in written.items())
        print(f"SIMULATED, the second world: {counts}", file=sys.stderr)
        result = run_platform(place / "home", place / "files", options.models)
        result["users"] = options.users
        (place / "result.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
        print(table(world, result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
