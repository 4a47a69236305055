"""kill -9 of a run, wherever it is: the next run ends where an undisturbed one would have ended."""

from pathlib import Path

import pytest

from ml_platform_tests.end_to_end.killing import Moment, killed, outcome
from ml_platform_tests.end_to_end.three_days import MODEL, THREE_DAYS, undisturbed

MOMENTS = [
    Moment("", 3.0),
    Moment("warehouse", 3.0),
    Moment(f"{MODEL}/registered_version", 0.1),
]
"""While servers start, dbt builds, a version goes to MLflow and the ledger; `test_side_by_side` kills a fit."""
pytestmark = pytest.mark.timeout(600)


def test_a_killed_run_is_simply_started_again(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    """Each run goes on from what the one before it left, past the moment at which that was killed."""
    home = tmp_path / "home"
    for moment in MOMENTS:
        assert killed(home, THREE_DAYS, moment), f"{moment} came after the end of the run"
    after = outcome(home, THREE_DAYS)
    assert after == undisturbed(tmp_path_factory)
    assert after.versions == 1
    assert after.faults == ()
