"""Rituals: a step some events after a certain operation makes a workflow needed, and it is started soon after.

A session's event completes a ritual when it is the ritual's step and its operation was done ``reach`` events
before in the same session (the event just before does not count), and no ritual has been completed in the
``REST`` events before. Most completions lead to a run, after the second or third event that follows; a session
that is over by then ends without it. Everything but these draws follows from observable steps.
"""

from dataclasses import dataclass

import numpy as np

from ml_platform.arrays import Flags
from ml_platform.events.simulator import vocabulary as words
from ml_platform.events.simulator.bayes import session_starts
from ml_platform.events.simulator.change_sets import ChangeSets
from ml_platform.events.simulator.world import Ints, World

STREAM = 0x21707
"""Tells this random stream from that of the block."""
DELAYS = (2, 3)
"""Events between a completion and the one after which the workflow is started."""
REST = 3
"""Events after a completion that complete nothing, whatever became of it."""


@dataclass(frozen=True)
class Launches:
    """By event: whether it completes a ritual, and whether the user starts a workflow right after it."""

    completes: Flags
    starts: Flags

    @classmethod
    def none(cls, events: int) -> "Launches":
        """Of events that need nothing and start nothing."""
        return cls(np.zeros(events, dtype=bool), np.zeros(events, dtype=bool))

    def where(self, keep: Flags) -> "Launches":
        """Of some of the events, in the same order."""
        return Launches(self.completes[keep], self.starts[keep])


def draw_launches(world: World, change_sets: ChangeSets, rng: np.random.Generator) -> Launches:
    """The runs that go with events: by ritual, and some out of the blue."""
    settings = world.parameters.rituals
    completes = completions(world, change_sets)
    uniform = rng.random((3, len(change_sets)))
    delay = np.where(uniform[1] < settings.second_share, *DELAYS)
    place = np.flatnonzero(completes & (uniform[0] < settings.fires))
    after = place + delay[place]
    inside = after < len(change_sets)
    place, after = place[inside], after[inside]
    starts = uniform[2] < settings.spontaneous
    starts[after[change_sets.session[after] == change_sets.session[place]]] = True
    return Launches(completes, starts)


def completions(world: World, change_sets: ChangeSets) -> Flags:
    """Which events complete a ritual, from tools, operations and sessions alone; change sets by (user, time)."""
    nearest, farthest = world.parameters.rituals.reach
    position = positions(change_sets)
    found = np.zeros(len(change_sets), dtype=bool)
    for operation, step in words.RITUALS.values():
        tool, last = step.split(":")
        this = (change_sets.tool == words.TOOLS.index(tool)) & (
            change_sets.operation == words.OPERATIONS.index(last)
        )
        began = change_sets.operation == words.OPERATIONS.index(operation)
        for distance in range(nearest, farthest + 1):
            row = np.flatnonzero(this & (position >= distance))
            found[row] |= began[row - distance]
    return _rested(change_sets, found)


def positions(change_sets: ChangeSets) -> Ints:
    """How many events of its session lie before each."""
    first = np.flatnonzero(session_starts(change_sets))
    return np.arange(len(change_sets)) - np.repeat(
        first, np.diff(np.append(first, len(change_sets)))
    )


def _rested(change_sets: ChangeSets, found: Flags) -> Flags:
    """Without those within `REST` events after an earlier one; step by step, all sessions at once."""
    first = np.flatnonzero(session_starts(change_sets))
    length = np.diff(np.append(first, len(change_sets)))
    last = np.full(len(first), -REST - 1)
    kept = np.zeros_like(found)
    for step in range(int(length.max()) if len(length) else 0):
        session = np.flatnonzero(length > step)
        row = first[session] + step
        good = found[row] & (step - last[session] > REST)
        last[session[good]] = step
        kept[row] = good
    return kept
