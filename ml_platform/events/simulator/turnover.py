"""Turnover: in the second half of a simulation some users leave, and another joins for each of them.

Both are of the same persona, so the number of active users and their activity stay the same, while some users
are new and have a short history. The draws have a stream of their own, so users who stay all the time have the
same events with and without turnover.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ml_platform.events.simulator.population import Users
from ml_platform.events.simulator.truth import Ints, SimulationTruth

_STREAM = 5


def draw_turnover(
    truth: SimulationTruth, users: Users, span: tuple[int, int], seed: tuple[int, int]
) -> Users:
    """The same users, of whom a share leaves, each at a moment in the second half of ``span`` when another joins.

    Args:
        truth: the parameters, of which ``population.turnover`` counts.
        users: the users of a block.
        span: first microsecond of the simulation, and the one after its last.
        seed: the seed of the simulation, and the number of the block.
    """
    rng = np.random.default_rng([*seed, _STREAM])
    half = (span[0] + span[1]) // 2
    begins, ends = users.begins.copy(), users.ends.copy()
    for persona in range(len(truth.personas)):
        members = rng.permutation(np.flatnonzero(users.persona == persona))
        pairs = round(truth.parameters.population.turnover * len(members))
        moments = half + (rng.random(pairs) * (span[1] - half)).astype(np.int64)
        ends[members[:pairs]] = moments
        begins[members[pairs : 2 * pairs]] = moments
    return replace(users, begins=begins, ends=ends)


def is_active(users: Users, user: Ints, time: Ints) -> NDArray[np.bool_]:
    """Whether each ``user`` is active at its ``time``; all of shape (n,)."""
    active: NDArray[np.bool_] = (time >= users.begins[user]) & (time < users.ends[user])
    return active
