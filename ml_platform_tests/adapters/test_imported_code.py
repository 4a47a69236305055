"""The version of code follows what decides a result: modules, at any depth, and libraries; nothing else."""

import ast
import sys
from pathlib import Path

import pytest

from ml_platform import resources
from ml_platform.adapters import imported_code as reader
from ml_platform.adapters.imported_code import imported_code, library_version
from ml_platform.adapters.plugins import installed_catalogue
from ml_platform.defs.code_versions import measurement_code_version, step_code_version

PACKAGE = Path(resources.__file__).parent


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package on the path; what was known of modules is forgotten before and after."""
    folder = tmp_path / "a_model"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "fit.py").write_text("import numpy as np\n\nfrom a_model import rows\n")
    (folder / "rows.py").write_text('KIND = "a_model.scorer:Scorer"\n')
    (folder / "scorer.py").write_text(
        "def score():\n    from . import (\n        deep,  # late\n    )\n"
    )
    (folder / "deep.py").write_text("LEAVES = 3\n")
    (folder / "other.py").write_text("LEAVES = 3\n")
    (folder / "types.py").write_text("LEAVES = 3\n")
    monkeypatch.syspath_prepend(tmp_path)
    forget()
    yield folder
    forget()


def forget() -> None:
    for function in (
        reader._text,
        reader._path,
        reader._roots,
        reader.library_version,
    ):
        function.cache_clear()


def version(*modules: str, without: tuple[str, ...] = ()) -> str:
    forget()
    return imported_code(modules, without).version


def test_modules_are_found_at_any_depth_and_libraries_once(package: Path) -> None:
    code = imported_code(["a_model.fit"])
    assert code.modules == {"a_model.fit", "a_model.rows", "a_model.scorer", "a_model.deep"}
    assert code.libraries == {"numpy"}


@pytest.mark.parametrize("name", ["fit", "rows", "scorer", "deep"])
def test_a_line_of_what_is_imported_is_another_version(package: Path, name: str) -> None:
    before = version("a_model.fit")
    path = package / f"{name}.py"
    path.write_text(path.read_text() + "# another line\n")
    assert version("a_model.fit") != before


def test_what_is_not_imported_decides_nothing(package: Path) -> None:
    before = version("a_model.fit")
    (package / "other.py").write_text("LEAVES = 4\n")
    assert version("a_model.fit") == before


def test_imports_for_types_alone_decide_nothing(package: Path) -> None:
    fit = package / "fit.py"
    fit.write_text(
        "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from a_model import types\n\n"
        "from a_model import deep\n"
    )
    assert imported_code(["a_model.fit"]).modules == {"a_model.fit", "a_model.deep"}


def test_what_carries_values_is_left_out_unless_it_is_named(package: Path) -> None:
    modules = imported_code(["a_model.fit"], without=["a_model.scorer"]).modules
    assert modules == {"a_model.fit", "a_model.rows"}
    named = imported_code(["a_model.fit", "a_model.scorer"], without=["a_model.scorer"]).modules
    assert "a_model.deep" in named


def test_another_version_of_a_library_is_another_version(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = version("a_model.fit")
    distribution = tmp_path / "numpy-99.0.dist-info"
    distribution.mkdir()
    (distribution / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 99.0\n")
    forget()
    assert library_version("numpy") == "99.0"
    assert version("a_model.fit") != before


def test_a_library_is_known_by_its_module_whatever_its_distribution_is_called() -> None:
    forget()
    assert library_version("sklearn") == library_version("scikit-learn") != ""
    assert library_version("no_such_library") == ""


def test_the_libraries_behind_our_code_are_found_without_a_search(monkeypatch) -> None:
    modules = [
        f"ml_platform.{'.'.join(path.relative_to(PACKAGE).with_suffix('').parts)}"
        for path in PACKAGE.rglob("*.py")
        if path.name != "__init__.py"
    ]
    found = reader._distributions()
    for module, distribution in reader._DISTRIBUTIONS.items():
        assert distribution in found[module]
    monkeypatch.setattr(reader, "_distributions", dict)
    forget()
    libraries = imported_code(modules).libraries & set(found)
    assert len(libraries) > 20
    of_several = {"dbt", "opentelemetry"}
    assert {name for name in libraries if not library_version(name)} == of_several


@pytest.mark.parametrize(
    "module",
    sorted(
        str(path.relative_to(PACKAGE.parent).with_suffix("")).replace("/", ".")
        for path in (PACKAGE / "evaluation").rglob("*.py")
        if path.name != "__init__.py"
    ),
)
def test_lines_say_what_a_parser_would(module: str) -> None:
    path = PACKAGE.parent.joinpath(*module.split(".")).with_suffix(".py")
    named_on_demand = set(reader._ON_DEMAND.findall(path.read_text()))
    assert set(reader._text(module).imports) - named_on_demand == set(
        parsed_imports(ast.parse(path.read_text()))
    )


def parsed_imports(node: ast.AST) -> list[str]:
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return []
    found = []
    if isinstance(node, ast.Import):
        found = [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        inner = [f"{node.module}.{alias.name}" for alias in node.names]
        found = [name if reader._path(name) else str(node.module) for name in inner]
    return found + [name for child in ast.iter_child_nodes(node) for name in parsed_imports(child)]


def test_nothing_is_imported_to_know_a_version(package: Path) -> None:
    imported_code(["a_model.fit"])
    assert not any(name.startswith("a_model") for name in sys.modules)


def test_models_of_other_families_do_not_touch_each_other() -> None:
    versions = {
        (spec.name, step): step_code_version(spec, step)
        for spec in installed_catalogue().models
        for step in ("candidate", "evaluation_report")
    }
    assert len(set(versions.values())) == len(versions), "each has code of its own"


def test_the_page_of_a_report_is_no_measurement() -> None:
    spec = installed_catalogue().models[0]
    assert measurement_code_version(spec) != step_code_version(spec, "evaluation_report")
