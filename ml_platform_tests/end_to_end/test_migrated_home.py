"""A home of the release before: refused, migrated, verified, and it goes on from the same events."""

from pathlib import Path

import pytest

from ml_platform.home import FORMAT
from ml_platform_tests.end_to_end.command import HERE, call, nothing_left, told
from ml_platform_tests.migration.homes_of_old import restored

MODEL = "trigger_predictor"
pytestmark = pytest.mark.timeout(900)


def test_a_home_of_format_1_goes_on_after_its_migration(tmp_path: Path) -> None:
    home = restored(1, tmp_path / "home")
    _, refusal = call(home, "status", code=2)
    assert refusal.count("\n") == 1
    assert f"ml-platform migrate --home {home}" in refusal

    migrated = told(home, "migrate")
    assert migrated == {"format": FORMAT, "archives": [str(home / "archive" / "format-1")]}
    assert told(home, "verify")["ok"]

    printed = told(home, "run", "--models", MODEL, *HERE, seconds=700)
    assert printed["models"][MODEL]["version"] == 2, "version 1 is in the archive"
    verified = told(home, "verify")
    subjects = {finding["subject"] for finding in verified["findings"]}
    assert verified["ok"]
    assert {f"{MODEL} 2 decision", "archive format-1 files", "archive format-1 chain"} <= subjects
    nothing_left(home)
