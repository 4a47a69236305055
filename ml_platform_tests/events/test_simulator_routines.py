"""Routines and the ceilings of the sequence models: by hand, by enumeration, calibrated."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

import numpy as np
import pytest

from ml_platform.events.simulator import vocabulary as words
from ml_platform.events.simulator.category_filter import posterior
from ml_platform.events.simulator.change_sets import (
    ChangeSets,
    log_gap_density,
    select,
    session_starts,
)
from ml_platform.events.simulator.parameters import DEFAULT, SECOND
from ml_platform.events.simulator.routines import (
    DELAYS,
    REST,
    WorkflowStarts,
    completions,
    draw_workflow_starts,
    positions,
)
from ml_platform.events.simulator.sequence_ceilings import (
    END,
    best_threshold,
    end_chances,
    next_steps,
    soon_chances,
    step_chances,
    step_names,
)
from ml_platform.events.simulator.simulate import Block, Simulation, blocks
from ml_platform.events.simulator.truth import FIRST, SimulationTruth, build_truth

AS_OF = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module", params=[DEFAULT, SECOND], ids=lambda each: each.name)
def case(request: pytest.FixtureRequest) -> tuple[SimulationTruth, Block]:
    simulation = Simulation(as_of=AS_OF, days=60, users=100, seed=4, parameters=request.param)
    (block,) = blocks(simulation)
    return build_truth(request.param), block


def change_sets_of(*sessions: str) -> ChangeSets:
    """Sessions of steps ``tool:operation`` with spaces between them, a minute apart, of one user."""
    steps = [step.split(":") for session in sessions for step in session.split()]
    session = np.repeat(np.arange(len(sessions)), [len(each.split()) for each in sessions])
    zeros = np.zeros(len(steps), dtype=np.int64)
    return ChangeSets(
        user=zeros,
        session=session,
        time=np.arange(len(steps)) * 60_000_000 + session * 3_600_000_000,
        tool=np.array([words.TOOLS.index(tool) for tool, _ in steps]),
        operation=np.array([words.OPERATIONS.index(operation) for _, operation in steps]),
        project=zeros,
        file=zeros - 1,
        slot=zeros,
        duration_ms=zeros,
        category=zeros,
    )


@pytest.mark.parametrize(
    ("sessions", "expected"),
    [
        # An operation, one to four others, the step: two to five events apart.
        (["chat:query chat:open notebook:run"], [2]),
        (["chat:query notebook:run"], []),
        (["chat:query" + " chat:open" * 4 + " notebook:run"], [5]),
        (["chat:query" + " chat:open" * 5 + " notebook:run"], []),
        # Not over the border of a session, and not by another step.
        (["chat:query chat:open", "notebook:run"], []),
        (["chat:query chat:open terminal:edit"], []),
        # A completion rests for three events.
        (["chat:query chat:query" + " notebook:run" * 6], [2, 6]),
    ],
)
def test_what_completes_a_ritual(sessions: list[str], expected: list[int]) -> None:
    completed = completions(build_truth(DEFAULT), change_sets_of(*sessions))
    assert np.flatnonzero(completed).tolist() == expected


def test_runs_start_two_or_three_events_later_within_the_session(
    case: tuple[SimulationTruth, Block],
) -> None:
    truth, block = case
    silent = replace(truth.parameters.routines, spontaneous=0.0)
    quiet = replace(truth, parameters=replace(truth.parameters, routines=silent))
    change_sets = block.change_sets
    workflow_starts = draw_workflow_starts(quiet, change_sets, np.random.default_rng(0))
    position = positions(change_sets)
    length = np.bincount(change_sets.session, minlength=change_sets.session.max() + 1)[
        change_sets.session
    ]
    completed = np.flatnonzero(workflow_starts.completes)
    started = np.flatnonzero(workflow_starts.starts)
    before = completed[np.searchsorted(completed, started) - 1]
    assert set((started - before).tolist()) == set(DELAYS)
    assert (change_sets.session[started] == change_sets.session[before]).all()
    assert (np.diff(completed)[np.diff(change_sets.session[completed]) == 0] > REST).all()
    enough = completed[length[completed] - position[completed] > max(DELAYS)]
    fired = np.isin(enough, before)
    error = np.sqrt(fired.mean() * (1 - fired.mean()) / len(fired))
    assert abs(fired.mean() - silent.fires) < 4 * error
    late = (started - before == DELAYS[1]).mean()
    assert late == pytest.approx(1 - silent.second_share, abs=0.03)


def test_unscheduled_runs_are_a_twentieth_of_the_events(
    case: tuple[SimulationTruth, Block],
) -> None:
    _, block = case
    unscheduled = (block.executions.trigger != 2).sum()
    assert 0.03 < unscheduled / len(block.change_sets) < 0.06
    assert unscheduled == pytest.approx(block.workflow_starts.starts.sum(), rel=0.02)


def truth_of(block: Block) -> tuple[np.ndarray, np.ndarray]:
    """Next step (its index) and whether a run starts within this event and the two that follow."""
    change_sets, starts = block.change_sets, block.workflow_starts.starts
    last = np.append(session_starts(change_sets)[1:], True)
    following = np.append(
        change_sets.tool[1:] * len(words.OPERATIONS) + change_sets.operation[1:], 0
    )
    soon = starts.copy()
    for steps in (1, 2):
        soon[:-steps] |= starts[steps:] & (
            change_sets.session[steps:] == change_sets.session[:-steps]
        )
    return np.where(last, END, following), soon


def assert_calibrated(block: Block, chances: np.ndarray, truth: np.ndarray) -> None:
    """In every band of probability the share that is true is the mean probability, within 4 errors."""
    bands = np.digitize(chances, [0.005, 0.05, 0.1, 0.2, 0.4, 0.6, 0.75, 0.85, 0.92])
    for band in np.unique(bands):
        chosen = bands == band
        excess = (truth - chances)[chosen]
        by_session = np.bincount(block.change_sets.session[chosen], weights=excess)
        error = np.sqrt((by_session**2).sum()) / chosen.sum()
        assert abs(excess.mean()) <= 4 * error, (band, chosen.sum(), excess.mean(), error)


def test_soon_is_calibrated_and_can_be_told(case: tuple[SimulationTruth, Block]) -> None:
    truth, block = case
    chances = soon_chances(truth, block.change_sets, block.workflow_starts)
    _, soon = truth_of(block)
    assert_calibrated(block, chances, soon)
    alarm = chances >= best_threshold(chances)
    f1 = 2 * (alarm & soon).sum() / (alarm.sum() + soon.sum())
    assert 0.86 < f1 < 0.93


def test_the_next_step_is_calibrated_and_beats_the_most_frequent_successor(
    case: tuple[SimulationTruth, Block],
) -> None:
    truth, block = case
    best = next_steps(truth, block.change_sets, block.known)
    following, _ = truth_of(block)
    right = best.prediction == following
    assert_calibrated(block, best.confidence, right)
    last = block.change_sets.tool * len(words.OPERATIONS) + block.change_sets.operation
    counts = np.zeros((END, END + 1))
    np.add.at(counts, (last, following), 1.0)
    assert right.mean() > (counts[last].argmax(axis=1) == following).mean() + 0.02


def test_next_steps_equal_the_sum_over_all_paths() -> None:
    truth = build_truth(DEFAULT)
    (block,) = blocks(Simulation(as_of=AS_OF, days=10, users=3, seed=1))
    starts = np.flatnonzero(session_starts(block.change_sets))
    long = starts[np.diff(starts, append=len(block.change_sets)) >= 3][0]
    few = select(block.change_sets, np.arange(long, long + 3))
    got = step_chances(truth, few, posterior(truth, few), slice(0, 3))[-1]
    expected = enumerated(truth, few)
    end = end_chances(truth)[2]
    np.testing.assert_allclose(got[:-1], expected * (1 - end), rtol=1e-5)
    assert got.sum() == pytest.approx(1.0, abs=1e-6)
    assert got[-1] == end


def enumerated(truth: SimulationTruth, change_sets: ChangeSets) -> np.ndarray:
    """Probability of each next step of a session that goes on: the sum over personas and categories."""
    _, personas, categories = truth.shape
    gaps = np.diff(change_sets.time, prepend=change_sets.time[0] - 1_000_000) / 1e6
    density = np.exp(log_gap_density(truth, gaps))
    chances = np.zeros((len(words.TOOLS), len(words.OPERATIONS)))
    for persona in range(personas):
        for path in product(range(categories), repeat=len(change_sets) + 1):
            weight = truth.personas[persona] * truth.start[change_sets.slot[0], persona, path[0]]
            for n in range(len(change_sets)):
                category = path[n]
                if n:
                    weight *= truth.moves[change_sets.slot[n], persona, path[n - 1], category]
                    weight *= density[n, category]
                weight *= truth.tools[persona, category, change_sets.tool[n]]
                before = change_sets.operation[n - 1] if n else FIRST
                weight *= truth.operations[
                    category, change_sets.tool[n], before, change_sets.operation[n]
                ]
                if change_sets.file[n] >= 0:
                    weight *= truth.files[category, change_sets.project[n], change_sets.file[n]]
            weight *= truth.moves[change_sets.slot[0], persona, path[-2], path[-1]]
            tools = truth.tools[persona, path[-1]]
            chances += (
                weight * tools[:, None] * truth.operations[path[-1], :, change_sets.operation[-1]]
            )
    return (chances / chances.sum()).ravel()


def test_sessions_end_as_often_as_their_length_says(case: tuple[SimulationTruth, Block]) -> None:
    truth, block = case
    position = positions(block.change_sets)
    ends = np.append(session_starts(block.change_sets)[1:], True)
    chances = end_chances(truth)[position]
    assert abs(ends.mean() - chances.mean()) < 0.002
    late = position > 20
    assert abs(ends[late].mean() - chances[late].mean()) < 0.02
    assert end_chances(truth)[-1] == 1.0


def test_the_ceilings_know_no_label_and_nothing_later() -> None:
    truth = build_truth(DEFAULT)
    (block,) = blocks(Simulation(as_of=AS_OF, days=10, users=5, seed=2))
    change_sets, workflow_starts = block.change_sets, block.workflow_starts
    early = change_sets.time < np.quantile(change_sets.time, 0.5)
    cut = select(replace(change_sets, category=np.zeros_like(change_sets.category)), early)
    known = WorkflowStarts(workflow_starts.completes[early], workflow_starts.starts[early])
    np.testing.assert_array_equal(
        soon_chances(truth, change_sets, workflow_starts)[early], soon_chances(truth, cut, known)
    )
    np.testing.assert_array_equal(
        next_steps(truth, change_sets, block.known).prediction[early],
        next_steps(truth, cut, posterior(truth, cut)).prediction,
    )


def test_the_best_threshold_by_hand() -> None:
    """Alarms at .9 alone: 1.8 / (1 + 1.6); with .5: 2.8 / 3.6; with .2 too: 3.2 / 4.6."""
    assert best_threshold(np.array([0.2, 0.9, 0.5])) == 0.5
    assert len(step_names()) == END + 1


def test_without_rituals_runs_come_out_of_the_blue_alone() -> None:
    """Session after session of steps that complete nothing: the chance of three events, fewer at the end."""
    truth = build_truth(DEFAULT)
    change_sets = change_sets_of("chat:open " * 60, "chat:open")
    chances = soon_chances(truth, change_sets, WorkflowStarts.none(len(change_sets)))
    rare = DEFAULT.routines.spontaneous
    assert chances[59] == pytest.approx(rare)
    assert chances[0] == pytest.approx(3 * rare, rel=0.05)
