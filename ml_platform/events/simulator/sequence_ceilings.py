"""The Bayes rules of a sequence: the next step, and whether a workflow is started soon.

Both see, of every user, the event at hand, all earlier ones and all earlier runs, and the true parameters;
never a category and nothing later. The next step follows from the filter (`category_filter`): its belief
about persona and category moves one event on. Soon follows from the routines alone: what a completion leads to, and
whether the session lasts long enough for it.
"""

from dataclasses import dataclass

import numpy as np

from ml_platform.events.simulator import vocabulary as words
from ml_platform.events.simulator.category_filter import Posterior
from ml_platform.events.simulator.change_sets import ChangeSets
from ml_platform.events.simulator.parameters import Routines
from ml_platform.events.simulator.routines import DELAYS, WorkflowStarts, positions
from ml_platform.events.simulator.truth import Floats, Ints, SimulationTruth

END = len(words.TOOLS) * len(words.OPERATIONS)
"""Index of the end of the session among next steps; step = tool * operations + operation."""
BLOCK_ROWS = 20_000


@dataclass(frozen=True)
class NextStep:
    """The most probable next step after each event, and its probability."""

    prediction: Ints
    confidence: Floats


def step_names() -> list[str]:
    """``tool:operation`` by index, and ``end``."""
    return [f"{tool}:{operation}" for tool in words.TOOLS for operation in words.OPERATIONS] + [
        "end"
    ]


def end_chances(truth: SimulationTruth) -> Floats:
    """(events_max,) probability that a session ends with the event at each position, given it came so far."""
    from scipy.special import gammainc

    activity = truth.parameters.activity
    edges = np.arange(activity.events_max) - 0.5
    scale = (activity.events_mean - 1) / 2.0
    reached = 1.0 - gammainc(2.0, np.maximum(edges, 0.0) / scale)
    chances: Floats = 1.0 - np.append(reached[1:], 0.0) / reached
    return chances


def next_steps(truth: SimulationTruth, change_sets: ChangeSets, known: Posterior) -> NextStep:
    """The best prediction of what follows each event."""
    prediction, confidence = np.zeros(len(change_sets), dtype=np.int64), np.zeros(len(change_sets))
    for first in range(0, len(change_sets), BLOCK_ROWS):
        rows = slice(first, first + BLOCK_ROWS)
        chances = step_chances(truth, change_sets, known, rows)
        prediction[rows] = chances.argmax(axis=1)
        confidence[rows] = chances.max(axis=1)
    return NextStep(prediction, confidence)


def step_chances(
    truth: SimulationTruth, change_sets: ChangeSets, known: Posterior, rows: slice
) -> Floats:
    """(rows, steps + 1) probability of each next step and of the end."""
    onward = np.matmul(known.joint[rows][:, :, None, :], truth.moves[change_sets.slot[rows]])[
        :, :, 0, :
    ]
    tools = np.einsum("nkc,kct->nct", onward, truth.tools, optimize=True)
    operations = np.moveaxis(truth.operations, 2, 0)[change_sets.operation[rows]]
    going_on = np.einsum("nct,ncto->nto", tools, operations).reshape(len(onward), -1)
    ends = end_chances(truth)[positions(change_sets)[rows]][:, None]
    return np.concatenate([going_on * (1.0 - ends), ends], axis=1)


def soon_chances(
    truth: SimulationTruth, change_sets: ChangeSets, workflow_starts: WorkflowStarts
) -> Floats:
    """Probability that a run starts after this event and before the third from here.

    By how many events of the session follow (none, one, more), since a need ends with the session.
    """
    settings = truth.parameters.routines
    position = positions(change_sets)
    ends = end_chances(truth)
    now = ends[position]
    after = ends[np.minimum(position + 1, len(ends) - 1)]
    following = np.stack([now, (1.0 - now) * after, (1.0 - now) * (1.0 - after)], axis=1)
    due = _due(settings)[_stages(change_sets, workflow_starts)]
    quiet = (1.0 - settings.spontaneous) ** np.arange(1, 4)
    soon: Floats = (following * (1.0 - (1.0 - due) * quiet)).sum(axis=1)
    return soon


def best_threshold(chances: Floats) -> float:
    """The threshold with the highest expected F1, given that the probabilities are true."""
    ordered = np.sort(chances)[::-1]
    expected = 2.0 * np.cumsum(ordered) / (np.arange(1, len(ordered) + 1) + ordered.sum())
    return float(ordered[expected.argmax()]) if len(ordered) else 0.5


def _stages(change_sets: ChangeSets, workflow_starts: WorkflowStarts) -> Ints:
    """Events since the session's last completion: 0 to 3; 4: at 3, with a run at 2; 5: none is due."""
    position = positions(change_sets)
    row = np.arange(len(change_sets))
    completed = np.maximum.accumulate(np.where(workflow_starts.completes, row, -1))
    age = np.where(completed >= row - position, row - completed, DELAYS[1] + 2)
    begun = np.zeros(len(change_sets), dtype=bool)
    begun[1:] = workflow_starts.starts[:-1]
    return np.where(age > DELAYS[1], 5, age + (begun & (age == DELAYS[1])))


def _due(settings: Routines) -> Floats:
    """(stages, 3) probability of a run by routine in the three events from here, by how many follow."""
    fires, second, chance = settings.fires, settings.second_share, settings.spontaneous
    early, late = fires * second, fires * (1.0 - second)
    waiting = late / (1.0 - early)
    # A run at the second event was the routine's, or spontaneous.
    in_spite = late * chance / (early + (1.0 - early) * chance)
    return np.array(
        [
            [0.0, 0.0, early],
            [0.0, early, fires],
            [early, fires, fires],
            [waiting, waiting, waiting],
            [in_spite, in_spite, in_spite],
            [0.0, 0.0, 0.0],
        ]
    )
