"""Ctrl-C in the middle of a step is no failure of a model: the command ends at once."""

import os
import signal
import subprocess
import sys
import time

import dagster as dg
import pytest

from ml_platform.cli.instance import was_interrupted
from ml_platform.cli.main import hear_signals


@dg.asset
def interrupted_by_a_person() -> None:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(10)


@dg.asset
def wrapped_in_another_error() -> None:
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(10)
    except BaseException as error:
        raise RuntimeError("the fit ended") from error


@dg.asset
def failed_by_itself() -> None:
    raise RuntimeError("too few rows")


@pytest.mark.parametrize(
    ("asset", "interrupted"),
    [
        (interrupted_by_a_person, True),
        (wrapped_in_another_error, True),
        (failed_by_itself, False),
    ],
)
def test_an_interruption_is_told_from_a_failure(
    asset: dg.AssetsDefinition, interrupted: bool
) -> None:
    started = time.monotonic()
    result = dg.materialize([asset], raise_on_error=False)
    assert not result.success
    assert time.monotonic() - started < 10, "the step was ended, not waited for"
    assert was_interrupted(result) is interrupted


def test_a_command_in_the_background_of_a_script_can_be_ended() -> None:
    """The shell ignores SIGINT for it, and Dagster takes the handler of SIGINT for SIGTERM."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        hear_signals()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        hear_signals()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_signals_at_any_moment_end_a_supervisor() -> None:
    """With a lock that its handler takes, the second of two signals in a row can wait for the first for ever."""
    program = (
        "import os, signal, threading\n"
        "from ml_platform.cli.up import Stop\n"
        "stop = Stop()\n"
        "signal.signal(signal.SIGTERM, stop.ask)\n"
        "print('ready', flush=True)\n"
        "while not stop.wait(0.001): pass\n"
        "for _ in range(20000): os.kill(os.getpid(), signal.SIGTERM); stop.wait(0.0)\n"
        "os._exit(0)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    until = time.monotonic() + 60
    while process.poll() is None:
        assert time.monotonic() < until, "it hangs"
        process.send_signal(signal.SIGTERM)
        time.sleep(0.0002)
    process.stdout.close()
    assert process.returncode == 0
