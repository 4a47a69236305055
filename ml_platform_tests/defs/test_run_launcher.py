"""Dagster's own daemon, with our settings alone, gives up a run whose process was killed."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import dagster as dg

from ml_platform import resources
from ml_platform_tests.cli.test_abandoned import WORKER
from ml_platform_tests.end_to_end.command import environment

DAEMON = Path(sys.executable).with_name("dagster-daemon")


def test_the_run_of_a_killed_process_has_failed_soon(tmp_path: Path) -> None:
    """Nobody else looks after it: no `up`, and no code server that has started it."""
    settings = resources.DAGSTER_SETTINGS.read_text()
    before, _, after = settings.partition("storage:")
    # Its storage is a file here; all else is as a home has it.
    (tmp_path / "dagster.yaml").write_text(before + after.partition("\n\n")[2])
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(tmp_path), "events"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert worker.stdout is not None
    assert worker.stdout.readline() == "at work\n"
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        (run,) = instance.get_runs()
        assert run.status is dg.DagsterRunStatus.STARTED
        daemon = subprocess.Popen(
            [DAEMON, "run", "--empty-workspace"],
            env={**environment(), "DAGSTER_HOME": str(tmp_path)},
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            worker.kill()
            worker.communicate()
            until = time.monotonic() + 120
            while not (found := instance.get_run_by_id(run.run_id)).is_finished:
                assert time.monotonic() < until, found.status
                time.sleep(0.3)
            assert found.status is dg.DagsterRunStatus.FAILURE
            (told,) = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
            assert "was killed" in told.message
        finally:
            daemon.send_signal(signal.SIGINT)
            daemon.wait(60)
