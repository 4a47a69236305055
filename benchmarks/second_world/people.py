"""The company and its people: what each person is and prefers, before any work is done."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.second_world.parameters import (
    FOLDERS,
    GOAL_CATEGORIES,
    OPERATIONS,
    REGION_SHARES,
    REGIONS,
    TOOLS,
    Parameters,
)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
GOALS = len(GOAL_CATEGORIES)


@dataclass(frozen=True)
class Company:
    """What everybody shares: scripts of steps, tastes of teams, workflows and the state of the systems."""

    script_length: Ints
    """Steps of each script, shape (goals, variants)."""
    script_operation: Ints
    """Operation of each step, shape (goals, variants, longest script); -1 beyond the end."""
    script_tool: Ints
    goal_folders: Floats
    """Probability of each folder, shape (goals, folders)."""
    team_taste: Floats
    team_factors: Floats
    team_phase: Floats
    goal_phase: Floats
    workflow_goal: Ints
    workflow_factors: Floats
    workflow_base: Floats
    workflow_hour: Floats
    workflow_swing: Floats
    outages: tuple[Floats, ...]
    """Start and end of each outage of each category's systems, shape (outages, 2)."""


@dataclass(frozen=True)
class Person:
    """One person: place, rhythm and tastes; tastes are given on the grid of time."""

    number: int
    id: str
    first_team: int
    region: str
    offset: int
    tenure: int
    frailty: float
    rotates: bool
    phase: float
    peaks: tuple[float, float]
    switch: float
    tempo: float
    operations: Floats
    tools: Floats
    team: Ints
    """The team at each point of the grid."""
    goals: Floats
    """Probability of each goal when one is chosen, shape (grid, goals)."""
    variants: Floats
    """Probability of each variant of a goal's script, shape (grid, goals, variants)."""
    factors: Floats
    """Latent factors of the taste for workflows, shape (grid, factors)."""
    favourite_hour: float


def softmax(logits: Floats) -> Floats:
    """Probabilities along the last axis."""
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities: Floats = weights / weights.sum(axis=-1, keepdims=True)
    return probabilities


def lomax(generator: np.random.Generator, shape: float, scale: float, size: Any = None) -> Any:
    """Waiting times with a power-law tail: P(wait > x) = (1 + x / scale) ** -shape."""
    return scale * generator.pareto(shape, size)


def found_company(parameters: Parameters) -> Company:
    """Draw what everybody shares."""
    rng = np.random.default_rng([parameters.seed, 1])
    shape = (GOALS, parameters.variants)
    longest = parameters.longest_script
    length = rng.integers(parameters.shortest_script, longest + 1, shape)
    beyond = np.arange(longest) >= length[..., None]
    usual_tools = np.array([rng.permutation(len(TOOLS))[:4] for _ in range(GOALS)])
    tools = usual_tools[np.arange(GOALS)[:, None, None], rng.integers(0, 4, (*shape, longest))]
    operations = rng.integers(0, len(OPERATIONS), (*shape, longest))
    workflows = parameters.workflows
    return Company(
        script_length=length,
        script_operation=np.where(beyond, -1, operations),
        script_tool=np.where(beyond, -1, tools),
        goal_folders=_shares(rng, len(FOLDERS), parameters.folder_concentration, GOALS),
        team_taste=rng.normal(0, parameters.team_taste, (parameters.teams, GOALS)),
        team_factors=rng.normal(0, 0.8, (parameters.teams, parameters.factors)),
        team_phase=rng.random(parameters.teams),
        goal_phase=rng.random(GOALS),
        workflow_goal=rng.permutation(np.arange(workflows) % GOALS),
        workflow_factors=rng.normal(0, 1, (workflows, parameters.factors)),
        workflow_base=rng.normal(1.1, 0.5, workflows),
        workflow_hour=rng.uniform(0, 24, workflows),
        workflow_swing=rng.gamma(3.0, 0.45, workflows),
        outages=tuple(_outages(parameters, rng) for _ in range(GOALS)),
    )


def _shares(rng: np.random.Generator, kinds: int, concentration: float, rows: int | None) -> Floats:
    """Probabilities from a Dirichlet distribution, none of them 0."""
    shares = rng.dirichlet(np.full(kinds, concentration), rows).clip(1e-4)
    probabilities: Floats = shares / shares.sum(axis=-1, keepdims=True)
    return probabilities


def _outages(parameters: Parameters, rng: np.random.Generator) -> Floats:
    starts = np.sort(
        rng.uniform(0, parameters.days, rng.poisson(parameters.days / parameters.outage_every))
    )
    hours = lomax(rng, parameters.outage_shape, parameters.outage_hours, len(starts)).clip(0.2, 30)
    return np.stack([starts, starts + hours / 24], axis=1)


def hire(parameters: Parameters, company: Company) -> tuple[Person, ...]:
    """Draw all people; each has a generator of their own, so that a longer list begins as a shorter one does."""
    return tuple(_person(number, parameters, company) for number in range(parameters.users))


def _person(number: int, parameters: Parameters, company: Company) -> Person:
    rng = np.random.default_rng([parameters.seed, 2, number])
    region = int(rng.choice(len(REGIONS), p=REGION_SHARES))
    teams = _teams(parameters, rng)
    weights = _adoption(parameters, teams)
    grid: Floats = np.arange(parameters.grid, dtype=np.float64) * parameters.grid_days
    peak = rng.normal(10.0, 1.4)
    late = (grid / parameters.days)[:, None, None] ** 1.5
    shape = (2, GOALS, parameters.variants)
    before, after = rng.normal(0, parameters.variant_taste, shape)
    own_factors, later_factors = rng.normal(0, 0.7, (2, parameters.factors))
    return Person(
        number=number,
        id=f"P{parameters.seed:02d}{number:05d}",
        first_team=int(teams[0]),
        region=REGIONS[region][0],
        offset=REGIONS[region][1],
        tenure=int(rng.gamma(1.4, 520)),
        frailty=float(
            np.clip(rng.gamma(parameters.frailty_shape, 1 / parameters.frailty_shape), 0.1, 5)
        ),
        rotates=bool(rng.random() < parameters.rotating),
        phase=float(rng.uniform(0, parameters.rotation_days)),
        peaks=(float(peak), float(peak + rng.normal(5.5, 1.0))),
        switch=float(rng.beta(4, 4 / parameters.switch - 4)),
        tempo=float(rng.lognormal(0, 0.35)),
        operations=_shares(rng, len(OPERATIONS), 0.5, None),
        tools=_shares(rng, len(TOOLS), 0.5, None),
        team=teams,
        goals=_goals(parameters, company, weights, grid, rng),
        variants=softmax((1 - late) * before + late * after),
        factors=weights @ company.team_factors
        + (1 - late[:, 0]) * own_factors
        + late[:, 0] * later_factors,
        favourite_hour=float(rng.normal(11, 4) % 24),
    )


def _teams(parameters: Parameters, rng: np.random.Generator) -> Ints:
    """The team at each point of the grid; moves come at a constant rate."""
    size = 1.0 / np.arange(1, parameters.teams + 1) ** parameters.team_size_exponent
    team = np.zeros(parameters.grid, dtype=np.int64)
    team[:] = rng.choice(parameters.teams, p=size / size.sum())
    when = 0.0
    while (when := when + rng.exponential(1 / parameters.moves_per_day)) < parameters.days:
        team[int(when / parameters.grid_days) + 1 :] = rng.choice(
            parameters.teams, p=size / size.sum()
        )
    return team


def _adoption(parameters: Parameters, teams: Ints) -> Floats:
    """How much of each team's taste a person has taken on, shape (grid, teams); rows sum to 1."""
    weights = np.zeros((len(teams), parameters.teams))
    keep = np.exp(-parameters.grid_days / parameters.adoption_days)
    now = np.eye(parameters.teams)[teams[0]]
    for point, team in enumerate(teams):
        now = keep * now + (1 - keep) * np.eye(parameters.teams)[team]
        weights[point] = now
    return weights


def _goals(
    parameters: Parameters,
    company: Company,
    weights: Floats,
    grid: Floats,
    rng: np.random.Generator,
) -> Floats:
    own = rng.normal(0, parameters.own_taste, GOALS)
    keep = np.exp(-parameters.grid_days / parameters.drift_days)
    shocks = rng.normal(0, parameters.drift, (len(grid), GOALS))
    drift = np.zeros_like(shocks)
    drift[0] = shocks[0]
    for point in range(1, len(grid)):  # an Ornstein-Uhlenbeck process, exactly
        drift[point] = keep * drift[point - 1] + np.sqrt(1 - keep**2) * shocks[point]
    period = parameters.seasons[1][0]
    season = np.sin(2 * np.pi * (grid[:, None] / period + company.goal_phase))
    return softmax(weights @ company.team_taste + own + drift + parameters.goal_season * season)
