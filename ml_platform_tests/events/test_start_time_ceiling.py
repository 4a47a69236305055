"""WorkflowStarts at drawn hours: what is logged is true, and the Bayes rule is calibrated."""

from datetime import UTC, datetime

import numpy as np
import pytest

from ml_platform.events.simulator.parameters import DEFAULT
from ml_platform.events.simulator.sessions import DAY, HOUR
from ml_platform.events.simulator.simulate import Block, Simulation, blocks
from ml_platform.events.simulator.truth import Floats, Ints, build_truth
from ml_platform.events.simulator.workflows import home_offsets

AS_OF = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def block() -> Block:
    (only,) = blocks(Simulation(as_of=AS_OF, days=60, users=150, seed=3))
    return only


@pytest.fixture(scope="module")
def drawn(block: Block) -> Ints:
    return np.flatnonzero(block.executions.candidates[:, 0] >= 0)


@pytest.fixture(scope="module")
def chosen(block: Block, drawn: Ints) -> Ints:
    """Place of the hour that was drawn among the candidates."""
    runs = block.executions
    local = runs.start[drawn] + home_offsets(build_truth(DEFAULT), block.users)[runs.user[drawn]]
    agrees = runs.candidates[drawn] == (local % DAY // HOUR)[:, None]
    assert (agrees.sum(axis=1) == 1).all()
    place: Ints = agrees.argmax(axis=1)
    return place


def success(block: Block, drawn: Ints) -> Floats:
    return (block.executions.status[drawn] == 0).astype(np.float64)


def test_there_are_about_seven_launches_in_ten_user_days(drawn: Ints) -> None:
    assert 0.6 < len(drawn) / 150 / 60 < 0.8


@pytest.mark.parametrize("hours", [(0, 6), (6, 12), (12, 18), (18, 24), (0, 24)])
def test_inverse_propensities_average_to_one_at_every_time_of_day(
    block: Block, drawn: Ints, chosen: Ints, hours: tuple[int, int]
) -> None:
    runs = block.executions
    candidates = runs.candidates[drawn]
    inside = (candidates >= hours[0]) & (candidates < hours[1])
    asked = inside.any(axis=1)
    mine = inside[np.arange(len(drawn)), chosen]
    weight = (mine / runs.propensity[drawn] / np.maximum(inside.sum(axis=1), 1))[asked]
    assert abs(weight.mean() - 1) < 4 * weight.std() / np.sqrt(len(weight))


def test_no_cut_in_time_depends_on_the_hour_that_was_drawn(block: Block, drawn: Ints) -> None:
    runs = block.executions
    offset = home_offsets(build_truth(DEFAULT), block.users)[runs.user[drawn]]
    midnight = (runs.start[drawn] + offset) // DAY * DAY - offset
    since, until = Simulation(as_of=AS_OF, days=60).span
    assert (midnight + runs.candidates[drawn, 0] * HOUR >= since).all()
    assert (midnight + (runs.candidates[drawn, -1] + 1) * HOUR <= until).all()


def test_the_bayes_rule_is_calibrated_where_hours_were_drawn(
    block: Block, drawn: Ints, chosen: Ints
) -> None:
    chances = block.start_success[drawn, chosen]
    came = success(block, drawn)
    bins = np.digitize(chances, np.quantile(chances, (0.2, 0.4, 0.6, 0.8)))
    for each in range(5):
        inside = bins == each
        error = np.sqrt(0.25 / inside.sum())
        assert abs(chances[inside].mean() - came[inside].mean()) < 3.5 * error


def test_the_hour_matters_by_more_than_a_third(block: Block, drawn: Ints) -> None:
    chances, hours = block.start_success[drawn], block.executions.candidates[drawn]
    fixed = chances[np.arange(len(drawn)), np.abs(hours - 12).argmin(axis=1)].mean()
    assert chances.max(axis=1).mean() > 1.35 * fixed
    assert chances.min(axis=1).mean() < 0.8 * fixed
    assert np.isnan(np.delete(block.start_success, drawn, axis=0)).all()
