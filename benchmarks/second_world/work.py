"""What people do in a bout: steps of latent scripts, seen through noise."""

from dataclasses import dataclass, field

import numpy as np

from benchmarks.second_world.habits import Bout
from benchmarks.second_world.parameters import FOLDERS, Parameters
from benchmarks.second_world.people import Company, Floats, Person, lomax


@dataclass
class Steps:
    """The steps of all people, a list a column; ``goal``, ``variant`` and ``position`` are latent."""

    person: list[int] = field(default_factory=list)
    bout: list[int] = field(default_factory=list)
    """Index among the person's bouts."""
    first: list[bool] = field(default_factory=list)
    """Whether the step is the first of its bout."""
    time: list[float] = field(default_factory=list)
    point: list[int] = field(default_factory=list)
    """The point of the grid of tastes that held during the bout."""
    actor: list[int] = field(default_factory=list)
    kind: list[str] = field(default_factory=list)
    inherited: list[int] = field(default_factory=list)
    """The goal of the bout that gave rise to this one; -1: none."""
    goal: list[int] = field(default_factory=list)
    variant: list[int] = field(default_factory=list)
    position: list[int] = field(default_factory=list)
    operation: list[int] = field(default_factory=list)
    tool: list[int] = field(default_factory=list)
    folder: list[int] = field(default_factory=list)
    project: list[int] = field(default_factory=list)
    item: list[int] = field(default_factory=list)


def draw(probabilities: Floats, uniform: float) -> int:
    """The index whose share of [0, 1) ``uniform`` falls into."""
    index = int(np.searchsorted(np.cumsum(probabilities), uniform, side="right"))
    return min(index, len(probabilities) - 1)


def work(
    person: Person,
    bouts: list[Bout],
    people: tuple[Person, ...],
    company: Company,
    parameters: Parameters,
    steps: Steps,
) -> None:
    """Append the steps of one person's bouts to ``steps``."""
    rng = np.random.default_rng([parameters.seed, 4, person.number])
    first_goal: list[int] = []
    projects: list[int] = []
    for index, bout in enumerate(bouts):
        until = bouts[index + 1].start if index + 1 < len(bouts) else float(parameters.days)
        point = min(int(bout.start / parameters.grid_days), parameters.grid - 1)
        parent = first_goal[bout.parent] if bout.parent >= 0 else -1
        continued = bout.parent >= 0 and rng.random() < 0.8
        team = int(person.team[point])
        projects.append(
            projects[bout.parent] if continued else team * 10 + int(rng.geometric(0.35)) % 10
        )
        times = _times(bout, until, person.tempo, parameters, rng)
        states = _states(
            people[bout.actor], bout, point, parent, len(times), company, parameters, rng
        )
        first_goal.append(states[0][0])
        count = len(times)
        steps.person += [person.number] * count
        steps.bout += [index] * count
        steps.first += [True] + [False] * (count - 1)
        steps.time += times
        steps.point += [point] * count
        steps.actor += [bout.actor] * count
        steps.kind += [bout.kind] * count
        steps.inherited += [parent] * count
        steps.project += [projects[-1]] * count
        steps.item += (rng.geometric(0.12, count) % 100).tolist()
        _emit(states, people[bout.actor], bout.kind, company, parameters, rng, steps)


def _times(
    bout: Bout, until: float, tempo: float, parameters: Parameters, rng: np.random.Generator
) -> list[float]:
    count = 1 + int(lomax(rng, parameters.length_shape, parameters.length_scale))
    count = min(count, parameters.longest)
    gaps = rng.lognormal(np.log(parameters.gap_seconds * tempo), parameters.gap_sigma, count)
    paused = rng.random(count) < parameters.pause
    pauses = 60 * lomax(rng, parameters.pause_shape, parameters.pause_minutes, count)
    gaps = np.where(paused, gaps + pauses, gaps).clip(0.5, 2400)
    if bout.kind in ("stuck", "sweep"):
        gaps = gaps / 6
    gaps[0] = 0.0
    times = bout.start + np.cumsum(gaps) / 86_400
    return [float(time) for time in times if time < until] or [bout.start]


def _states(
    person: Person,
    bout: Bout,
    point: int,
    parent: int,
    count: int,
    company: Company,
    parameters: Parameters,
    rng: np.random.Generator,
) -> list[tuple[int, int, int]]:
    """The latent goal, variant and position of each step: a Markov chain, given the tastes of the bout."""
    goals, variants = person.goals[point], person.variants[point]
    uniforms = rng.random((count, 4))
    inherits = parent >= 0 and uniforms[0, 3] < parameters.inherits_goal
    goal = parent if inherits else draw(goals, uniforms[0, 0])
    variant, position = draw(variants[goal], uniforms[0, 1]), 0
    states = [(goal, variant, position)]
    for move, which, how, again in uniforms[1:].tolist():
        if bout.kind != "stuck":
            length = int(company.script_length[goal, variant])
            if move < person.switch:
                goal = draw(goals, which)
                variant, position = draw(variants[goal], how), 0
            elif move >= person.switch + parameters.step_back:
                over = move < person.switch + parameters.step_back + parameters.step_over
                position += 2 if over else 1
                if position >= length:
                    if again >= parameters.same_goal_again:
                        goal = draw(goals, which)
                    variant, position = draw(variants[goal], how), 0
        states.append((goal, variant, position))
    return states


def _emit(
    states: list[tuple[int, int, int]],
    person: Person,
    kind: str,
    company: Company,
    parameters: Parameters,
    rng: np.random.Generator,
    steps: Steps,
) -> None:
    """Append what is seen of each state: the script's operation and tool or the person's own, and a folder."""
    chance = rng.random((5, len(states)))
    goal, variant, position = np.array(states).T
    other_operation = np.searchsorted(np.cumsum(person.operations)[:-1], chance[1], side="right")
    operation = np.where(
        chance[0] < parameters.other_operation,
        other_operation,
        company.script_operation[goal, variant, position],
    )
    other_tool = np.searchsorted(np.cumsum(person.tools)[:-1], chance[3], side="right")
    tool = np.where(
        chance[2] < parameters.other_tool, other_tool, company.script_tool[goal, variant, position]
    )
    shares = np.cumsum(company.goal_folders[goal], axis=1)[:, :-1]
    folder = (shares <= chance[4][:, None]).sum(axis=1)
    if kind == "sweep":
        folder = (chance[4] * len(FOLDERS)).astype(int)
    steps.goal += goal.tolist()
    steps.variant += variant.tolist()
    steps.position += position.tolist()
    steps.operation += operation.tolist()
    steps.tool += tool.tolist()
    steps.folder += folder.tolist()
