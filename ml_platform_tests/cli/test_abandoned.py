"""A run whose process was killed is closed at once, so that the queue goes on; a living one is not."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import psutil
import pytest

from ml_platform.cli.abandoned import PID_TAG, STARTED_TAG, close_abandoned

WORKER = """
import sys, time
import dagster as dg
from ml_platform.cli.abandoned import process_tags

@dg.op
def wait():
    print("at work", flush=True)
    time.sleep(600)

@dg.job(executor_def=dg.in_process_executor)
def work():
    wait()

with dg.DagsterInstance.from_config(sys.argv[1]) as instance:
    work.execute_in_process(instance=instance, tags=process_tags() if sys.argv[2] == "tags" else {})
"""


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    (tmp_path / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    with dg.DagsterInstance.from_config(str(tmp_path)) as opened:
        yield opened


@pytest.mark.parametrize("known_by", ["tags", "events"])
def test_the_run_of_a_killed_process_is_closed(
    instance: dg.DagsterInstance, tmp_path: Path, known_by: str
) -> None:
    """By its tags, as a command's; by its first event, as a worker of the daemon."""
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(tmp_path), known_by],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "at work\n"
    assert close_abandoned(instance) == (), "it is alive"
    process.kill()
    process.communicate()
    (run,) = instance.get_runs()
    assert run.status is dg.DagsterRunStatus.STARTED, "Dagster has not noticed"
    assert close_abandoned(instance) == (run.run_id,)
    (closed,) = instance.get_runs()
    assert closed.status is dg.DagsterRunStatus.FAILURE
    assert close_abandoned(instance) == ()


@pytest.mark.parametrize(
    ("status", "ends"),
    [
        (dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.FAILURE),
        (dg.DagsterRunStatus.CANCELING, dg.DagsterRunStatus.CANCELED),
    ],
)
def test_a_reused_process_id_is_recognised(
    instance: dg.DagsterInstance, status: dg.DagsterRunStatus, ends: dg.DagsterRunStatus
) -> None:
    created = psutil.Process().create_time()
    for started in (created, created - 60.0):
        tags = {PID_TAG: str(os.getpid()), STARTED_TAG: str(started)}
        instance.add_run(dg.DagsterRun("work", status=status, tags=tags))
    (closed,) = close_abandoned(instance)
    runs = {run.run_id: run for run in instance.get_runs()}
    assert runs.pop(closed).status is ends
    (kept,) = runs.values()
    assert kept.status is status


def test_a_run_that_has_told_no_process_yet_is_left_alone(instance: dg.DagsterInstance) -> None:
    instance.add_run(dg.DagsterRun("work", status=dg.DagsterRunStatus.STARTING))
    assert close_abandoned(instance) == ()
