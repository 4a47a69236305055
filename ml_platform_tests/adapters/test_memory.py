"""What a step has freed is not held on to by its process."""

import ctypes
import subprocess
import sys

import pytest


@pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="this C library has no malloc_trim"
)
def test_what_was_freed_below_something_that_stays_goes_back_to_the_system() -> None:
    script = """
import psutil
from ml_platform.adapters.memory import give_back_memory

resident = lambda: psutil.Process().memory_info().rss / 2**20
held = [bytes(2_000) for _ in range(150_000)]
last = bytes(2_000)
del held
before = resident()
give_back_memory()
print(before - resident())
"""
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert float(result.stdout) > 200
