"""Users who come again: how much less their windows differ than those of strangers, seen in simulations."""

from datetime import timedelta

import numpy as np
import pytest

from ml_platform.monitoring.distribution import Bins, clustered_shares, number_bins, number_codes
from ml_platform.monitoring.recurring import NO_RECURRENCE, Recurrence, recurrence
from ml_platform.monitoring.slices import _capped
from ml_platform.monitoring.weeks import MANY, Inflation, replay, replay_missing

USERS, WEEKS, ROWS = 60, 6, 20
HALF = Bins(number_bins(np.array([0.0, 1.0])).kind, cuts=(0.0,))


def weeks_of(
    draw: np.random.Generator, lasting: float, weeks: int = WEEKS
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Values and users of each week, the newest first: a user's level, of which ``lasting`` stays for ever."""
    users = np.repeat(np.arange(USERS), ROWS)
    stays = draw.normal(size=USERS) * np.sqrt(lasting)
    each = []
    for _ in range(weeks):
        level = stays + draw.normal(size=USERS) * np.sqrt(1.0 - lasting)
        each.append((level[users] + draw.normal(size=users.size), users))
    return each


def measured(weeks: list[tuple[np.ndarray, np.ndarray]], bins: Bins) -> Recurrence:
    codes = number_codes(bins, np.concatenate([values for values, _ in weeks]))
    users = np.concatenate([users for _, users in weeks])
    places = np.split(np.arange(users.size), len(weeks))
    return recurrence(codes, users, bins, places)


@pytest.mark.parametrize("lasting", [0.0, 0.5, 0.9])
def test_what_recurs_is_what_a_later_window_varies_less(lasting: float) -> None:
    """The share below 0 of a later week less that of six weeks: its variance over that of strangers."""
    draw = np.random.default_rng(4)
    squares, strangers, recurring = [], [], []
    for _ in range(150):
        *baseline, later = weeks_of(draw, lasting, WEEKS + 1)
        whole = tuple(np.concatenate(each) for each in zip(*baseline, strict=True))
        sides = [
            clustered_shares(number_codes(HALF, values), users, 2)
            for values, users in (whole, later)
        ]
        squares.append((sides[1].shares[0] - sides[0].shares[0]) ** 2)
        strangers.append(sum(side.covariance[0, 0] for side in sides))
        recurring.append(measured(baseline, HALF).cumulative)
    left = np.mean(squares) / np.mean(strangers)
    assert 1.0 - np.mean(recurring) == pytest.approx(left, rel=0.25)
    assert np.mean(recurring) == pytest.approx(0.0 if lasting == 0.0 else 1.0 - left, abs=0.1)


def test_weeks_less_the_others_vary_as_their_users_say() -> None:
    """Observed over expected variance is one, where by strangers it would be far below."""
    draw = np.random.default_rng(5)
    paired, unpaired = [], []
    for _ in range(30):
        weeks = weeks_of(draw, 0.8)
        bins = number_bins(np.concatenate([values for values, _ in weeks]))
        shares = [clustered_shares(number_codes(bins, v), u, bins.count) for v, u in weeks]
        codes = number_codes(bins, np.concatenate([values for values, _ in weeks]))
        users = np.concatenate([users for _, users in weeks])
        whole = clustered_shares(codes, users, bins.count)
        again = measured(weeks, bins)
        paired.append(replay(whole, shares, cumulative=True, pairs=again.pairs).ratio)
        unpaired.append(replay(whole, shares, cumulative=True).ratio)
    assert np.mean(paired) == pytest.approx(1.0, abs=0.2)
    assert np.mean(unpaired) < 0.5


def test_what_is_missing_recurs_too() -> None:
    """Half of the users never have a value: their missing share is the same in every window."""
    users = np.repeat(np.arange(USERS), ROWS)
    values = np.where(users % 2 == 0, np.nan, np.random.default_rng(6).normal(size=users.size))
    weeks = [(values, users)] * WEEKS
    again = measured(weeks, HALF)
    assert again.missing == 0.9
    shares = [clustered_shares(number_codes(HALF, values), users, 2)] * WEEKS
    whole = clustered_shares(np.tile(number_codes(HALF, values), WEEKS), np.tile(users, WEEKS), 2)
    found = replay_missing(whole, shares, pairs=again.pairs)
    assert (found.observed, found.expected) == pytest.approx((0.0, 0.0), abs=1e-12)


def test_sessions_do_not_come_again() -> None:
    weeks = weeks_of(np.random.default_rng(7), 0.5)
    sessions = [(values, users + place * USERS) for place, (values, users) in enumerate(weeks)]
    assert measured(sessions, HALF) == NO_RECURRENCE


def test_few_weeks_say_nothing_of_later_ones() -> None:
    weeks = weeks_of(np.random.default_rng(7), 0.5)
    assert measured(weeks[:3], HALF) == NO_RECURRENCE


def test_weeks_that_share_a_past_are_not_taken_for_lasting() -> None:
    """Sums over four weeks of weekly chance: weeks next to each other are alike, weeks four apart are not."""
    draw = np.random.default_rng(8)
    near, far = [], []
    for _ in range(30):
        chance = draw.normal(size=(USERS, 9))
        users = np.repeat(np.arange(USERS), ROWS)
        weeks = [(chance[:, week : week + 4].mean(axis=1)[users], users) for week in range(6)]
        codes = number_codes(HALF, np.concatenate([values for values, _ in weeks]))
        places = np.split(np.arange(codes.size), len(weeks))
        clusters = np.tile(users, len(weeks))
        near.append(recurrence(codes, clusters, HALF, places).cumulative)
        far.append(recurrence(codes, clusters, HALF, places, timedelta(days=28)).cumulative)
    assert np.mean(far) < 0.15
    assert np.mean(near) > 0.25


def test_a_slice_is_granted_nothing_that_was_measured_over_all_users() -> None:
    assert _capped(Inflation(0.4, MANY), 10) == Inflation(1.0, 9.0)
    assert _capped(Inflation(3.0, 5.0), 10) == Inflation(3.0, 5.0)
