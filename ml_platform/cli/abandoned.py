"""Dagster runs whose process was killed: Dagster takes them for running, and its queue waits for them."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import dagster as dg

PID_TAG = "ml_platform/pid"
STARTED_TAG = "ml_platform/pid_started"
_TOLERANCE = 1.0
"""Seconds by which a creation time may differ: the boot time it is counted from moves with the clock."""


def process_tags() -> dict[str, str]:
    """Tags by which a run's process can be recognised later: its id, and when it was created."""
    import psutil

    return {PID_TAG: str(os.getpid()), STARTED_TAG: repr(psutil.Process().create_time())}


def close_abandoned(instance: "dg.DagsterInstance") -> tuple[str, ...]:
    """Mark open runs whose process is gone as failed (canceled, if that was asked for); their ids.

    Dagster's launcher has no health check for local processes: its own monitoring gives up such a run only
    after `max_runtime_seconds`. A run without a known process yet is left to `start_timeout_seconds`.
    """
    import dagster as dg

    status = dg.DagsterRunStatus
    opened = dg.RunsFilter(statuses=[status.STARTING, status.STARTED, status.CANCELING])
    closed = []
    for listed in instance.get_runs(opened):
        worker = _worker(instance, listed)
        if worker is None or _lives(*worker):
            continue
        # Read again: it may have ended in good order since it was listed, and it writes no more now.
        run = instance.get_run_by_id(listed.run_id)
        if run is None or run.is_finished:
            continue
        reason = f"its process {worker[0]} was killed"
        if run.status is status.CANCELING:
            instance.report_run_canceled(run, reason)
        else:
            instance.report_run_failed(run, reason)
        closed.append(run.run_id)
    return tuple(closed)


def _worker(instance: "dg.DagsterInstance", run: "dg.DagsterRun") -> tuple[int, float] | None:
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


def _lives(pid: int, existed: float) -> bool:
    """Whether ``pid`` is still the process that existed at that time, not a younger one with its number."""
    from ml_platform.adapters.processes import creation_time

    created = creation_time(pid)
    return created is not None and created <= existed + _TOLERANCE
