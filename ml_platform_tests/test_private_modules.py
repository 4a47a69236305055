"""What a library keeps private may change in any release: the package does not import it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import ml_platform

PINNED = {
    "dagster._core.launcher",
    "dagster._core.workspace.context",
    "dagster._core.workspace.load_target",
    "sklearn._loss",
}
"""Private modules that are imported all the same, each tried with the versions in constraints.txt."""


def imported_modules(source: str) -> Iterator[str]:
    """Every module that a file imports, inside functions as well."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def is_private(module: str) -> bool:
    """Whether a part below the package is private; `_typeshed` and `__future__` are packages themselves."""
    return any(part.startswith("_") for part in module.split(".")[1:])


def test_a_private_import_is_found() -> None:
    source = "import os\ndef f():\n    from dagster._core.log_manager import X\n"
    assert [name for name in imported_modules(source) if is_private(name)] == [
        "dagster._core.log_manager"
    ]


def test_no_private_module_of_a_library_is_imported() -> None:
    private = {
        module
        for path in Path(ml_platform.__file__).parent.rglob("*.py")
        for module in imported_modules(path.read_text(encoding="utf-8"))
        if is_private(module)
    }
    assert private <= PINNED
