"""Routines: a step some events after a certain operation makes a workflow needed, and it is started soon after.

A session's event completes a routine when it is the routine's step and its operation was done ``reach`` events
before in the same session (the event just before does not count), and no routine has been completed in the
``REST`` events before. Most completions lead to a run, after the second or third event that follows; a session
that ends before then has no run. Everything but these draws follows from observable steps.
"""

from dataclasses import dataclass

import numpy as np

from ml_platform.arrays import Flags
from ml_platform.events.simulator import vocabulary as words
from ml_platform.events.simulator.change_sets import ChangeSets, session_starts
from ml_platform.events.simulator.truth import Ints, SimulationTruth

STREAM = 0x21707
"""The number that distinguishes this random stream from that of the block."""
DELAYS = (2, 3)
"""Events between a completion and the one after which the workflow is started."""
REST = 3
"""Events after a completion that complete nothing, whether it leads to a run or not."""


@dataclass(frozen=True)
class WorkflowStarts:
    """Whether each event completes a routine, and whether the user starts a workflow right after it."""

    completes: Flags
    starts: Flags

    @classmethod
    def none(cls, events: int) -> "WorkflowStarts":
        """The value for events that complete no routine and start no workflow."""
        return cls(np.zeros(events, dtype=bool), np.zeros(events, dtype=bool))

    def where(self, keep: Flags) -> "WorkflowStarts":
        """The values of the events where ``keep`` is true, in their order."""
        return WorkflowStarts(self.completes[keep], self.starts[keep])


def draw_workflow_starts(
    truth: SimulationTruth, change_sets: ChangeSets, rng: np.random.Generator
) -> WorkflowStarts:
    """The starts of workflows that go with events: by routine, and a few spontaneous ones."""
    settings = truth.parameters.routines
    completes = completions(truth, change_sets)
    uniform = rng.random((3, len(change_sets)))
    delay = np.where(uniform[1] < settings.second_share, *DELAYS)
    place = np.flatnonzero(completes & (uniform[0] < settings.fires))
    after = place + delay[place]
    inside = after < len(change_sets)
    place, after = place[inside], after[inside]
    starts = uniform[2] < settings.spontaneous
    starts[after[change_sets.session[after] == change_sets.session[place]]] = True
    return WorkflowStarts(completes, starts)


def completions(truth: SimulationTruth, change_sets: ChangeSets) -> Flags:
    """Which events complete a routine, from tools, operations and sessions alone; change sets by (user, time)."""
    nearest, farthest = truth.parameters.routines.reach
    position = positions(change_sets)
    completes = np.zeros(len(change_sets), dtype=bool)
    for operation, step in words.ROUTINES.values():
        tool, last = step.split(":")
        this = (change_sets.tool == words.TOOLS.index(tool)) & (
            change_sets.operation == words.OPERATIONS.index(last)
        )
        began = change_sets.operation == words.OPERATIONS.index(operation)
        for distance in range(nearest, farthest + 1):
            row = np.flatnonzero(this & (position >= distance))
            completes[row] |= began[row - distance]
    return _rested(change_sets, completes)


def positions(change_sets: ChangeSets) -> Ints:
    """Shape (n,): number of events of its session before each event."""
    first = np.flatnonzero(session_starts(change_sets))
    return np.arange(len(change_sets)) - np.repeat(
        first, np.diff(np.append(first, len(change_sets)))
    )


def _rested(change_sets: ChangeSets, completes: Flags) -> Flags:
    """The completions that are not within `REST` events after an earlier one; all sessions in step."""
    first = np.flatnonzero(session_starts(change_sets))
    length = np.diff(np.append(first, len(change_sets)))
    last = np.full(len(first), -REST - 1)
    kept = np.zeros_like(completes)
    for step in range(int(length.max()) if len(length) else 0):
        session = np.flatnonzero(length > step)
        row = first[session] + step
        good = completes[row] & (step - last[session] > REST)
        last[session[good]] = step
        kept[row] = good
    return kept
