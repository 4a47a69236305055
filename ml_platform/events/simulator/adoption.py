"""Suggestions: a user's offer set, shown when a session starts, and the outcome of each offer.

Whether an offer is accepted depends on the user's observable history with the workflow at the start of the offer
set, and on a hidden taste of the user for the workflow, which lasts and drives nothing else.
"""

from dataclasses import dataclass

import numpy as np

from ml_platform.events.simulator.change_sets import ChangeSets, session_starts
from ml_platform.events.simulator.offer_sets import HISTORY_DAYS, draw_offer_sets, plan_occasions
from ml_platform.events.simulator.parameters import PlantedEffects
from ml_platform.events.simulator.population import Users
from ml_platform.events.simulator.sessions import HOUR, MINUTE
from ml_platform.events.simulator.truth import Floats, Ints, SimulationTruth
from ml_platform.events.simulator.workflows import Catalogue, Executions

__all__ = ["HISTORY_DAYS", "OUTCOMES", "Shown", "draw_suggestions"]

OUTCOMES = ("accepted", "dismissed", "ignored")


@dataclass(frozen=True)
class Shown:
    """Offers in order of (user, time, workflow), as parallel arrays."""

    user: Ints
    workflow: Ints
    time: Ints
    outcome: Ints
    settled: Ints
    """Microseconds at which the outcome is known."""
    arm: Ints
    """0 control, 1 treatment; half the users each, without effect unless one is planted."""
    utility: Floats
    """Logit of acceptance without taste and effect: what the tables say at the start of the offer set."""

    def __len__(self) -> int:
        return len(self.user)


def draw_suggestions(
    truth: SimulationTruth,
    catalogue: Catalogue,
    users: Users,
    change_sets: ChangeSets,
    executions: Executions,
    planted: PlantedEffects,
    since: int,
    rng: np.random.Generator,
) -> Shown:
    """At every session start from ``since`` on the user's offer set is offered."""
    settings = truth.parameters.suggestions
    firsts = np.flatnonzero(session_starts(change_sets))
    # Shortly before the first event: the page opens, then the work begins.
    opened = change_sets.time[firsts] - (rng.uniform(5.0, 50.0, len(firsts)) * 1e6).astype(np.int64)
    planned = plan_occasions(users, change_sets.user[firsts], opened, since, settings, rng)
    offer_sets = draw_offer_sets(truth, catalogue, users, change_sets, executions, planned, rng)
    arms = rng.integers(2, size=len(users))
    tastes = rng.normal(0.0, settings.taste, (len(users), len(catalogue.category)))
    occasions = planned[0]
    user = np.repeat(occasions.user, settings.offer_set)
    time = np.repeat(occasions.time, settings.offer_set)
    workflow = offer_sets.workflow[occasions.offer_set].ravel()
    utility = offer_sets.utility[occasions.offer_set].ravel()
    liked = utility + tastes[user, workflow]
    if planted.effect is not None:
        liked += planted.effect.utility * arms[user]
    accepted = rng.random(len(user)) < 1.0 / (1.0 + np.exp(-liked))
    dismissed = rng.random(len(user)) < settings.dismissed_share
    outcome = np.where(accepted, 0, np.where(dismissed, 1, 2))
    delay = settings.delay_median_minutes * np.exp(rng.normal(0.0, settings.delay_sigma, len(user)))
    delay = np.minimum(delay * MINUTE, settings.timeout_hours * HOUR - 1)
    settled = np.where(outcome == 2, settings.timeout_hours * HOUR, delay)
    return Shown(
        user=user,
        workflow=workflow,
        time=time,
        outcome=outcome,
        settled=time + np.round(settled).astype(np.int64),
        arm=arms[user],
        utility=utility,
    )
