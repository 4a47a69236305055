"""How many processes a run may take, from cores and free memory; and what these import beforehand."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ml_platform import resources
from ml_platform.defs.executor import PROCESS_BYTES, most_processes, preloaded
from ml_platform.models.catalogue import MODELS


@pytest.mark.parametrize(
    ("cores", "processes_that_fit", "most"),
    [(4, 100.0, 4), (64, 3.9, 3), (4, 0.5, 1)],
)
def test_no_more_than_cores_and_memory_allow(
    cores: int, processes_that_fit: float, most: int
) -> None:
    assert most_processes(cores, int(processes_that_fit * PROCESS_BYTES)) == most


def test_torch_is_imported_beforehand_for_networks_alone() -> None:
    networks = [spec for spec in MODELS if "pytorch" in spec.technologies]
    others = [spec for spec in MODELS if "pytorch" not in spec.technologies]
    assert networks
    assert {"torch", "torch._dynamo"} <= set(preloaded(MODELS))
    assert not [name for name in preloaded(others) if name.startswith(("torch", "onnxscript"))]


def test_the_storage_that_every_step_opens_is_imported_beforehand() -> None:
    storage = yaml.safe_load(resources.DAGSTER_SETTINGS.read_text())["storage"]["custom"]
    assert storage["module"] in preloaded([])


@pytest.mark.parametrize(("models", "processes", "prepared"), [(2, 2, 1), (2, 1, 0), (1, 2, 0)])
def test_processes_are_prepared_where_chains_will_run_side_by_side(
    tmp_path: Path, models: int, processes: int, prepared: int
) -> None:
    script = f"""
import psutil, time
from pathlib import Path
from ml_platform.defs.executor import prepare_processes
from ml_platform.models.catalogue import MODELS
prepare_processes(Path({str(tmp_path)!r}), MODELS[:{models}], {processes})
def servers():
    children = psutil.Process().children()
    return [each for each in children if "import main; main(" in " ".join(each.cmdline())]
until = time.monotonic() + 60
while len(servers()) < {prepared} and time.monotonic() < until:
    time.sleep(0.02)  # a process has no command line yet while it is being started
forked = servers()
assert all(each.environ()["ML_PLATFORM_AT_WORK"].endswith({str(tmp_path)!r}) for each in forked)
print(len(forked))
"""
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=300
    )
    assert int(result.stdout) == prepared
