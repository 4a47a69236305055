"""The client needs nothing else of the platform."""

import subprocess
import sys

PROGRAM = """
import sys, ml_platform
before = set(sys.modules)
import ml_platform.client
print(*sorted(set(sys.modules) - before))
"""
HEAVY = {"dagster", "fastapi", "mlflow", "numpy", "onnxruntime", "pandas", "pyarrow", "sqlalchemy"}


def test_it_imports_no_other_module_of_the_platform_and_nothing_heavy() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    imported = done.stdout.split()
    ours = {name for name in imported if name.startswith("ml_platform")}
    assert "ml_platform.client.clients" in ours
    assert {name for name in ours if not name.startswith("ml_platform.client")} == set()
    assert HEAVY & {name.partition(".")[0] for name in imported} == set()
