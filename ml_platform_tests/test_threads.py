"""Linear algebra computes in one thread in every process of the platform, unless the user has said otherwise."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from threadpoolctl import threadpool_info

POOLS = """
def tell():
    import json, numpy, scipy.linalg
    from threadpoolctl import threadpool_info
    blas = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    print(json.dumps([pool["num_threads"] for pool in blas]), flush=True)
"""
COMMAND = f"""
import ml_platform.cli.main
{POOLS}
tell()
"""
CODE_SERVER = f"""
import dagster._cli.api
import ml_platform.defs.build
{POOLS}
tell()
"""
STEP = f"""
import multiprocessing
import ml_platform.cli.main
from ml_platform.defs.executor import preloaded
processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(preloaded([])[1:5])
step = processes.Process(target=exec, args=({POOLS + "tell()"!r}, {{}}))
step.start()
step.join()
"""


def threads(script: str, **told: str) -> list[int]:
    """The threads of each pool of linear algebra in a fresh process that has run ``script``."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    untold = {key: value for key, value in os.environ.items() if key not in names}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=untold | told, capture_output=True, text=True, check=True)
    pools: list[int] = json.loads(done.stdout)
    assert len(pools) >= 2, "numpy's and scipy's"
    return pools


@pytest.mark.skipif(os.cpu_count() == 1, reason="one core has one thread in any case")
@pytest.mark.parametrize("script", [COMMAND, CODE_SERVER, STEP], ids=["command", "server", "step"])
def test_linear_algebra_computes_in_one_thread(script: str) -> None:
    assert set(threads(script)) == {1}


@pytest.mark.skipif(os.cpu_count() == 1, reason="one core has one thread in any case")
@pytest.mark.parametrize("name", ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"])
def test_what_the_user_has_set_stays(name: str) -> None:
    assert set(threads(COMMAND, **{name: "2"})) == {2}


def test_tests_compute_in_as_many_as_commands_do() -> None:
    """On a busy machine the intervals of a thousand tables took twenty times the processor time."""
    assert np.ones(1) @ np.ones(1) == 1.0
    pools = {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}
    assert pools == {int(os.environ["OMP_NUM_THREADS"])}
