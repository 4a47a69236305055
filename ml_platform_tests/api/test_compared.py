"""Canary and control are asked alike, in threads and anew; a canary that ends processes is asked no more."""

import asyncio
import multiprocessing
import os
import signal
import threading
import time

import pytest

from ml_platform.adapters.serving.asked_marks import ended_while_asking, forget_ended
from ml_platform.api.compared import CANARY_SECONDS, COMPARED, ComparedArms
from ml_platform.assignment.split import Arm
from ml_platform.errors import IntegrityError
from ml_platform.serving.router import ServedArm
from ml_platform.serving.table import ServedVersion
from ml_platform_tests.api.services import LEAST
from ml_platform_tests.api.test_one_answer import in_service, rolled_out

VERSION = ServedVersion("2", "c" * 64, "artifacts/c")


def test_neither_canary_nor_control_is_answered_by_what_was_kept(home):
    key = home.key("service")
    users = rolled_out(home, 0.3, home.version("2", 0.2))

    async def ask(service):
        return {
            arm: [
                (await service.ask(key, {**LEAST, "user_id": user})).json().get("cached", False)
                for _ in range(2)
            ]
            for arm, user in users.items()
        }

    cached = in_service(home, ask)
    assert cached[Arm.TREATMENT] == [False, False]
    assert cached[Arm.CONTROL] == [False, False]
    assert cached[Arm.NEITHER][1]


@pytest.mark.parametrize("arm", COMPARED)
def test_each_has_threads_of_its_own(tmp_path, arm):
    def name():
        return threading.current_thread().name

    assert asyncio.run(ComparedArms(tmp_path).ask(arm, VERSION, name)).startswith(arm)


def test_a_canary_has_a_limit_of_time_and_the_control_has_none(tmp_path, monkeypatch):
    monkeypatch.setattr("ml_platform.api.compared.CANARY_SECONDS", CANARY_SECONDS / 20)

    async def slow(arm):
        return await ComparedArms(tmp_path).ask(arm, VERSION, lambda: time.sleep(0.2))

    with pytest.raises(TimeoutError):
        asyncio.run(slow(ServedArm.CANARY))
    asyncio.run(slow(ServedArm.CONTROL))


def die_asking(folder):
    """Ask a canary that ends this process."""
    arms = ComparedArms(folder)
    asyncio.run(arms.ask(ServedArm.CANARY, VERSION, lambda: os.kill(os.getpid(), signal.SIGKILL)))


def die_after(folder):
    """Ask a canary, and end for another reason."""
    asyncio.run(ComparedArms(folder).ask(ServedArm.CANARY, VERSION, time.time))
    os.kill(os.getpid(), signal.SIGKILL)


def ended(target, folder):
    process = multiprocessing.get_context("spawn").Process(target=target, args=(folder,))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL


def test_a_canary_that_ended_processes_is_asked_no_more(tmp_path):
    ended(die_after, tmp_path)
    for _ in range(3):
        assert asyncio.run(ComparedArms(tmp_path).ask(ServedArm.CANARY, VERSION, int)) == 0
        ended(die_asking, tmp_path)
    assert ended_while_asking(tmp_path) == {VERSION.artifact_sha256: 3}
    with pytest.raises(IntegrityError, match="have ended while they asked version 2"):
        asyncio.run(ComparedArms(tmp_path).ask(ServedArm.CANARY, VERSION, int))
    assert asyncio.run(ComparedArms(tmp_path).ask(ServedArm.CONTROL, VERSION, int)) == 0
    forget_ended(tmp_path, but=frozenset({VERSION.artifact_sha256}))
    assert ended_while_asking(tmp_path) == {VERSION.artifact_sha256: 3}
    forget_ended(tmp_path, but=frozenset())
    assert asyncio.run(ComparedArms(tmp_path).ask(ServedArm.CANARY, VERSION, int)) == 0


def test_marks_of_a_process_that_lives_are_left_alone(tmp_path):
    arms = ComparedArms(tmp_path)
    with arms.trying(VERSION):
        assert not ended_while_asking(tmp_path)
        forget_ended(tmp_path, but=frozenset())
        assert len(list(tmp_path.iterdir())) == 1


def test_where_no_mark_can_be_written_a_canary_is_asked_all_the_same(tmp_path):
    (tmp_path / "file").touch()
    arms = ComparedArms(tmp_path / "file")
    assert asyncio.run(arms.ask(ServedArm.CANARY, VERSION, int)) == 0
