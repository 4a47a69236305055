"""Chains of models side by side in processes: the same as one after the other, and nothing outlives the command."""

import signal
from pathlib import Path
from typing import Any

import pytest

from ml_platform_tests.end_to_end.command import (
    AS_OF,
    call,
    nothing_left,
    processes_of,
    read_until,
    start,
    told,
)
from ml_platform_tests.end_to_end.shared_homes import fresh_home

SMALL = ("--days", "20", "--users", "20", "--as-of", AS_OF)
MODELS = ("--models", "sequence_ngram,anomaly_detector")
TWO = ("--processes", "2")
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def one_after_the_other(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    home = fresh_home(tmp_path_factory, tmp_path_factory.mktemp("one") / "home")
    return compared(told(home, "run", *SMALL, *MODELS, "--processes", "1", seconds=800))


def compared(summary: dict[str, Any]) -> dict[str, Any]:
    """All that is the same in equal runs: fingerprints, verdicts, and every gate but those that take time."""
    return {
        name: (
            model["verdict"],
            model["fingerprints"]["training_set"],
            model["fingerprints"]["artifact"],
            [
                (gate["name"], gate["words"], gate["value"])
                for gate in model["gates"]
                if gate["name"] != "latency"
            ],
        )
        for name, model in summary["models"].items()
    }


def steps_of(home: Path) -> int:
    """The processes of steps, with the one that they are forked from."""
    return sum("forkserver" in words for words in processes_of(home))


def test_the_same_in_processes_also_after_ctrl_c_and_a_kill_in_the_middle(
    one_after_the_other: dict[str, Any],
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    home = fresh_home(tmp_path_factory, tmp_path / "home")
    ctrl_c_ends_all_of_them_and_only_progress_was_shown(home)
    process = start(home, "run", *SMALL, *MODELS, *TWO)
    read_until(process, "sequence_ngram/candidate")
    assert steps_of(home) >= 2
    process.send_signal(signal.SIGKILL)
    process.communicate()
    nothing_left(home)
    assert compared(told(home, "run", *SMALL, *MODELS, *TWO, seconds=800)) == one_after_the_other
    nothing_left(home)


def ctrl_c_ends_all_of_them_and_only_progress_was_shown(home: Path) -> None:
    process = start(home, "run", *SMALL, *MODELS, *TWO)
    lines = read_until(process, "warehouse")
    assert steps_of(home) >= 2
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=120)
    assert process.returncode == 130, rest
    assert "interrupted" in rest.splitlines()[-1]
    shown = "\n".join([*lines, rest])
    assert "subprocess" not in shown
    assert "Traceback" not in shown
    nothing_left(home)
    call(home, "status")
