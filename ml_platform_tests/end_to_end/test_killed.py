"""kill -9 of a run, wherever it is: the next run ends where an undisturbed one would have ended."""

from pathlib import Path

import pytest

from ml_platform_tests.end_to_end.command import AS_OF
from ml_platform_tests.end_to_end.killing import Killed, Moment, kill_and_run_again, outcome

MODEL = "sequence_ngram"
"""It is fitted in a second: what is between the steps does not depend on the model."""
THREE_DAYS = ("--models", MODEL, "--days", "3", "--users", "120", "--as-of", AS_OF)
MOMENTS = [
    Moment("", 3.0),
    Moment("warehouse", 3.0),
    Moment(f"{MODEL}/registered_version", 0.1),
]
"""While servers start, dbt builds, a version goes to MLflow and the ledger; `test_side_by_side` kills a fit."""
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Killed:
    return outcome(tmp_path_factory.mktemp("undisturbed") / "home", THREE_DAYS, fresh=True)


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.step or "start")
def test_a_killed_run_is_simply_started_again(
    undisturbed: Killed, tmp_path: Path, moment: Moment
) -> None:
    hit, after = kill_and_run_again(tmp_path / "home", THREE_DAYS, moment)
    assert hit, "the run had ended before it was killed"
    assert after == undisturbed
    assert after.versions == 1
    assert after.faults == ()
