"""README, CONTRIBUTING and docs name files, folders, commands and relative links that exist."""

import json
import re
from collections import Counter
from datetime import datetime
from pathlib import Path

import click
import pytest

from benchmarks.faults import FAULTS, TESTS, Fault
from benchmarks.verdicts import attempts, results_of
from docs.figures import FIGURES, README, with_table
from ml_platform.cli.main import cli

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
FOLDERS = ("ml_platform", "ml_platform_tests", "dbt_project", "benchmarks", "docs", "examples")
OF_THE_COMMIT = datetime.fromisoformat("2026-11-22T03:08:07+00:00")
"""The time of the commit from whose hash the attempts in docs/verdicts.jsonl follow."""
OF_A_PERSON = {"columns.toml"}
"""Files that the reader of a page brings."""

each_page = pytest.mark.parametrize("page", PAGES, ids=[str(p.relative_to(ROOT)) for p in PAGES])


def repository_files() -> set[str]:
    """Paths of all files below `FOLDERS` and beside them, from the root of the repository."""
    files = {path.name for path in ROOT.iterdir() if path.is_file()}
    for folder in FOLDERS:
        files |= {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*.*")}
    return files


FILES = repository_files()


def paths_in(text: str) -> set[str]:
    """What looks like a path: anything below a known folder, and every file name in backticks."""
    below = re.findall(rf"(?<![\w/.<>-])((?:{'|'.join(FOLDERS)})/[\w./-]*)(?![\w<*{{])", text)
    named = re.findall(r"`([\w/-]+\.(?:py|sql|toml|yml|yaml))`", text)
    return {path.rstrip(".") for path in (*below, *named)} - OF_A_PERSON


def is_there(path: str) -> bool:
    """A path from the root, or the end of a path: ``registry/permit.py`` for `ml_platform/registry/permit.py`."""
    return (ROOT / path).exists() or any(f"/{file}".endswith(f"/{path}") for file in FILES)


@each_page
def test_every_path_exists(page: Path) -> None:
    missing = {path for path in paths_in(page.read_text(encoding="utf-8")) if not is_there(path)}
    assert missing == set()


@each_page
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text(encoding="utf-8"))
    missing = {link for link in links if not (page.parent / link).exists()}
    assert missing == set()


def commands_without_home(command: click.Command, name: str = "") -> set[str]:
    """The commands, groups left out, that have no option --home, such as ``policy check``."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        parts = {
            part: command.get_command(context, part) for part in command.list_commands(context)
        }
        return {
            each
            for part, sub in parts.items()
            if sub is not None
            for each in commands_without_home(sub, f"{name} {part}")
        }
    return set() if any("--home" in option.opts for option in command.params) else {name.strip()}


def test_the_commands_without_a_home_are_those_that_the_readme_names() -> None:
    named = re.search(r"all but (.*) have `--home DIR`", README.read_text(encoding="utf-8"))
    assert named is not None
    assert set(re.findall(r"`(.+?)`", named[1])) == commands_without_home(cli)


@each_page
def test_every_command_exists(page: Path) -> None:
    commands = re.findall(
        r"(?<![\w/-])ml-platform ([a-z][a-z-]+)", page.read_text(encoding="utf-8")
    )
    assert set(commands) - set(cli.list_commands(click.Context(cli))) == set()


def test_the_figures_of_the_readme_are_those_of_a_run() -> None:
    readme, figures = README.read_text(), json.loads(FIGURES.read_text())
    assert readme == with_table(readme, figures)
    figures["models"]["pattern_classifier"]["metrics"]["accuracy"]["candidate"]["value"] = 0.99
    assert readme != with_table(readme, figures)


def test_the_table_of_verdicts_is_that_of_the_attempts() -> None:
    results = list(results_of(ROOT / "docs" / "verdicts.jsonl"))
    commit = results[0].attempt.commit
    judged = [result.attempt for result in results]
    assert judged == list(attempts(commit, OF_THE_COMMIT, 20)), "every attempt, none of them chosen"
    text = (ROOT / "docs" / "gates.md").read_text()
    assert f"commit {commit[:7]}" in text
    for model in results[0].models:
        (row,) = (line for line in text.splitlines() if line.startswith(f"| `{model}` | "))
        printed = dict(re.findall(r"(PROMOTE|HOLD|REJECT) (\d+) \[", row))
        counted = Counter(result.models[model].verdict for result in results)
        assert printed == {verdict: str(count) for verdict, count in counted.items()}


def test_the_checks_fire() -> None:
    assert paths_in("see `gone.py`, ml_platform/gone/ and docs/gates.md.") == {
        "gone.py",
        "ml_platform/gone/",
        "docs/gates.md",
    }
    assert not is_there("gone.py")
    assert not is_there("ml_platform/gone/")
    assert is_there("docs/gates.md")
    assert is_there("registry/permit.py")


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.name for fault in FAULTS])
def test_the_tests_that_inject_a_fault_are_there(fault: Fault) -> None:
    for node in fault.tests:
        file, _, name = node.partition("::")
        if node.startswith("benchmarks."):
            assert (ROOT / f"{node.replace('.', '/')}.py").is_file()
        else:
            assert f"def {name.partition('[')[0]}(" in (TESTS / file).read_text()
