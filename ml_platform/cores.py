"""The processor cores that a process may use."""

import os


def usable_cores() -> int:
    """The cores that this process may use: those of the machine, or fewer where it was given fewer."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1
