"""Dagster runs whose process was killed: Dagster takes them for running, and its queue waits for them."""

import os
from typing import TYPE_CHECKING

from ml_platform.defs.run_workers import PID_TAG, STARTED_TAG, lives, worker_of

if TYPE_CHECKING:
    import dagster as dg


def process_tags() -> dict[str, str]:
    """Tags by which a run's process can be recognised later: its id, and when it was created."""
    import psutil

    return {PID_TAG: str(os.getpid()), STARTED_TAG: repr(psutil.Process().create_time())}


def close_abandoned(instance: "dg.DagsterInstance") -> tuple[str, ...]:
    """Mark open runs whose process is gone as failed (canceled, if that was asked for); their ids.

    It also closes those that are still starting or being canceled, which the daemon leaves to its time limits. A
    run without a known process yet is left to `start_timeout_seconds`.
    """
    import dagster as dg

    status = dg.DagsterRunStatus
    opened = dg.RunsFilter(statuses=[status.STARTING, status.STARTED, status.CANCELING])
    closed = []
    for listed in instance.get_runs(opened):
        worker = worker_of(instance, listed)
        if worker is None or lives(*worker):
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
