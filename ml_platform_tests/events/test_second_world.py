"""The second world of benchmarks/ is frozen: a small draw of it has the hash that it had before its one run."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from benchmarks.second_world.ceilings import Ceiling, Ceilings
from benchmarks.second_world.parameters import GOAL_CATEGORIES, TOOLS, Parameters
from benchmarks.second_world.state_filter import CATEGORIES, filter_states, first_belief, move
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


def test_the_filter_is_as_often_right_as_it_says(small_world: World) -> None:
    """It is exact: its probabilities are calibrated, of the category and of the next step."""
    filtered, steps = filter_states(small_world), small_world.steps
    category = np.array([CATEGORIES.index(GOAL_CATEGORIES[goal]) for goal in steps.goal])
    step = np.array(steps.operation) * len(TOOLS) + np.array(steps.tool)
    for guess, chance, truth in (
        (filtered.category, filtered.category_chance, category),
        (filtered.step, filtered.step_chance, step),
    ):
        spread = np.sqrt((chance * (1 - chance)).sum())
        assert abs((guess == truth).sum() - chance.sum()) < 4 * spread


def test_a_bout_begins_with_the_goal_it_comes_from_or_with_any(small_world: World) -> None:
    person, inherits = small_world.people[0], small_world.parameters.inherits_goal
    goals, variants = person.goals[:2], person.variants[:2]
    belief = first_belief(small_world, np.array([3, -1]), goals, variants)
    assert belief[0, 3].sum() == pytest.approx(inherits + (1 - inherits) * goals[0, 3])
    np.testing.assert_allclose(belief[1, :, :, 0], goals[1][:, None] * variants[1])
    np.testing.assert_allclose(belief.sum(axis=(1, 2, 3)), 1.0)


def test_one_step_from_the_last_but_one_position(small_world: World) -> None:
    """Back: it stays; on: the last position; over: the script is finished, and half-way to the same goal again."""
    p, person = small_world.parameters, small_world.people[0]
    goal, variant, switch = 2, 1, 0.1
    last = int(small_world.company.script_length[goal, variant]) - 1
    belief = np.zeros((1, *small_world.company.script_operation.shape))
    belief[0, goal, variant, last - 1] = 1.0
    goals, variants = person.goals[:1], person.variants[:1]
    moved = move(small_world, belief, goals, variants, np.array([switch]))[0]
    assert moved[goal, variant, last - 1] == pytest.approx(p.step_back)
    assert moved[goal, variant, last] == pytest.approx(1 - switch - p.step_back - p.step_over)
    chosen = (switch + (1 - p.same_goal_again) * p.step_over) * goals[0]
    chosen[goal] += p.same_goal_again * p.step_over
    np.testing.assert_allclose(moved[..., 0], chosen[:, None] * variants[0], atol=1e-12)
    assert moved.sum() == pytest.approx(1.0)


def test_the_best_start_time_is_the_best_candidate(small_world: World) -> None:
    """No choice among the candidates beats it, so the usual hour does not either."""
    start = small_world.parameters.start
    best = Ceilings(small_world).of("trigger_predictor", "relative_success", start)
    assert isinstance(best, Ceiling)
    launches = [run for run in small_world.runs if run.candidates]
    reached = np.mean([max(run.chances) for run in launches])
    assert 0 < best.value < reached / np.mean([min(run.chances) for run in launches]) - 1


def test_who_knows_the_anomalies_misses_only_false_reports() -> None:
    honest = simulate(Parameters(users=8, days=10, anomalies=0.2, falsely_reported=0.0))
    recall = Ceilings(honest).of("anomaly_detector", "recall", honest.parameters.start)
    assert isinstance(recall, Ceiling)
    assert recall.value == 1.0
    gossip = simulate(Parameters(users=8, days=10, anomalies=0.2, falsely_reported=0.5))
    recall = Ceilings(gossip).of("anomaly_detector", "recall", gossip.parameters.start)
    assert isinstance(recall, Ceiling)
    assert 0 < recall.value < 0.5


def test_where_no_ceiling_is_computed_it_says_why(small_world: World) -> None:
    start = small_world.parameters.start
    assert "runs to come" in str(Ceilings(small_world).of("sequence_predictor", "soon_f1", start))
