"""The house holds: layers, purity, and nothing heavy when the definitions load."""

import subprocess
import sys
from pathlib import Path

import ml_platform
from ml_platform.stages import STAGES

PROJECT = Path(ml_platform.__file__).parents[1]
HEAVY = (
    "torch",
    "mlflow",
    "evidently",
    "great_expectations",
    "sklearn",
    "shap",
    "matplotlib",
    "skl2onnx",
    "onnxruntime",
)


def test_import_contracts_hold() -> None:
    completed = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports"))],
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    assert completed.returncode == 0, completed.stdout


def test_a_stage_has_one_name_everywhere() -> None:
    for stage in STAGES:
        assert (PROJECT / "ml_platform" / stage.name / "__init__.py").is_file()
        assert (PROJECT / "ml_platform_tests" / stage.name).is_dir()


def test_loading_the_definitions_imports_nothing_heavy() -> None:
    code = (
        "import sys, ml_platform.definitions; "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    completed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT, check=True
    )
    assert completed.stdout.strip() == "[]"


def test_a_command_imports_no_model_before_it_needs_one() -> None:
    code = (
        "import sys, ml_platform.cli.main, ml_platform.cli.model_changes, ml_platform.cli.model_views; "
        "print([name for name in sys.modules if name.startswith(('ml_platform.models.', 'pyarrow'))])"
    )
    completed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT, check=True
    )
    assert completed.stdout.strip() == "[]"
