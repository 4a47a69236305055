"""How many processes a run takes, from its chains, the cores and the free memory."""

import pytest

from ml_platform.defs.executor import PROCESS_BYTES, preloaded, processes_for
from ml_platform.models.catalogue import MODELS


@pytest.mark.parametrize(
    ("chains", "cores", "free", "processes"),
    [
        (9, 4, 100.0, 4),
        (2, 4, 100.0, 2),
        (9, 64, 3.9, 3),
        (9, 4, 0.5, 1),
        (1, 4, 100.0, 1),
        (0, 4, 100.0, 1),
    ],
)
def test_no_more_than_chains_cores_and_memory_allow(
    chains: int, cores: int, free: float, processes: int
) -> None:
    assert processes_for(chains, cores, int(free * PROCESS_BYTES)) == processes


def test_torch_is_imported_beforehand_for_networks_alone() -> None:
    networks = [spec for spec in MODELS if "pytorch" in spec.technologies]
    others = [spec for spec in MODELS if "pytorch" not in spec.technologies]
    assert networks
    assert "torch" in preloaded(MODELS)
    assert "torch" not in preloaded(others)
