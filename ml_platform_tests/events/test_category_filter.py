"""The Bayes rule: equal to enumeration on tiny cases, calibrated, and beaten by nothing."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

import numpy as np
import pytest

from ml_platform.events.simulator.category_filter import log_evidence, posterior
from ml_platform.events.simulator.change_sets import (
    ChangeSets,
    log_gap_density,
    select,
    session_starts,
)
from ml_platform.events.simulator.parameters import DEFAULT, SECOND, Parameters
from ml_platform.events.simulator.simulate import Block, Simulation, blocks
from ml_platform.events.simulator.truth import FIRST, SimulationTruth, build_truth

AS_OF = datetime(2026, 3, 1, 12, tzinfo=UTC)


def simulate(parameters: Parameters, users: int, days: int) -> Block:
    (block,) = blocks(
        Simulation(as_of=AS_OF, days=days, users=users, seed=11, parameters=parameters)
    )
    return block


@pytest.fixture(scope="module", params=[DEFAULT, SECOND], ids=lambda each: each.name)
def case(request: pytest.FixtureRequest) -> tuple[SimulationTruth, Block]:
    return build_truth(request.param), simulate(request.param, 150, 60)


def enumerated(truth: SimulationTruth, change_sets: ChangeSets) -> tuple[np.ndarray, np.ndarray]:
    """Posterior of the last event's category and of the persona: the sum over every path."""
    _, personas, categories = truth.shape
    first = session_starts(change_sets)
    by_category, by_persona = np.zeros(categories), np.zeros(personas)
    gaps = np.diff(change_sets.time, prepend=change_sets.time[0] - 1_000_000) / 1e6
    gap_density = np.exp(log_gap_density(truth, gaps))
    for persona in range(personas):
        for path in product(range(categories), repeat=len(change_sets)):
            weight = truth.personas[persona]
            for n, category in enumerate(path):
                slot, tool, operation = (
                    change_sets.slot[n],
                    change_sets.tool[n],
                    change_sets.operation[n],
                )
                if first[n]:
                    weight *= truth.start[slot, persona, category]
                else:
                    weight *= truth.moves[slot, persona, path[n - 1], category]
                    weight *= gap_density[n, category]
                weight *= truth.tools[persona, category, tool]
                before = FIRST if first[n] else change_sets.operation[n - 1]
                weight *= truth.operations[category, tool, before, operation]
                if change_sets.file[n] >= 0:
                    weight *= truth.files[category, change_sets.project[n], change_sets.file[n]]
            by_category[path[-1]] += weight
            by_persona[persona] += weight
    return by_category / by_category.sum(), by_persona / by_persona.sum()


def test_the_filter_equals_the_sum_over_all_paths() -> None:
    truth = build_truth(DEFAULT)
    change_sets = simulate(DEFAULT, 4, 10).change_sets
    known = posterior(truth, change_sets)
    for user in range(3):
        mine = np.flatnonzero(change_sets.user == user)
        turn = np.flatnonzero(session_starts(change_sets)[mine])[1]
        # The last two events of the first session and the first two of the second: two sessions,
        # so that the persona is all that is carried over. 4 personas x 8^4 paths.
        few = select(change_sets, mine[[turn - 2, turn - 1, turn, turn + 1]])
        category, persona = enumerated(truth, few)
        got = posterior(truth, few)
        np.testing.assert_allclose(got.category[-1], category, rtol=1e-9)
        np.testing.assert_allclose(got.persona[-1], persona, rtol=1e-9)
    assert known.category.shape == (len(change_sets), 8)


def test_the_filter_sees_nothing_later_and_no_label() -> None:
    truth = build_truth(DEFAULT)
    change_sets = simulate(DEFAULT, 5, 10).change_sets
    known = posterior(truth, change_sets)
    early = change_sets.time < np.quantile(change_sets.time, 0.5)
    relabelled = replace(change_sets, category=np.zeros_like(change_sets.category))
    cut = posterior(truth, select(relabelled, early))
    np.testing.assert_array_equal(known.category[early], cut.category)


def test_confidence_is_calibrated(case: tuple[SimulationTruth, Block]) -> None:
    """In every band of confidence the share that is right is the mean confidence, within 4 errors."""
    _, block = case
    right = block.known.prediction == block.change_sets.category
    confidence = block.known.confidence
    bands = np.digitize(confidence, [0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99])
    for band in np.unique(bands):
        chosen = bands == band
        excess = (right - confidence)[chosen]
        by_session = np.bincount(block.change_sets.session[chosen], weights=excess)
        error = np.sqrt((by_session**2).sum()) / chosen.sum()
        assert abs(excess.mean()) < 4 * error, (band, chosen.sum(), excess.mean(), error)


def test_every_category_and_persona_is_calibrated(case: tuple[SimulationTruth, Block]) -> None:
    _, block = case
    truth = np.eye(8)[block.change_sets.category]
    by_user = np.zeros((len(block.users), 8))
    np.add.at(by_user, block.change_sets.user, block.known.category - truth)
    error = np.sqrt((by_user**2).sum(axis=0))
    assert (np.abs(by_user.sum(axis=0)) < 4 * error).all()
    last = np.flatnonzero(np.diff(block.change_sets.user, append=-1))
    persona = block.users.persona[block.change_sets.user[last]]
    assert (block.known.persona[last].argmax(axis=1) == persona).mean() > 0.95


def test_no_other_rule_is_more_often_right(case: tuple[SimulationTruth, Block]) -> None:
    """Rules with a wrong idea of the truth lose, or draw within the noise of paired sessions."""
    truth, block = case
    change_sets = block.change_sets
    right = block.known.prediction == change_sets.category
    flat = np.full_like(truth.personas, 1.0 / len(truth.personas))
    mean_moves = np.broadcast_to(truth.moves.mean(axis=(0, 1)), truth.moves.shape)
    mean_tools = np.broadcast_to(truth.tools.mean(axis=0), truth.tools.shape)
    other_parameters = {
        "one persona": replace(truth, tools=mean_tools, moves=mean_moves),
        "flat personas": replace(truth, personas=flat),
        "stickier": replace(truth, moves=0.5 * truth.moves + 0.5 * np.eye(8)),
        "sharper": replace(truth, files=truth.files**1.5),
        "blunter": replace(truth, operations=truth.operations**0.6),
    }
    losses = {}
    for name, other in other_parameters.items():
        won = (posterior(other, change_sets).prediction == change_sets.category).astype(
            float
        ) - right
        by_session = np.bincount(change_sets.session, weights=won)
        losses[name] = won.sum() / np.sqrt((by_session**2).sum())
    assert max(losses.values()) < 3, losses
    assert losses["stickier"] < -3, losses
    assert losses["one persona"] < -3, losses


def test_without_the_session_much_is_lost(case: tuple[SimulationTruth, Block]) -> None:
    """Context carries real information: the rule that sees one event alone is .05 below, and more."""
    truth, block = case
    start = np.tensordot(truth.personas, truth.start.mean(axis=0), axes=1)
    tools = np.tensordot(truth.personas, truth.tools, axes=1)
    score = (
        log_evidence(truth, block.change_sets)
        + np.log(tools[:, block.change_sets.tool]).T
        + np.log(start)
    )
    alone = (score.argmax(axis=1) == block.change_sets.category).mean()
    ceiling = (block.known.prediction == block.change_sets.category).mean()
    assert 0.88 < ceiling < 0.95
    assert alone < ceiling - 0.05
