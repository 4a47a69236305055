"""The Bayes rule of somebody who knows every taste and number of the second world, but sees only what is logged.

Within a bout the latent states (goal, variant, position) are a hidden Markov chain, so that the forward filter is
exact. It is told more than any model can know: the tastes of the moment, which bout gave rise to this one and with
which goal that began, and whether a bout is anomalous. Given these, nothing outside of the bout says anything about
its states; so no rule that sees less is more often right in expectation, unless it is told labels of the same bout.
"""

from dataclasses import dataclass

import numpy as np

from benchmarks.second_world.parameters import GOAL_CATEGORIES, OPERATIONS, TOOLS
from benchmarks.second_world.people import GOALS, Floats, Ints
from benchmarks.second_world.world import World

CATEGORIES = tuple(sorted(set(GOAL_CATEGORIES)))
BOUTS_AT_ONCE = 4_000


@dataclass(frozen=True)
class Filtered:
    """For each step: the likeliest category by the bout up to it, and the likeliest step before it was seen."""

    category: Ints
    """Index in `CATEGORIES`."""
    category_chance: Floats
    """The probability that the category is right."""
    step: Ints
    """Index of the operation times the number of tools, plus index of the tool."""
    step_chance: Floats


@dataclass(frozen=True)
class _Rows:
    """The steps as arrays, and the rows of each bout as a range."""

    first: Ints
    length: Ints
    actor: Ints
    point: Ints
    inherited: Ints
    operation: Ints
    tool: Ints
    folder: Ints
    stuck: "np.ndarray[tuple[int], np.dtype[np.bool_]]"
    sweep: "np.ndarray[tuple[int], np.dtype[np.bool_]]"


def filter_states(world: World) -> Filtered:
    """Run the filter over every bout."""
    rows = _rows(world)
    count = len(world.steps.time)
    filtered = Filtered(
        np.zeros(count, dtype=np.int64),
        np.zeros(count),
        np.zeros(count, dtype=np.int64),
        np.zeros(count),
    )
    longest_first = np.argsort(-rows.length, kind="stable")
    for begin in range(0, len(longest_first), BOUTS_AT_ONCE):
        _filter(world, rows, longest_first[begin : begin + BOUTS_AT_ONCE], filtered)
    return filtered


def _rows(world: World) -> _Rows:
    steps = world.steps
    first = np.flatnonzero(steps.first)
    kinds = np.array(steps.kind)[first]
    return _Rows(
        first=first,
        length=np.diff(first, append=len(steps.time)),
        actor=np.array(steps.actor)[first],
        point=np.array(steps.point)[first],
        inherited=np.array(steps.inherited)[first],
        operation=np.array(steps.operation),
        tool=np.array(steps.tool),
        folder=np.array(steps.folder),
        stuck=kinds == "stuck",
        sweep=kinds == "sweep",
    )


def _filter(world: World, rows: _Rows, bouts: Ints, filtered: Filtered) -> None:
    """Write the guesses for these bouts, which stand in order of falling length."""
    people = [world.people[actor] for actor in rows.actor[bouts]]
    points = rows.point[bouts]
    goals = np.array([person.goals[point] for person, point in zip(people, points, strict=True)])
    variants = np.array(
        [person.variants[point] for person, point in zip(people, points, strict=True)]
    )
    switch = np.array([person.switch for person in people])
    operations = np.array([person.operations for person in people])
    tools = np.array([person.tools for person in people])
    code = np.array([CATEGORIES.index(name) for name in GOAL_CATEGORIES])
    belief = first_belief(world, rows.inherited[bouts], goals, variants)
    for number in range(int(rows.length[bouts[0]])):
        live = int((rows.length[bouts] > number).sum())
        if number:
            moved = move(world, belief[:live], goals[:live], variants[:live], switch[:live])
            belief = np.where(rows.stuck[bouts[:live], None, None, None], belief[:live], moved)
        at = rows.first[bouts[:live]] + number
        steps = _next_steps(world, belief, operations[:live], tools[:live])
        filtered.step[at], filtered.step_chance[at] = steps.argmax(axis=1), steps.max(axis=1)
        seen = _likelihood(world, rows, at, operations[:live], tools[:live])
        by_folder = world.company.goal_folders[:, rows.folder[at]].T
        by_folder = np.where(rows.sweep[bouts[:live], None], 1.0, by_folder)
        belief = belief * seen * by_folder[:, :, None, None]
        belief = belief / belief.sum(axis=(1, 2, 3), keepdims=True)
        by_goal = belief.sum(axis=(2, 3))
        sums = np.stack([by_goal[:, code == c].sum(axis=1) for c in range(len(CATEGORIES))], axis=1)
        filtered.category[at], filtered.category_chance[at] = sums.argmax(axis=1), sums.max(axis=1)


def first_belief(world: World, inherited: Ints, goals: Floats, variants: Floats) -> Floats:
    """The belief about the first state of each bout, shape (bouts, goals, variants, positions)."""
    inherits = np.where(inherited >= 0, world.parameters.inherits_goal, 0.0)[:, None]
    first = inherits * (np.arange(GOALS) == inherited[:, None]) + (1 - inherits) * goals
    belief = np.zeros((*variants.shape, world.parameters.longest_script))
    belief[..., 0] = first[..., None] * variants
    return belief


def move(world: World, belief: Floats, goals: Floats, variants: Floats, switch: Floats) -> Floats:
    """The belief one step on."""
    p, longest = world.parameters, world.parameters.longest_script
    ahead = 1 - switch[:, None, None, None] - p.step_back - p.step_over
    wide = np.zeros((*belief.shape[:3], longest + 2))
    wide[..., :longest] += p.step_back * belief
    wide[..., 1 : longest + 1] += ahead * belief
    wide[..., 2:] += p.step_over * belief
    over = np.arange(longest + 2) >= world.company.script_length[..., None]
    finished = np.where(over, wide, 0.0).sum(axis=(2, 3))
    moved: Floats = np.where(over, 0.0, wide)[..., :longest]
    anew = switch[:, None] + (1 - p.same_goal_again) * finished.sum(axis=1, keepdims=True)
    chosen = anew * goals + p.same_goal_again * finished
    moved[..., 0] += chosen[..., None] * variants
    return moved


def _likelihood(world: World, rows: _Rows, at: Ints, operations: Floats, tools: Floats) -> Floats:
    """The probability of operation and tool at each row in each state."""
    p, company, index = world.parameters, world.company, np.arange(len(at))
    operation, tool = rows.operation[at], rows.tool[at]
    other = (p.other_operation * operations[index, operation])[:, None, None, None]
    same = company.script_operation[None] == operation[:, None, None, None]
    by_operation = other + (1 - p.other_operation) * same
    other = (p.other_tool * tools[index, tool])[:, None, None, None]
    same = company.script_tool[None] == tool[:, None, None, None]
    by_tool = other + (1 - p.other_tool) * same
    likelihood: Floats = by_operation * by_tool
    return likelihood


def _next_steps(world: World, belief: Floats, operations: Floats, tools: Floats) -> Floats:
    """The probability of each pair of operation and tool, in the order of `Filtered.step`."""
    p, company = world.parameters, world.company
    pair = company.script_operation * len(TOOLS) + company.script_tool
    known = company.script_operation.ravel() >= 0
    script = np.zeros((known.size, len(OPERATIONS) * len(TOOLS)))
    script[np.flatnonzero(known), pair.ravel()[known]] = 1.0
    joint = (belief.reshape(len(belief), -1) @ script).reshape(-1, len(OPERATIONS), len(TOOLS))
    a, b = p.other_operation, p.other_tool
    chances = (1 - a) * (1 - b) * joint
    chances += (1 - a) * b * joint.sum(axis=2, keepdims=True) * tools[:, None, :]
    chances += a * (1 - b) * operations[:, :, None] * joint.sum(axis=1, keepdims=True)
    chances += a * b * operations[:, :, None] * tools[:, None, :]
    return chances.reshape(len(belief), -1)
