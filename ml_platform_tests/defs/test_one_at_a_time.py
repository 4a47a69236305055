"""Commands and the daemon's runs share one lock: a run waits for the other process, a command says so."""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from ml_platform.adapters.home_files import at_work, lent
from ml_platform.adapters.processes import creation_time
from ml_platform.application.connections import Connections
from ml_platform.defs.platform import Platform
from ml_platform.errors import UsageError

HOLDER = """
import sys
from pathlib import Path
from ml_platform.adapters.home_files import at_work
with at_work(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""

SLEEPER = HOLDER.replace("sys.stdin.readline()", "import time; time.sleep(600)")
LENDER = """
import subprocess
import sys
from pathlib import Path
from ml_platform.adapters.home_files import at_work, lent
home = Path(sys.argv[1])
with at_work(home), lent(home):
    step = subprocess.Popen(
        [sys.executable, "-c", sys.argv[2], str(home)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )
    print(step.stdout.readline().strip(), step.pid, flush=True)
    sys.stdin.readline()
"""

Holder = subprocess.Popen[str]


def hold(home: Path) -> Holder:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


@pytest.fixture
def other_process(tmp_path: Path) -> Iterator[Holder]:
    process = hold(tmp_path)
    assert process.poll() is None, "it has the lock"
    yield process
    process.kill()
    process.communicate()


def test_a_command_is_told_at_once(other_process: Holder, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is at work in"), at_work(tmp_path):
        raise AssertionError
    other_process.kill()
    other_process.communicate()
    with at_work(tmp_path), at_work(tmp_path):
        second = hold(tmp_path)
        assert "is at work in" in second.communicate()[1]
    hold(tmp_path).communicate("\n")


def test_a_run_waits_for_the_other_process_and_says_so(
    other_process: Holder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ML_PLATFORM_HOME", str(tmp_path))
    waited: list[str] = []
    ended: list[bool] = []

    class EndTheOther(logging.Handler):
        """The other process ends when, and only when, the run has said that it waits for it."""

        def emit(self, record: logging.LogRecord) -> None:
            if "waiting for its end" in record.getMessage():
                waited.append(record.getMessage())
                other_process.communicate("\n")

    @dg.logger
    def listening(_: dg.InitLoggerContext) -> logging.Logger:
        logger = logging.Logger("listening")
        logger.addHandler(EndTheOther())
        return logger

    @dg.op
    def work(platform: dg.ResourceParam[Connections]) -> None:
        ended.append(other_process.poll() is not None)
        assert "is at work in" in hold(platform.settings.home).communicate()[1]

    @dg.job(resource_defs={"platform": Platform()}, logger_defs={"listening": listening})
    def job() -> None:
        work()

    assert job.execute_in_process(run_config={"loggers": {"listening": {}}}).success
    assert len(waited) == 1
    assert ended == [True]
    with at_work(tmp_path):
        pass  # given back with the run


def test_a_run_inside_a_command_uses_the_lock_of_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ML_PLATFORM_HOME", str(tmp_path))

    @dg.op
    def work(platform: dg.ResourceParam[Connections]) -> None:
        assert platform.settings.home == tmp_path

    @dg.job(resource_defs={"platform": Platform()})
    def job() -> None:
        work()

    with at_work(tmp_path):
        assert job.execute_in_process().success
        assert "is at work in" in hold(tmp_path).communicate()[1], "the command still holds it"


def test_the_processes_of_steps_work_under_the_lock_of_their_run(tmp_path: Path) -> None:
    with at_work(tmp_path), lent(tmp_path):
        together = [hold(tmp_path), hold(tmp_path)]
        assert [step.poll() for step in together] == [None, None], "both have the lock at once"
        for step in together:
            assert step.communicate("\n")[1] == ""
    with at_work(tmp_path):
        assert "is at work in" in hold(tmp_path).communicate()[1], "nothing is lent any more"


def test_a_lock_is_lent_for_one_home(tmp_path: Path) -> None:
    other = tmp_path / "other"
    with at_work(other), at_work(tmp_path), lent(tmp_path):
        assert "is at work in" in hold(other).communicate()[1]


def test_a_step_whose_run_has_ended_before_it_began_works_for_nobody(tmp_path: Path) -> None:
    with at_work(tmp_path), lent(tmp_path):
        left_over = dict(os.environ)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    started = creation_time(ended.pid)
    ended.wait()
    left_over["ML_PLATFORM_AT_WORK"] = f"{ended.pid} {started} {tmp_path}"
    step = subprocess.run(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        env=left_over,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert "held" not in step.stdout
    assert "has ended" in step.stderr


def test_a_step_ends_with_the_run_that_was_killed_and_the_next_command_waits_for_it(
    tmp_path: Path,
) -> None:
    run = subprocess.Popen(
        [sys.executable, "-c", LENDER, str(tmp_path), SLEEPER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert run.stdout is not None
    held, step = run.stdout.readline().split()
    assert held == "held"
    run.kill()
    run.wait()
    with at_work(tmp_path):
        time.sleep(0.5)  # from the end of its lock to the end of its process
        assert creation_time(int(step)) is None, "the step has ended before others are at work"
    run.communicate()
