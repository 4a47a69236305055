"""Who the simulated users are: hidden persona and rate, visible team, region, tenure."""

from dataclasses import dataclass

import numpy as np

from ml_platform.events.simulator import vocabulary as words
from ml_platform.events.simulator.truth import Floats, Ints, SimulationTruth


@dataclass(frozen=True)
class Users:
    """One row per user, as parallel arrays."""

    number: Ints
    persona: Ints
    """Hidden: no table holds it."""
    team: Ints
    region: Ints
    tenure_days: Ints
    rate: Floats
    """Hidden: multiplier of the session rate, mean 1, constant over the simulation."""
    project_shares: Floats
    """(users, projects_per_team) how a user's sessions divide over the projects of the team."""
    pace: Floats
    """Hidden: multiplier of how long operations take; lognormal around 1."""
    factors: Floats
    """(users, factors) hidden tastes in workflows, centred by persona."""
    begins: Ints
    """First microsecond of the user (`turnover`)."""
    ends: Ints
    """The one after the last."""

    def __len__(self) -> int:
        return len(self.number)


def draw_users(truth: SimulationTruth, numbers: Ints, rng: np.random.Generator) -> Users:
    """Users with these numbers; team, region and tenure are independent of the persona."""
    population = truth.parameters.population
    count = len(numbers)
    persona = rng.choice(len(words.PERSONAS), size=count, p=truth.personas)
    centres = taste_centres(truth)
    spread = truth.parameters.executions.taste_spread
    return Users(
        number=numbers,
        persona=persona,
        team=rng.integers(population.teams, size=count),
        region=rng.integers(len(population.region_offsets), size=count),
        tenure_days=np.minimum(30 + rng.exponential(600.0, count), 5000.0).astype(np.int64),
        rate=rng.gamma(population.rate_shape, 1.0 / population.rate_shape, count),
        project_shares=rng.dirichlet(np.full(population.projects_per_team, 2.0), count),
        pace=np.exp(rng.normal(0.0, 0.25, count)),
        factors=centres[persona] + rng.normal(0.0, spread, (count, centres.shape[1])),
        begins=np.zeros(count, dtype=np.int64),
        ends=np.full(count, np.iinfo(np.int64).max),
    )


def taste_centres(truth: SimulationTruth) -> Floats:
    """(personas, factors) the tastes of an average user of each persona, from the structure seed alone."""
    rng = np.random.default_rng(truth.parameters.structure_seed + 1)
    rank = truth.parameters.executions.factors
    return rng.normal(0.0, 0.8, (len(words.PERSONAS), rank))
