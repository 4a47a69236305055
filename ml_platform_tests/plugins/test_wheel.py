"""The wheel of the platform holds everything that a run needs, and one name at the top."""

import zipfile
from pathlib import Path

import pytest

from ml_platform_tests.plugins.installing import ROOT, wheel_of


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> frozenset[str]:
    with zipfile.ZipFile(wheel_of(ROOT, tmp_path_factory.mktemp("wheel"))) as wheel:
        return frozenset(wheel.namelist())


def test_nothing_but_the_package_is_installed(names: frozenset[str]) -> None:
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"ml_platform"}


def test_every_file_of_the_dbt_project_is_in_it(names: frozenset[str]) -> None:
    project = ROOT / "dbt_project"
    files = [
        path
        for part in ("models", "macros", "tests")
        for path in (project / part).rglob("*")
        if path.is_file()
    ]
    files += [project / "dbt_project.yml", project / "profiles.yml"]
    wanted = {f"ml_platform/dbt_project/{path.relative_to(project).as_posix()}" for path in files}
    assert {name for name in names if "/dbt_project/" in name} == wanted


def test_the_runbooks_are_in_it(names: frozenset[str]) -> None:
    runbooks = {path.name for path in (ROOT / "docs" / "runbooks").glob("*.md")}
    assert {f"ml_platform/runbooks/{name}" for name in runbooks} <= names


def test_every_file_of_the_package_is_in_it(names: frozenset[str]) -> None:
    """Settings of Dagster, templates of pages, migrations and the skeleton of a model among them."""
    package = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "ml_platform").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert package - names == set()
    assert "ml_platform/cli/dagster.yaml" in package


def test_the_workspace_of_the_wheel_is_that_of_the_checkout() -> None:
    inside = (ROOT / "ml_platform" / "cli" / "workspace.yaml").read_text()
    assert (ROOT / "workspace.yaml").read_text() == inside


def test_a_checkout_finds_its_own_dbt_project() -> None:
    from ml_platform.resources import dbt_project

    assert dbt_project() == Path(ROOT / "dbt_project")
