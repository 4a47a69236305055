"""Records that one step leaves for the next: typed, one a window where the step runs once a window."""

from pathlib import Path

import pytest

from ml_platform.application.build_training_set import latest_training_set
from ml_platform.application.records import read_record, record_path, write_record
from ml_platform.errors import IntegrityError, UsageError
from ml_platform.home import FORMAT, home_file, read_home
from ml_platform.registry.records import ProductionState
from ml_platform_tests.application.homes import SPEC, home
from ml_platform_tests.registry.examples import TRAINING_SET

KEY = ("example", "champion")


def test_what_was_written_is_read_as_its_type(tmp_path: Path) -> None:
    settings = home(tmp_path).settings
    first, second = ProductionState("example", 1, 1), ProductionState("example", 2, 2)
    write_record(settings, KEY, first)
    write_record(settings, KEY, second, window="2026-05-01-06:00")
    assert read_record(settings, KEY, ProductionState) == first
    assert read_record(settings, KEY, ProductionState, "2026-05-01-06:00") == second
    assert record_path(settings, KEY, "2026-05-01-06:00") == (
        tmp_path / "records" / "example__champion@2026-05-01-06-00.json"
    )


def test_a_step_that_was_never_run_is_named(tmp_path: Path) -> None:
    settings = home(tmp_path).settings
    with pytest.raises(IntegrityError, match="example/champion has not been materialised"):
        read_record(settings, KEY, ProductionState)
    with pytest.raises(UsageError, match="There is no training set of example"):
        latest_training_set(settings, SPEC)


def test_the_latest_training_set_is_the_one_that_the_last_run_left(tmp_path: Path) -> None:
    settings = home(tmp_path).settings
    write_record(settings, ("example", "training_set"), TRAINING_SET)
    assert latest_training_set(settings, SPEC) == TRAINING_SET


def test_a_record_cut_off_anywhere_is_named_with_its_file(tmp_path: Path) -> None:
    settings = home(tmp_path).settings
    write_record(settings, KEY, ProductionState("example", 1, 1))
    path = record_path(settings, KEY)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(IntegrityError, match=r"example__champion\.json is not what was stored"):
            read_record(settings, KEY, ProductionState)


def test_the_state_of_a_home_cut_off_anywhere_is_named_with_its_file(tmp_path: Path) -> None:
    settings = home(tmp_path).settings
    whole = home_file(settings).read_bytes()
    without_state = b'{"format":%d}' % FORMAT
    for content in (*(whole[:length] for length in range(len(whole))), without_state, b"[]"):
        home_file(settings).write_bytes(content)
        with pytest.raises(IntegrityError, match=r"home\.json cannot be read: .* Remedy: restore"):
            read_home(settings)
