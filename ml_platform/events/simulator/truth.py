"""The tables of probabilities that follow from parameters: the truth, the same for every run seed.

Axes, in this order where they occur: slot T, persona K, category C, then what is emitted. All conditional
probabilities are positive and sum to 1 over their last axis.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ml_platform.events.simulator import vocabulary as words
from ml_platform.events.simulator.parameters import Emission, Habits, Parameters, Population

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FIRST = len(words.OPERATIONS)
"""Index that stands for 'no operation before it in this session'."""


def softmax(logits: Floats) -> Floats:
    """Probabilities along the last axis."""
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    result: Floats = raised / raised.sum(axis=-1, keepdims=True)
    return result


@dataclass(frozen=True)
class Sampler:
    """Draws from many discrete distributions at once: rows of a table of probabilities.

    The cumulated rows lie one after the other, row ``r`` between r and r + 1, so that one binary search
    of ``r + uniform`` answers for all.
    """

    steps: Floats
    width: int

    @classmethod
    def of(cls, probabilities: Floats) -> "Sampler":
        """A sampler of the last axis; leading axes are flattened in C order."""
        width = probabilities.shape[-1]
        cumulated = np.cumsum(probabilities.reshape(-1, width), axis=1)
        cumulated /= cumulated[:, -1:]
        steps = cumulated + np.arange(len(cumulated), dtype=np.float64)[:, None]
        return cls(steps.ravel(), width)

    def draw(self, rows: Ints, uniforms: Floats) -> Ints:
        """One index below ``width`` for each row number, by uniforms in [0, 1)."""
        index = np.searchsorted(self.steps, rows + uniforms, side="right") - rows * self.width
        # Close to 1 the sum rounds up to the next row: one draw in 1e13.
        drawn: Ints = np.minimum(index, self.width - 1).astype(np.int64)
        return drawn


@dataclass(frozen=True)
class SimulationTruth:
    """The truth: everything that generation samples from and the filter conditions on."""

    parameters: Parameters
    personas: Floats
    """(K) prior over personas."""
    start: Floats
    """(T, K, C) category of a session's first event."""
    moves: Floats
    """(T, K, C, C) category of the next event given this one's."""
    tools: Floats
    """(K, C, tool)."""
    operations: Floats
    """(C, tool, operation before or FIRST, operation)."""
    objectless: Floats
    """(operation) probability that there is no object."""
    files: Floats
    """(C, project, file) file of a project, given its project; file = area * files_per_area + number."""
    file_extensions: Ints
    """(project, file)."""
    team_projects: Ints
    """(team, projects_per_team)."""
    gap_centre: Floats
    """(C) mean of the logarithm of the gap, seconds, before truncation."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Numbers of slots, personas and categories."""
        slots, personas, categories = self.start.shape
        return slots, personas, categories

    @cached_property
    def samplers(self) -> dict[str, Sampler]:
        """A sampler for every table that events are drawn from."""
        tables = {
            "start": self.start,
            "moves": self.moves,
            "tools": self.tools,
            "operations": self.operations,
            "files": self.files,
        }
        return {name: Sampler.of(table) for name, table in tables.items()}


def build_truth(parameters: Parameters) -> SimulationTruth:
    """The truth of ``parameters``; its fixed irregularities come from ``structure_seed`` alone."""
    rng = np.random.default_rng(parameters.structure_seed)
    start, moves = _habits(parameters.habits, rng)
    tools, operations = _tools_and_operations(parameters.emission, rng)
    files, extensions = _files_and_extensions(parameters.emission, parameters.population, rng)
    population = parameters.population
    team_projects = np.stack(
        [
            rng.permutation(population.projects)[: population.projects_per_team]
            for _ in range(population.teams)
        ]
    )
    return SimulationTruth(
        parameters=parameters,
        personas=np.array(population.persona_weights) / sum(population.persona_weights),
        start=start,
        moves=moves,
        tools=tools,
        operations=operations,
        objectless=np.array([words.OBJECTLESS.get(name, 0.0) for name in words.OPERATIONS]),
        files=files,
        file_extensions=extensions,
        team_projects=team_projects,
        gap_centre=np.log(parameters.emission.gap_medians),
    )


def _habits(habits: Habits, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Start (T, K, C) and moves (T, K, C, C): stay with 1 - 1/dwell, else switch by preference and habit."""
    by_persona = words.matrix(words.PERSONA_CATEGORIES, words.PERSONAS, words.CATEGORIES)
    by_slot = words.matrix(words.SLOT_CATEGORIES, words.SLOTS, words.CATEGORIES)
    by_habit = words.matrix(words.HABITS, words.CATEGORIES, words.CATEGORIES)
    preference = (
        np.log(habits.base_weights)[None, None, :]
        + habits.persona_strength * by_persona[None, :, :]
        + habits.slot_strength * by_slot[:, None, :]
        + rng.normal(0.0, 0.2, (len(words.SLOTS), len(words.PERSONAS), len(words.CATEGORIES)))
    )
    start = softmax(preference)
    turn = preference[:, :, None, :] + habits.habit_strength * by_habit[None, None, :, :]
    count = len(words.CATEGORIES)
    turn = np.where(np.eye(count, dtype=bool), -np.inf, turn)
    leave = 1.0 / np.array(habits.dwell)[None, None, :, None]
    moves: Floats = leave * softmax(turn) + (1.0 - leave) * np.eye(count)
    return start, moves


def _tools_and_operations(emission: Emission, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Tools (K, C, tool) and operations (C, tool, before, operation)."""
    category_tools = words.matrix(words.CATEGORY_TOOLS, words.CATEGORIES, words.TOOLS)
    persona_tools = words.matrix(words.PERSONA_TOOLS, words.PERSONAS, words.TOOLS)
    category_tools = category_tools + rng.normal(0.0, emission.noise, category_tools.shape)
    tools = softmax(
        emission.tool * category_tools[None, :, :]
        + emission.persona_tool * persona_tools[:, None, :]
    )
    by_category = words.matrix(words.CATEGORY_OPERATIONS, words.CATEGORIES, words.OPERATIONS)
    by_category = by_category + rng.normal(0.0, emission.noise, by_category.shape)
    by_tool = words.matrix(words.TOOL_OPERATIONS, words.TOOLS, words.OPERATIONS)
    after = words.matrix(words.FOLLOWS, words.OPERATIONS, words.OPERATIONS)
    after = np.vstack([after, np.zeros((1, len(words.OPERATIONS)))])
    operations = softmax(
        emission.operation * by_category[:, None, None, :]
        + emission.tool_operation * by_tool[None, :, None, :]
        + emission.follows * after[None, None, :, :]
    )
    return tools, operations


def _files_and_extensions(
    emission: Emission, population: Population, rng: np.random.Generator
) -> tuple[Floats, Ints]:
    """Files (C, project, file) and the extension of every file (project, file)."""
    projects, per_area = population.projects, population.files_per_area
    count = len(words.CATEGORIES)
    by_area = words.matrix(words.CATEGORY_AREAS, words.CATEGORIES, words.AREAS)
    folder_noise = rng.normal(0.0, emission.project_noise, (count, projects, len(words.AREAS)))
    areas = softmax(emission.area * by_area[:, None, :] + folder_noise)
    in_area = softmax(
        emission.area_extension * words.matrix(words.AREA_EXTENSIONS, words.AREAS, words.EXTENSIONS)
    )
    rows = np.tile(np.repeat(np.arange(len(words.AREAS)), per_area), projects)
    extensions = Sampler.of(in_area).draw(rows, rng.random(len(rows)))
    extensions = extensions.reshape(projects, len(words.AREAS), per_area)
    popularity = -np.log(1.0 + np.arange(per_area))  # Zipf: the n-th file is used 1/n as often
    by_extension = words.matrix(words.CATEGORY_EXTENSIONS, words.CATEGORIES, words.EXTENSIONS)
    within = softmax(popularity + emission.extension * by_extension[:, extensions])
    files = areas[..., None] * within
    return files.reshape(count, projects, -1), extensions.reshape(projects, -1)
