"""The processes of Dagster's runs: which one is a run's, and whether it lives."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import dagster as dg

PID_TAG = "ml_platform/pid"
STARTED_TAG = "ml_platform/pid_started"
_TOLERANCE = 1.0
"""Seconds by which a creation time may differ: the boot time it is counted from moves with the clock."""


def worker_of(instance: Any, run: "dg.DagsterRun") -> tuple[int, float] | None:
    """Process id of a run, and a time (seconds since 1970) at which that process already existed.

    Runs of the command carry both as tags; a worker of the daemon writes its id into its first event.
    """
    import dagster as dg

    if STARTED_TAG in run.tags:
        return int(run.tags[PID_TAG]), float(run.tags[STARTED_TAG])
    worker = None
    for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT):
        event = entry.dagster_event
        pid = event.engine_event_data.metadata.get("pid") if event else None
        if pid is not None:
            worker = int(str(pid.value)), entry.timestamp
    return worker


def lives(pid: int, existed: float) -> bool:
    """Whether ``pid`` is still the process that existed at that time, not a younger one with its number."""
    from ml_platform.adapters.processes import creation_time

    created = creation_time(pid)
    return created is not None and created <= existed + _TOLERANCE
