"""OfferSets and the Bayes rule of the suggestion scorer: enumeration, calibration, and nothing from the future."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest

from ml_platform.events.simulator.adoption import Shown
from ml_platform.events.simulator.adoption_ceiling import expected_share
from ml_platform.events.simulator.offer_sets import since_last
from ml_platform.events.simulator.parameters import (
    DEFAULT,
    NOTHING_PLANTED,
    PlantedEffects,
    SuggestionEffect,
)
from ml_platform.events.simulator.sessions import DAY, HOUR, MINUTE
from ml_platform.events.simulator.simulate import Block, Simulation, blocks

AS_OF = datetime(2026, 3, 1, 12, tzinfo=UTC)
SETTINGS = DEFAULT.suggestions


def simulated(seed: int = 3, users: int = 80, planted: PlantedEffects = NOTHING_PLANTED) -> Block:
    simulation = Simulation(as_of=AS_OF, days=50, users=users, seed=seed, planted=planted)
    (only,) = blocks(simulation)
    return only


@pytest.fixture(scope="module")
def block() -> Block:
    return simulated()


def offers(*rows: tuple[float, int, float], utility: float = 0.3) -> Shown:
    """One pair's offers: (hour shown, outcome, hours until settled)."""
    hours, outcome, wait = (np.array(column) for column in zip(*rows, strict=True))
    zero = np.zeros(len(rows), dtype=np.int64)
    time = np.round(hours * HOUR).astype(np.int64)
    return Shown(
        user=zero,
        workflow=zero,
        time=time,
        outcome=outcome.astype(np.int64),
        settled=time + np.round(wait * HOUR).astype(np.int64),
        arm=zero,
        utility=np.full(len(rows), utility),
    )


def by_simulation(likelihood, utility: float = 0.3) -> float:
    """Mean probability over a million tastes, weighed by the likelihood of what was seen."""
    tastes = np.random.default_rng(0).normal(0.0, SETTINGS.taste, 1_000_000)
    chance = 1 / (1 + np.exp(-(utility + tastes)))
    weight = likelihood(chance)
    return float((chance * weight).sum() / weight.sum())


def test_the_rule_is_the_posterior_mean() -> None:
    """Accepted, dismissed, accepted, all settled within minutes: p (1 - p) p, then the mean."""
    shown = offers((0, 0, 0.1), (30, 1, 0.1), (60, 0, 0.1), (90, 2, 24))
    shares = expected_share(shown, SETTINGS)
    assert shares[0] == pytest.approx(by_simulation(np.ones_like), abs=2e-3)
    assert shares[3] == pytest.approx(by_simulation(lambda p: p * (1 - p) * p), abs=2e-3)


def test_an_open_offer_speaks_for_ignored() -> None:
    """Ten hours without an outcome: accepted and dismissed offers are settled by then, nearly all."""
    shares = expected_share(offers((0, 2, 24), (10, 0, 0.1)), SETTINGS)
    waiting = (
        1.2e-4  # lognormal, median 12 minutes, sigma 1.1: P(more than 600) = P(z > 3.56) = .00019
    )

    def likelihood(p: np.ndarray) -> np.ndarray:
        dismissed = SETTINGS.dismissed_share
        return p * waiting + (1 - p) * (dismissed * waiting + 1 - dismissed)

    assert shares[1] == pytest.approx(by_simulation(likelihood), abs=2e-3)
    assert shares[1] < shares[0]


def test_the_rule_sees_nothing_later(block: Block) -> None:
    shown = block.shown
    moment = int(np.median(shown.time))
    later = shown.settled >= moment
    other = replace(
        shown,
        outcome=np.where(later, 2 - shown.outcome, shown.outcome),
        settled=np.where(later, np.maximum(shown.settled + HOUR, moment), shown.settled),
    )
    before = shown.time < moment - DAY
    shares, same = expected_share(other, SETTINGS), expected_share(shown, SETTINGS)
    np.testing.assert_allclose(shares[before], same[before], rtol=1e-9)
    assert np.abs(shares[~before] - same[~before]).max() > 0.1


def test_the_rule_is_calibrated(block: Block) -> None:
    """In every tenth the accepted share is the expected one, within 4 errors of users."""
    expected = expected_share(block.shown, SETTINGS)
    accepted = (block.shown.outcome == 0).astype(float)
    for part in np.array_split(np.argsort(expected), 10):
        excess = accepted[part] - expected[part]
        by_user = np.bincount(block.shown.user[part], excess)
        assert abs(excess.sum()) < 4 * np.sqrt((by_user**2).sum())


def test_no_other_taste_is_nearer(block: Block) -> None:
    def error(taste: float) -> float:
        expected = expected_share(block.shown, replace(SETTINGS, taste=taste))
        return float((((block.shown.outcome == 0) - expected) ** 2).mean())

    true = error(SETTINGS.taste)
    assert true < error(3 * SETTINGS.taste)
    assert true < error(0.05)


def test_a_slate_lasts_a_fortnight_and_does_not_come_back_at_once(block: Block) -> None:
    shown = block.shown
    for user in range(5):
        mine = shown.user == user
        times = np.unique(shown.time[mine])
        offer_sets = [
            frozenset(shown.workflow[mine & (shown.time == time)].tolist()) for time in times
        ]
        assert {len(offer_set) for offer_set in offer_sets} == {SETTINGS.offer_set}
        changes = [place for place, (a, b) in enumerate(pairwise(offer_sets), 1) if a != b]
        assert 3 <= len(changes) <= 4  # 50 days
        for place in changes:
            assert not offer_sets[place] & offer_sets[place - 1]
        lasted = np.diff(times[[0, *changes]])
        assert (lasted[1:] > 8 * DAY).all()
        assert (lasted < 20 * DAY).all()


def test_suggestions_have_a_stream_of_their_own(block: Block) -> None:
    """An effect on acceptance changes outcomes and nothing else in the truth."""
    treated = simulated(planted=PlantedEffects(effect=SuggestionEffect(2.0)))
    np.testing.assert_array_equal(treated.change_sets.time, block.change_sets.time)
    np.testing.assert_array_equal(treated.executions.start, block.executions.start)
    np.testing.assert_array_equal(treated.shown.workflow, block.shown.workflow)
    control = block.shown.arm == 0
    np.testing.assert_array_equal(treated.shown.outcome[control], block.shown.outcome[control])
    gain = (treated.shown.outcome == 0)[~control].mean() - (block.shown.outcome == 0)[
        ~control
    ].mean()
    assert gain > 0.1


def test_since_last_looks_strictly_before() -> None:
    shares = since_last(
        np.array([1, 1, 2]), np.array([5, 9, 7]), np.array([1, 1, 2, 3]), np.array([9, 10, 7, 9])
    )
    np.testing.assert_array_equal(shares, [4, 1, np.inf, np.inf])
    assert MINUTE == 60_000_000
