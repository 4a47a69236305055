"""dbt as a child that dies with its parent: an orphan would hold the DuckDB file against the next run."""

import ctypes
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """The command ``ml-platform-dbt``: dbt's own command line, bound to the life of who started it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    from dbt.cli.main import cli

    cli()
