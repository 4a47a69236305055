"""A version in shadow answers in a process of its own: unseen, logged, and no burden whatever it does."""

import asyncio
import multiprocessing
import os
import signal
import time
from contextlib import contextmanager

import psutil
import pytest

from ml_platform.adapters.serving.shadow_queue import SOCKET_NAME
from ml_platform.api.options import WorkerOptions
from ml_platform.api.shadow import run_shadow
from ml_platform.models.artifact_kinds import register_artifact_kind
from ml_platform.serving.table import ServedRollout
from ml_platform_tests.api.services import MODEL, served, slow_artifact
from ml_platform_tests.api.slow_scorer import SLOW


def shadow_process(options: WorkerOptions) -> None:
    """The process, which knows the kind of the tests."""
    register_artifact_kind(SLOW)
    run_shadow(options)


@contextmanager
def shadowing(home):
    """The process in shadow, for as long as the block runs."""
    me = psutil.Process()
    options = home.options(supervisor=(me.pid, me.create_time()))
    process = multiprocessing.get_context("spawn").Process(target=shadow_process, args=(options,))
    process.start()
    try:
        until = time.monotonic() + 30
        while not (options.folder / SOCKET_NAME).exists():
            assert process.is_alive()
            assert time.monotonic() < until, "the shadow does not listen"
            time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        process.join(10)
        process.kill()


def asked(home, times, meanwhile=lambda: None):
    """The seconds of each answer, and what became of the rows for the shadow."""
    key = home.key()

    async def run():
        async with served(home) as service:
            took = []
            for number in range(times):
                began = time.monotonic()
                features = {"tool": "editor", "operation": f"save {number}"}
                answer = (await service.ask(key, {"model": MODEL, "features": features})).json()
                took.append(time.monotonic() - began)
                assert (answer["version"], answer["arm"]) == ("1", "champion")
                if number == 0:
                    meanwhile()
            await asyncio.sleep(0.2)
            return took, service.worker.shadow.counts

    return asyncio.run(run())


def in_shadow(home, least, seconds=15.0):
    """The rows that the shadow has logged, once there are so many."""
    until = time.monotonic() + seconds
    while True:
        rows = home.rows("origin, version, prediction, failed_version, prediction_id")
        found = [row[1:] for row in rows if row[0] == "shadow"]
        if len(found) >= least or time.monotonic() > until:
            return found
        time.sleep(0.1)


def test_what_a_version_would_have_said_is_logged_beside_what_was_answered(home):
    home.serve(rollout=ServedRollout(home.version("2", 0.2), 0.0, 0.05, None))
    with shadowing(home):
        _, counts = asked(home, 5)
        rows = in_shadow(home, 5)
    assert (counts.sent, counts.dropped) == (5, 0)
    assert [row[:3] for row in rows] == [("2", "b", "")] * 5
    given = {row[0] for row in home.rows("prediction_id") if row}
    assert {row[3] for row in rows} == given


def test_a_version_that_hangs_fails_its_row_and_holds_nobody_up(home):
    home.serve(rollout=ServedRollout(home.stored("2", slow_artifact(30.0)), 0.0, 0.05, None))
    with shadowing(home):
        took, _ = asked(home, 20)
        rows = in_shadow(home, 1)
    assert max(took) < 1.0
    assert rows[0][:3] == ("2", "", "2")


@pytest.mark.parametrize("how", [signal.SIGSTOP, signal.SIGKILL])
def test_a_shadow_that_is_stopped_or_killed_costs_rows_and_no_answers(home, how):
    home.serve(rollout=ServedRollout(home.version("2", 0.2), 0.0, 0.05, None))
    with shadowing(home) as process:
        assert process.pid is not None
        pid = process.pid

        def strike():
            os.kill(pid, how)
            if how is signal.SIGKILL:
                process.join(10)

        took, counts = asked(home, 30, strike)
        if how is signal.SIGSTOP:
            os.kill(pid, signal.SIGCONT)
    assert max(took) < 1.0
    assert counts.sent + counts.dropped == 30
    if how is signal.SIGKILL:
        assert counts.dropped > 0
