"""The second world of benchmarks/ is frozen: a small draw of it has the hash that it had before its one run."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks.second_world.parameters import Parameters
from benchmarks.second_world.world import World, simulate
from benchmarks.second_world.write import fingerprint, write
from ml_platform.adapters.sources.files import FilesSource
from ml_platform.events.quality import check_rows

FROZEN = "7770b13ffc7d1275564723ca256a49d08f67681f4766e5c39d3ef6044bbe23b3"


@pytest.fixture(scope="module")
def small_world() -> World:
    return simulate(Parameters(users=8, days=10))


def test_numbers_and_code_are_those_of_the_one_run(small_world: World) -> None:
    """Whoever changes the world changes this hash, and then the table of docs/simulator.md is of another world."""
    assert fingerprint(small_world) == FROZEN


def test_another_seed_is_another_world(small_world: World) -> None:
    assert fingerprint(simulate(Parameters(users=8, days=10, seed=1))) != fingerprint(small_world)


def test_the_platform_reads_every_row(small_world: World, tmp_path: Path) -> None:
    written = write(small_world, tmp_path)
    read: dict[str, int] = {}
    for table, rows in FilesSource(tmp_path).batches():
        checked = check_rows(table, rows, now=datetime.now(UTC), source="test")
        assert checked.refused.num_rows == 0
        read[table] = read.get(table, 0) + checked.good.num_rows
    assert read["events"] == written["steps"]
    assert read["workflow_executions"] == written["runs"]
    assert read["suggestions"] == written["prompts"]
    assert read["users"] == written["people"]


def test_true_chances_are_those_of_what_happened() -> None:
    """Of launches that would succeed with chance p, a share of p does (within four standard errors)."""
    runs = simulate(Parameters(users=30, days=30)).runs
    expected = sum(run.chance for run in runs)
    spread = sum(run.chance * (1 - run.chance) for run in runs) ** 0.5
    assert abs(sum(run.status == "success" for run in runs) - expected) < 4 * spread
