"""One draw of the second world: people, their bouts and steps, runs and suggestions, in memory."""

from dataclasses import dataclass

import numpy as np

from benchmarks.second_world.habits import Bout, bouts_of
from benchmarks.second_world.parameters import Parameters
from benchmarks.second_world.people import Company, Person, found_company, hire
from benchmarks.second_world.runs import Days, Run, Suggestion
from benchmarks.second_world.work import Steps, work


@dataclass(frozen=True)
class World:
    """Everything that happened, latent states included."""

    parameters: Parameters
    company: Company
    people: tuple[Person, ...]
    bouts: tuple[tuple[Bout, ...], ...]
    """The bouts of each person, in order of time."""
    steps: Steps
    runs: tuple[Run, ...]
    suggestions: tuple[Suggestion, ...]


def simulate(parameters: Parameters) -> World:
    """Draw the whole world; equal parameters give an equal world."""
    company = found_company(parameters)
    people = hire(parameters, company)
    steps = Steps()
    bouts: list[tuple[Bout, ...]] = []
    runs: list[Run] = []
    suggestions: list[Suggestion] = []
    for person in people:
        own = bouts_of(person, company, parameters)
        before = len(steps.time)
        work(person, own, people, company, parameters, steps)
        rng = np.random.default_rng([parameters.seed, 5, person.number])
        days = Days(person, company, parameters, rng)
        days.live(*_occasions(steps, before, company, parameters, rng))
        bouts.append(tuple(own))
        runs += days.runs
        suggestions += days.suggestions
    return World(parameters, company, people, tuple(bouts), steps, tuple(runs), tuple(suggestions))


def _occasions(
    steps: Steps, before: int, company: Company, parameters: Parameters, rng: np.random.Generator
) -> tuple[list[tuple[float, int]], list[tuple[float, int]]]:
    """Times at which a script was finished, and times at which something is suggested, each with the goal."""
    ends: list[tuple[float, int]] = []
    moments: list[tuple[float, int]] = []
    for index in range(before, len(steps.time)):
        goal, variant = steps.goal[index], steps.variant[index]
        last = int(company.script_length[goal, variant]) - 1
        if steps.position[index] == last and steps.kind[index] != "stuck":
            ends.append((steps.time[index], goal))
        if steps.first[index] and rng.random() < parameters.suggested:
            moments.append((steps.time[index] + 5 / 86_400, goal))
    return ends, moments
