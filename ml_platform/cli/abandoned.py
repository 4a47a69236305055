"""Runs whose process was killed: Dagster believes that they go on, and its queue waits for them."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import dagster as dg

PID_TAG = "ml_platform/pid"
STARTED_TAG = "ml_platform/pid_started"
_TOLERANCE = 1.0
"""Seconds: the kernel counts from boot, and the boot time moves with clock corrections."""


def process_tags() -> dict[str, str]:
    """What tells later whether the process of a run still lives: its id, and when it was created."""
    import psutil

    return {PID_TAG: str(os.getpid()), STARTED_TAG: repr(psutil.Process().create_time())}


def close_abandoned(instance: "dg.DagsterInstance") -> tuple[str, ...]:
    """Mark the open runs whose process is gone as failed (canceled, if that was asked); their ids.

    Dagster's launcher has no health check for local processes: its own monitoring gives such a run up
    after `max_runtime_seconds`. A run that has told no process yet is left to `start_timeout_seconds`.
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
        told = f"its process {worker[0]} was killed"
        if run.status is status.CANCELING:
            instance.report_run_canceled(run, told)
        else:
            instance.report_run_failed(run, told)
        closed.append(run.run_id)
    return tuple(closed)


def _worker(instance: "dg.DagsterInstance", run: "dg.DagsterRun") -> tuple[int, float] | None:
    """Process id of a run, and a time (seconds since 1970) at which the process existed already.

    Runs of the command carry both as tags; the daemon's workers tell their id in their first event.
    """
    import dagster as dg

    if STARTED_TAG in run.tags:
        return int(run.tags[PID_TAG]), float(run.tags[STARTED_TAG])
    found = None
    for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT):
        event = entry.dagster_event
        told = event.engine_event_data.metadata.get("pid") if event else None
        if told is not None:
            found = int(str(told.value)), entry.timestamp
    return found


def _lives(pid: int, existed: float) -> bool:
    """Whether ``pid`` is the process that existed then, not a younger one with its number."""
    from ml_platform.adapters.processes import creation_time

    created = creation_time(pid)
    return created is not None and created <= existed + _TOLERANCE
