"""Dagster's launcher of runs, with the health check that its own lacks; named in ``dagster.yaml``."""

from typing import TYPE_CHECKING

from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus

from ml_platform.defs.run_workers import lives, worker_of

if TYPE_CHECKING:
    import dagster as dg


class WatchedRunLauncher(DefaultRunLauncher):  # type: ignore[misc]  # it has no types
    """Dagster's launcher of processes, which says of a run that has started whether its process lives.

    By it the daemon's run monitoring gives up a run whose process was killed, also one of a daemon before it.
    Dagster's own launcher cannot tell, and leaves such a run started until `max_runtime_seconds`.
    """

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Always."""
        return True

    def check_run_worker_health(self, run: "dg.DagsterRun") -> CheckRunHealthResult:
        """FAILED where the process of a run is gone; of one that has not told its process RUNNING."""
        worker = worker_of(self._instance, run)
        if worker is None or lives(*worker):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.FAILED, f"its process {worker[0]} was killed")
