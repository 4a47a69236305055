"""Names that are paths: no command takes one for a model or for a file of a home; nothing outside is touched."""

import itertools
from pathlib import Path

import pytest
from click.testing import CliRunner

from ml_platform.application.verify_files import forget_file
from ml_platform.cli.gates import gates
from ml_platform.cli.new_model import new_model
from ml_platform.errors import PlatformError
from ml_platform_tests.application.homes import home

UPS = (
    "../",
    "..\\",
    "%2e%2e%2f",
    "%252e%252e%252f",
    "..%2f",
    "..%c0%af",
    "..;/",
    ".../",
    "....//",
    "\u2025/",
    "\uff0e\uff0e/",
    "..\u2215",
    "./../",
    "a/../../",
    "~/",
    "$HOME/",
)
ENDS = ("canary", "canary\0.parquet", "canary#x", "canary ")
WHOLE = (
    "/etc/passwd",
    "//etc/passwd",
    "file:///etc/passwd",
    "file:canary",
    "\\\\host\\share",
    "C:\\canary",
    "canary:stream",
    ".",
    "..",
    "/",
    "-",
    "--help=x",
    "",
    " ",
    "\n",
    "A" * 200,
    "{0}",
    "`id`",
    "$(touch canary)",
    "; touch canary",
    "| touch canary",
)
NAMES = (*(up + end for up, end in itertools.product(UPS, ENDS)), *WHOLE)


@pytest.fixture
def canary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file beside the folder in which the commands run."""
    file = tmp_path / "canary"
    file.write_text("untouched")
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.setenv("HOME", str(tmp_path))
    return file


def test_there_are_enough() -> None:
    assert len(set(NAMES)) >= 60


def test_no_command_takes_a_path_for_a_name(canary: Path) -> None:
    before = sorted(canary.parent.rglob("*"))
    for name in NAMES:
        for command in (new_model, gates):
            ended = CliRunner().invoke(command, ["--", name])
            assert ended.exit_code != 0, name
            assert isinstance(ended.exception, SystemExit | PlatformError), (name, ended.exception)
    assert canary.read_text() == "untouched"
    assert sorted(canary.parent.rglob("*")) == before


def test_only_files_of_the_home_are_forgotten(canary: Path) -> None:
    platform = home(canary.parent / "a home")
    for name in NAMES:
        for place in (Path(name), Path("lake") / name):
            with pytest.raises((PlatformError, ValueError)):
                forget_file(platform.settings, place)
    assert canary.read_text() == "untouched"
    link = platform.settings.home / "lake" / "link"
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(canary)
    with pytest.raises(PlatformError, match="is not in a folder"):
        forget_file(platform.settings, Path("lake/link"))
    assert canary.exists()
