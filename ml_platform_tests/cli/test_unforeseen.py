"""An error that nobody has foreseen is one line with its remedy; its traceback is in the log of the home."""

import errno
import os
from pathlib import Path

import dagster as dg
import psycopg2
import pyarrow as pa
import pytest
from sqlalchemy.exc import OperationalError

from ml_platform.cli import main
from ml_platform.cli.instance import _failures
from ml_platform.cli.unforeseen import UnforeseenError, unforeseen

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/home/lake/day.parquet")
GONE = psycopg2.OperationalError("server closed the connection unexpectedly\n\tThis probably means")


@pytest.mark.parametrize(
    ("error", "what", "remedy"),
    [
        (FULL, "The disk is full", "free space"),
        (pa.ArrowInvalid("[Errno 28] Error writing bytes"), "The disk is full", "free space"),
        (psycopg2.errors.DiskFull("could not extend file"), "The disk is full", "free space"),
        (OSError(errno.EFBIG, "File too large"), "size limit", "ulimit -f"),
        (OSError(errno.EROFS, "Read-only file system", "run.lock"), "cannot be written", "--home"),
        (PermissionError(errno.EACCES, "Permission denied"), "cannot be written", "--home"),
        (MemoryError(), "The memory is full", "smaller source"),
        (GONE, "The database has ended", "doctor"),
        (OperationalError("SELECT 1", {}, GONE), "The database has ended", "doctor"),
        (pa.ArrowInvalid("Parquet magic bytes not found"), "data file cannot", "verify"),
        (ValueError("x"), "Something unforeseen failed: ValueError: x", "report it"),
    ],
)
def test_each_cause_has_its_remedy(
    error: Exception, what: str, remedy: str, tmp_path: Path
) -> None:
    line = unforeseen(error, tmp_path)
    assert what in line.message
    assert remedy in line.remedy
    assert "\n" not in str(line)
    assert line.exit_code == 1


def test_the_cause_is_found_behind_the_error_of_a_library(tmp_path: Path) -> None:
    try:
        try:
            raise FULL
        except OSError as error:
            raise RuntimeError("cannot serialise") from error
    except RuntimeError as error:
        line = unforeseen(error, tmp_path)
    assert line.message.startswith("The disk is full: OSError: [Errno 28]")
    log = (tmp_path / "logs" / "errors.log").read_text()
    assert "Traceback" in log
    assert "cannot serialise" in log


def test_a_home_that_cannot_be_written_has_its_traceback_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").touch()  # no folder: nothing can be written below it, not even by root
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    line = unforeseen(ValueError("x"), tmp_path / "home")
    assert f"traceback in {tmp_path}/ml-platform-errors.log" in line.message


@dg.asset(key=["a_model", "candidate"])
def disk_is_full() -> None:
    raise FULL


def test_the_error_of_a_step_names_the_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ML_PLATFORM_HOME", str(tmp_path))
    result = dg.materialize([disk_is_full], raise_on_error=False)
    assert isinstance(result, dg.ExecuteInProcessResult)
    ((model, error),) = _failures(result)
    assert model == "a_model"
    assert isinstance(error, UnforeseenError)
    assert error.message.startswith("a_model/candidate: The disk is full: OSError: [Errno 28]")
    assert "disk_is_full" in (tmp_path / "logs" / "errors.log").read_text()


def test_the_command_ends_with_one_line_and_exit_code_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file stands where the folder of the locks would be."""
    (tmp_path / "run.lock").mkdir()
    monkeypatch.setattr("sys.argv", ["ml-platform", "run", "--home", str(tmp_path)])
    monkeypatch.setenv("ML_PLATFORM_HOME", str(tmp_path))
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == 1
    output = capsys.readouterr().err
    assert output.startswith("ml-platform: ")
    assert output.count("\n") == 1
    assert "Traceback" in (tmp_path / "logs" / "errors.log").read_text()
