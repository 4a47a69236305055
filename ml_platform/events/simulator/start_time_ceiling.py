"""The Bayes rule for start times: how probable success is at each candidate hour, as known at midnight.

Known are the workflow, the hour, the user's runs and sessions before the local midnight at which the
hour is chosen, and all parameters. Not known are the minute of the start and how busy the user will be
in the hour before it: the rule averages over both.
"""

from dataclasses import dataclass

import numpy as np

from ml_platform.events.simulator.change_sets import ChangeSets, session_starts
from ml_platform.events.simulator.population import Users
from ml_platform.events.simulator.sessions import DAY, HOUR, MINUTE
from ml_platform.events.simulator.truth import Floats, Ints, SimulationTruth
from ml_platform.events.simulator.workflows import (
    Catalogue,
    Executions,
    count_before,
    home_offsets,
    success_logit,
)

_MINUTES = (10, 30, 50)
"""Midpoints of thirds of the hour, over which the minute of a start is averaged."""
_LEVELS = 5
"""Equally probable levels that stand for the counts of a busy hour."""
_EVERY = 3
"""Hours between two samples of how busy a user is: 240,000 samples for 250 users and 90 days."""
_EPOCH_WEEKDAY = 3


@dataclass(frozen=True)
class Busyness:
    """Events in the hour before a moment, by kind of day (0 weekday, 1 weekend) times 24 + local hour."""

    share: Floats
    """(48,) probability of any event, for a user of rate 1."""
    levels: Floats
    """(48, levels) log1p of the count where there is any, at equally probable levels."""


def candidate_success(
    truth: SimulationTruth,
    catalogue: Catalogue,
    users: Users,
    change_sets: ChangeSets,
    runs: Executions,
) -> Floats:
    """(executions, candidate_hours) probability of success; NaN for executions without candidates.

    ``runs`` and ``change_sets`` are all there are, hidden time before the start included: both in order of user.
    """
    success = np.full(runs.candidates.shape, np.nan)
    drawn = np.flatnonzero(runs.candidates[:, 0] >= 0)
    if not len(drawn):
        return success
    user, workflow = runs.user[drawn], runs.workflow[drawn]
    offset = home_offsets(truth, users)[user]
    midnight = (runs.start[drawn] + offset) // DAY * DAY - offset
    last = _last_before(catalogue, runs, user, workflow, midnight)[:, None]
    hours = runs.candidates[drawn]
    busyness = _busyness(truth, users, change_sets)
    weekend = ((midnight + offset) // DAY + _EPOCH_WEEKDAY) % 7 >= 5
    cell = weekend[:, None] * 24 + hours
    rate = _known_rate(truth, users, change_sets, user, midnight)
    busy = np.minimum(busyness.share[cell] * rate[:, None], 0.99)[..., None]
    added = truth.parameters.executions.success_activity * busyness.levels[cell]
    total = np.zeros(hours.shape)
    for minute in _MINUTES:
        since_last = (midnight[:, None] + hours * HOUR + minute * MINUTE - last) / HOUR
        local_hour = hours.astype(np.float64) + minute / 60.0
        logit = success_logit(truth, catalogue, workflow[:, None], local_hour, since_last)[
            ..., None
        ]
        idle = _sigmoid(logit)
        total += ((1 - busy) * idle + busy * _sigmoid(logit + added).mean(-1, keepdims=True))[
            ..., 0
        ]
    success[drawn] = total / len(_MINUTES)
    return success


def _last_before(
    catalogue: Catalogue, runs: Executions, user: Ints, workflow: Ints, moment: Ints
) -> Floats:
    """Start of the pair's last run before each moment; NaN without one."""
    count = len(catalogue.category)
    pair = runs.user * count + runs.workflow
    order = np.lexsort((runs.start, pair))
    width = int(runs.start.max()) - int(runs.start.min()) + 2 * DAY
    origin = int(runs.start.min()) - DAY
    keys = pair[order] * width + (runs.start[order] - origin)
    asked = user * count + workflow
    place = np.searchsorted(keys, asked * width + (moment - origin), side="left") - 1
    before = order[np.maximum(place, 0)]
    known = (place >= 0) & (pair[before] == asked)
    return np.where(known, runs.start[before].astype(np.float64), np.nan)


def _busyness(truth: SimulationTruth, users: Users, change_sets: ChangeSets) -> Busyness:
    """Estimated by counting the simulated events at one random moment in every third hour."""
    rng = np.random.default_rng(truth.parameters.structure_seed + 3)
    if not len(change_sets):
        return Busyness(np.zeros(48), np.zeros((48, _LEVELS)))
    hours = np.arange(
        int(change_sets.time.min()) // HOUR, int(change_sets.time.max()) // HOUR, _EVERY
    )
    user = np.repeat(np.arange(len(users)), len(hours))
    moment = np.tile(hours, len(users)) * HOUR + (rng.random(len(user)) * _EVERY * HOUR).astype(int)
    count = count_before(change_sets.user, change_sets.time, user, moment, HOUR)
    local = moment + home_offsets(truth, users)[user]
    weekend = (local // DAY + _EPOCH_WEEKDAY) % 7 >= 5
    cell = weekend * 24 + local % DAY // HOUR
    samples = np.bincount(cell, weights=users.rate[user], minlength=48)
    share = np.bincount(cell, weights=count > 0, minlength=48) / np.maximum(samples, 1.0)
    places = (np.arange(_LEVELS) + 0.5) / _LEVELS
    levels = np.zeros((48, _LEVELS))
    for each in np.unique(cell[count > 0]):
        levels[each] = np.log1p(np.quantile(count[(cell == each) & (count > 0)], places))
    return Busyness(share, levels)


def _known_rate(
    truth: SimulationTruth, users: Users, change_sets: ChangeSets, user: Ints, moment: Ints
) -> Floats:
    """Posterior mean of the rates of users by their sessions before each moment (gamma and Poisson)."""
    shape = truth.parameters.population.rate_shape
    if not len(change_sets):
        return np.ones(len(user))
    starts = np.flatnonzero(session_starts(change_sets))
    begin, end = int(change_sets.time.min()), int(change_sets.time.max())
    a_day = len(starts) / (float(users.rate.sum()) * max((end - begin) / DAY, 1.0))
    seen = count_before(
        change_sets.user[starts], change_sets.time[starts], user, moment, moment.max() - begin
    )
    rate: Floats = (shape + seen) / (shape + a_day * np.maximum(moment - begin, 0) / DAY)
    return rate


def _sigmoid(logit: Floats) -> Floats:
    result: Floats = 1.0 / (1.0 + np.exp(-logit))
    return result
