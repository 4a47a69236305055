"""The Bayes rule for the workflows a user adopts next, from what the user did and ran before a snapshot.

It sees all earlier events, through the exact belief about the persona (`category_filter.posterior`), and how
often each workflow ran. Tastes given the persona are normal; their posterior is by importance sampling of the true
prior with `DRAWS` tastes, the likelihood of the runs is that of independent choices by the true choice
probabilities. Offered are the workflows not used yet with the highest expected choice probability: no
recommender that sees a part of this does better on average, but for what sampling loses. A user's true
tastes, which nobody can see, would do better by about .01 of nDCG.
"""

from dataclasses import dataclass

import numpy as np

from ml_platform.events.simulator import vocabulary as words
from ml_platform.events.simulator.category_filter import Posterior
from ml_platform.events.simulator.change_sets import ChangeSets
from ml_platform.events.simulator.population import Users, taste_centres
from ml_platform.events.simulator.sessions import DAY
from ml_platform.events.simulator.truth import Floats, Ints, SimulationTruth, softmax
from ml_platform.events.simulator.workflows import Catalogue, Executions, taste_affinities

OFFERED = 5
HORIZON_DAYS = 14
SEEN_DAYS = 28
"""A user has a snapshot if there was an event or a run of theirs within this many days before it."""
DRAWS = 8192
_WEEK = 7 * DAY
_MONDAY = 4 * DAY
_ROWS_AT_ONCE = 500
"""Rows whose posterior weights over the draws are held at once: 33 MB."""
_SCHEDULED = 2


@dataclass(frozen=True)
class Offers:
    """One row per user and Monday, as parallel arrays."""

    user: Ints
    time: Ints
    """Monday 00:00 UTC, microseconds since 1970."""
    workflows: Ints
    """(n, `OFFERED`), the most probable first; -1 where fewer are left."""
    probability: Floats
    """Probability that the first of them is run within the horizon, at the average pace."""

    def __len__(self) -> int:
        return len(self.user)


def recommender_ceiling(
    truth: SimulationTruth,
    catalogue: Catalogue,
    users: Users,
    change_sets: ChangeSets,
    known: Posterior,
    executions: Executions,
    span: tuple[int, int],
) -> Offers:
    """Offers for every user and Monday within ``span`` before which the user was seen."""
    mondays = np.arange(-(-(span[0] + 1 - _MONDAY) // _WEEK), -(-(span[1] - _MONDAY) // _WEEK))
    mondays = mondays * _WEEK + _MONDAY
    tastes, persona = _tastes(truth)
    scheduled = float((executions.trigger == _SCHEDULED).mean()) if len(executions) else 0.5
    chances = _choices(truth, catalogue, change_sets, known, tastes, persona, scheduled)
    pace = HORIZON_DAYS * len(executions) * DAY / (max(len(users), 1) * (span[1] - span[0]))
    parts = []
    for monday in mondays.tolist():
        seen = _seen(users, change_sets, executions, monday)
        runs = _runs(users, catalogue, executions, monday)[seen]
        belief = _belief(truth, users, change_sets, known, monday)[seen]
        expected = _expected(runs, belief, chances, persona)
        parts.append(_offer(seen, monday, runs, expected, pace))
    return _joined(parts)


def _tastes(truth: SimulationTruth) -> tuple[Floats, Ints]:
    """Draws of the true prior, as many for each persona: (draws, factors) and their personas."""
    rng = np.random.default_rng(truth.parameters.structure_seed + 3)
    centres = taste_centres(truth)
    persona = np.arange(DRAWS) % len(centres)
    spread = truth.parameters.executions.taste_spread
    return centres[persona] + rng.normal(0.0, spread, (DRAWS, centres.shape[1])), persona


def _choices(
    truth: SimulationTruth,
    catalogue: Catalogue,
    change_sets: ChangeSets,
    known: Posterior,
    tastes: Floats,
    persona: Ints,
    scheduled: float,
) -> Floats:
    """(draws, workflows) probability that a run is of each workflow, scheduled runs and those with events mixed."""
    settings = truth.parameters.executions
    _, personas, categories = truth.shape
    mix = np.full((personas, categories), 1e-9)
    np.add.at(mix.T, change_sets.category, known.persona)
    mix /= mix.sum(axis=1, keepdims=True)
    liking = taste_affinities(truth, catalogue, tastes)
    chances = scheduled * softmax(liking)
    for category in range(len(words.CATEGORIES)):
        match = settings.category_match * (catalogue.category == category)
        chances += (1.0 - scheduled) * mix[persona, category][:, None] * softmax(liking + match)
    result: Floats = chances
    return result


def _seen(users: Users, change_sets: ChangeSets, executions: Executions, monday: int) -> Ints:
    seen = np.zeros(len(users), dtype=bool)
    for user, time in ((change_sets.user, change_sets.time), (executions.user, executions.start)):
        seen[user[(time >= monday - SEEN_DAYS * DAY) & (time < monday)]] = True
    return np.flatnonzero(seen)


def _runs(users: Users, catalogue: Catalogue, executions: Executions, monday: int) -> Floats:
    count = len(catalogue.category)
    before = executions.start < monday
    pairs = executions.user[before] * count + executions.workflow[before]
    runs = np.bincount(pairs, minlength=len(users) * count).reshape(len(users), count)
    return runs.astype(np.float64)


def _belief(
    truth: SimulationTruth, users: Users, change_sets: ChangeSets, known: Posterior, monday: int
) -> Floats:
    """(users, personas) from each user's last event before the Monday; the prior where there is none."""
    belief = np.tile(truth.personas, (len(users), 1))
    before = np.flatnonzero(change_sets.time < monday)
    # Rows are in order of (user, time): of several of a user the last assignment stays.
    belief[change_sets.user[before]] = known.persona[before]
    return belief


def _expected(runs: Floats, belief: Floats, chances: Floats, persona: Ints) -> Floats:
    """(rows, workflows) posterior mean of the choice probabilities."""
    logs = np.log(chances).T
    expected = np.empty_like(runs)
    for start in range(0, len(runs), _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        weights = runs[part] @ logs + np.log(belief[part] + 1e-12)[:, persona]
        weights = softmax(weights)
        expected[part] = weights @ chances
    return expected


def _offer(seen: Ints, monday: int, runs: Floats, expected: Floats, pace: float) -> Offers:
    unused = np.where(runs > 0, -1.0, expected)
    order = np.argsort(-unused, axis=1, kind="stable")[:, :OFFERED]
    chance = np.take_along_axis(unused, order, axis=1)
    return Offers(
        user=seen,
        time=np.full(len(seen), monday),
        workflows=np.where(chance > 0, order, -1),
        probability=1.0 - np.exp(-pace * np.maximum(chance[:, 0], 0.0)),
    )


def _joined(parts: list[Offers]) -> Offers:
    if not parts:
        none = np.empty(0, dtype=np.int64)
        return Offers(none, none, np.empty((0, OFFERED), dtype=np.int64), np.empty(0))
    return Offers(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("user", "time", "workflows", "probability")
        )
    )
