"""The skeleton of a model: written whole under its name, taken by the platform, never over something else."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from ml_platform.adapters.plugins import home_project, installed_catalogue
from ml_platform.cli.new_model import new_model
from ml_platform.errors import UsageError
from ml_platform.models.catalogue import MODELS


def write(folder: Path, name: str) -> Path:
    """The package ``name``, as the command writes it."""
    outcome = CliRunner().invoke(
        new_model, [name, "--directory", str(folder)], catch_exceptions=False
    )
    assert outcome.exit_code == 0, outcome.output
    assert f"ml-platform run --models {name}" in outcome.output
    return folder / name


def test_everything_carries_the_name(tmp_path: Path) -> None:
    folder = write(tmp_path, "late_tickets")
    paths = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert paths == {
        "README.md",
        "pyproject.toml",
        "late_tickets/__init__.py",
        "late_tickets/features.py",
        "late_tickets/model.py",
        "late_tickets/dbt_models/late_tickets_features.sql",
        "tests/test_late_tickets.py",
    }
    for path in paths:
        assert "skeleton" not in (folder / path).read_text(), path
    assert 'name = "late-tickets"' in (folder / "pyproject.toml").read_text()


def test_it_is_written_as_the_platform_itself_is(tmp_path: Path) -> None:
    folder = write(tmp_path, "late_tickets")
    for check in (["check", "--ignore", "I001,D103"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *check, "--config", "pyproject.toml", str(folder)]
        root = Path(__file__).parents[2]
        checked = subprocess.run(ruff, cwd=root, capture_output=True, text=True)
        assert checked.returncode == 0, checked.stdout


def test_the_platform_takes_it_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(tmp_path, "late_tickets")
    info = folder / "late_tickets-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: late-tickets\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text(
        "[ml_platform.models]\nlate_tickets = late_tickets.model\n"
    )
    monkeypatch.syspath_prepend(str(folder))
    installed_catalogue.cache_clear()
    try:
        catalogue = installed_catalogue()
    finally:
        installed_catalogue.cache_clear()
        home_project.cache_clear()
        for module in [name for name in sys.modules if name.partition(".")[0] == "late_tickets"]:
            del sys.modules[module]
    assert catalogue.refusals == ()
    assert catalogue.names[-1] == "late_tickets"
    (plugin,) = catalogue.plugins
    assert plugin.sql_names == {"late_tickets_features"}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Late", "no name of a model"),
        ("late-tickets", "no name of a model"),
        ("../up", "no name of a model"),
        ("7days", "no name of a model"),
        ("class", "no name of a model"),
        ("json", "a Python module 'json' already"),
        (MODELS[0].name, f"a model '{MODELS[0].name}' already"),
    ],
)
def test_a_name_that_cannot_be_is_refused_in_one_line(
    tmp_path: Path, name: str, reason: str
) -> None:
    with pytest.raises(UsageError, match=reason) as caught:
        CliRunner().invoke(new_model, [name, "--directory", str(tmp_path)], catch_exceptions=False)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_exists_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("kept")
    with pytest.raises(UsageError, match="exists already"):
        write(tmp_path, "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]
