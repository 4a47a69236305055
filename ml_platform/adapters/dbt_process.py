"""dbt as a child that dies with its parent: an orphan would hold the DuckDB file against the next run."""

import ctypes
import json
import os
import signal
import sys

BUILD_OPTION = "--ml-platform-build"
"""The option with what is another for each build, as JSON; the project reads it from the variable of that name.

Its ``folder`` is that in which dbt works."""
_PR_SET_PDEATHSIG = 1


def main() -> None:
    """The command ``ml-platform-dbt``: dbt's own and `BUILD_OPTION`, bound to the life of who started it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if BUILD_OPTION in sys.argv:
        place = sys.argv.index(BUILD_OPTION)
        _, os.environ["ML_PLATFORM_BUILD"] = sys.argv[place : place + 2]
        del sys.argv[place : place + 2]
        os.chdir(json.loads(os.environ["ML_PLATFORM_BUILD"])["folder"])
    from dbt.cli.main import cli

    cli()
