"""kill -9 of a run, wherever it is: the next run ends where an undisturbed one would have ended."""

from pathlib import Path

import pytest

from ml_platform_tests.end_to_end.command import AS_OF
from ml_platform_tests.end_to_end.killing import Killed, kill_and_run_again, outcome

THREE_DAYS = ("--days", "3", "--users", "120", "--as-of", AS_OF)
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Killed:
    return outcome(tmp_path_factory.mktemp("undisturbed") / "home", THREE_DAYS)


@pytest.mark.parametrize("seconds", [3.0, 12.0, 24.0])
def test_a_killed_run_is_simply_started_again(
    undisturbed: Killed, tmp_path: Path, seconds: float
) -> None:
    hit, found = kill_and_run_again(tmp_path / "home", THREE_DAYS, seconds)
    assert hit, "the run had ended before it was killed"
    assert found == undisturbed
    assert found.versions == 1
    assert found.faults == ()
