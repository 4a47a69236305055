"""Suggestions: which workflow is shown when a session starts, and what becomes of it."""

from dataclasses import dataclass

import numpy as np

from ml_platform.events.simulator.acts import Acts
from ml_platform.events.simulator.bayes import session_starts
from ml_platform.events.simulator.parameters import Plants
from ml_platform.events.simulator.population import Users
from ml_platform.events.simulator.sessions import DAY, HOUR, MINUTE
from ml_platform.events.simulator.workflows import (
    Catalogue,
    Executions,
    affinities,
    count_before,
    hours_since,
)
from ml_platform.events.simulator.world import Floats, Ints, World, softmax

OUTCOMES = ("accepted", "dismissed", "ignored")
HISTORY_DAYS = 14
"""Days of executions that the adoption utility looks back on; as long runs the hidden time before the start."""


@dataclass(frozen=True)
class Shown:
    """Suggestions in order of (user, time), as parallel arrays."""

    user: Ints
    workflow: Ints
    time: Ints
    outcome: Ints
    settled: Ints
    """Microseconds at which the outcome is known."""
    arm: Ints
    """0 control, 1 treatment; half the users each, without effect unless one is planted."""

    def __len__(self) -> int:
        return len(self.user)


def draw_suggestions(
    world: World,
    catalogue: Catalogue,
    users: Users,
    acts: Acts,
    executions: Executions,
    plants: Plants,
    rng: np.random.Generator,
) -> Shown:
    """At some session starts one workflow is shown: half by liking, half at random."""
    settings = world.parameters.suggestions
    firsts = np.flatnonzero(session_starts(acts))
    firsts = firsts[rng.random(len(firsts)) < settings.share_of_sessions]
    user = acts.user[firsts]
    # Shortly before the first event: the page opens, then the work begins.
    time = acts.time[firsts] - (rng.uniform(5.0, 50.0, len(firsts)) * 1e6).astype(np.int64)
    liking = affinities(world, catalogue, users)
    policy = 0.5 * softmax(liking) + 0.5 / len(catalogue.category)
    uniform = rng.random(len(firsts))[:, None]
    workflow = (np.cumsum(policy, axis=1)[user] < uniform).sum(axis=1)
    workflow = np.minimum(workflow, len(catalogue.category) - 1)
    arm = rng.integers(2, size=len(users))[user]
    utility = _utility(world, catalogue, users, executions, (user, workflow, time))
    utility += settings.similarity * (catalogue.category[workflow] == acts.category[firsts])
    if plants.effect is not None:
        utility += plants.effect.utility * arm
    accepted = rng.random(len(user)) < 1.0 / (1.0 + np.exp(-utility))
    dismissed = rng.random(len(user)) < settings.dismissed_share
    outcome = np.where(accepted, 0, np.where(dismissed, 1, 2))
    delay = settings.delay_median_minutes * np.exp(rng.normal(0.0, settings.delay_sigma, len(user)))
    delay = np.minimum(delay * MINUTE, settings.timeout_hours * HOUR - 1)
    settled = np.where(outcome == 2, settings.timeout_hours * HOUR, delay)
    return Shown(user, workflow, time, outcome, time + np.round(settled).astype(np.int64), arm)


def _utility(
    world: World,
    catalogue: Catalogue,
    users: Users,
    executions: Executions,
    shown: tuple[Ints, Ints, Ints],
) -> Floats:
    """Frequency, recency, success of the user's past runs of the workflow, and hidden affinity."""
    settings = world.parameters.suggestions
    user, workflow, time = shown
    count = len(catalogue.category)
    ran = executions.user * count + executions.workflow
    asked = user * count + workflow
    window = HISTORY_DAYS * DAY
    runs = count_before(ran, executions.start, asked, time, window)
    good = executions.status == 0
    successes = count_before(ran[good], executions.start[good], asked, time, window)
    both = hours_since(np.concatenate([ran, asked]), np.concatenate([executions.start, time]))
    days = np.minimum(np.nan_to_num(both[len(ran) :] / 24.0, nan=HISTORY_DAYS), HISTORY_DAYS)
    liking = affinities(world, catalogue, users)[user, workflow]
    utility: Floats = (
        settings.base
        + settings.frequency * np.log1p(runs)
        + settings.recency * np.exp(-days / 3.0)
        + settings.success * ((successes + 1.0) / (runs + 2.0) - 0.5)
        + settings.affinity * liking
    )
    return utility
