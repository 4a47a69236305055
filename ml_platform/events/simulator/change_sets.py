"""What people do in a session: the hidden category and what each event shows of it."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ml_platform.events.simulator.parameters import NOTHING_PLANTED, PlantedEffects, Quantity
from ml_platform.events.simulator.population import Users
from ml_platform.events.simulator.sessions import Sessions
from ml_platform.events.simulator.truth import FIRST, Floats, Ints, SimulationTruth


@dataclass(frozen=True)
class ChangeSets:
    """Events in order of (user, time), as parallel arrays of indices into the vocabulary."""

    user: Ints
    """Row of the user in `Users`."""
    session: Ints
    """Row of the session in `Sessions`."""
    time: Ints
    """Microseconds since 1970, strictly increasing within a user."""
    tool: Ints
    operation: Ints
    project: Ints
    file: Ints
    """File of the project, -1 where the event names no object."""
    slot: Ints
    """Observable: it follows from the time of the session's first event and the user's time zone."""
    duration_ms: Ints
    """How long the operation took; depends on operation and user, not on the category."""
    category: Ints
    """Hidden: the label."""

    def __len__(self) -> int:
        return len(self.user)


_DURATION_SIGMA = 0.5


def session_starts(change_sets: ChangeSets) -> NDArray[np.bool_]:
    """Whether an event is the first of its session; events are in order of (user, time)."""
    first: NDArray[np.bool_] = np.diff(change_sets.session, prepend=-1) != 0
    return first


def select(change_sets: ChangeSets, keep: NDArray[np.bool_] | Ints) -> ChangeSets:
    """The events that ``keep`` chooses (a mask or places), in their order."""
    return replace(change_sets, **{name: value[keep] for name, value in vars(change_sets).items()})


def draw_change_sets(
    truth: SimulationTruth,
    users: Users,
    sessions: Sessions,
    rng: np.random.Generator,
    planted: PlantedEffects = NOTHING_PLANTED,
) -> ChangeSets:
    """The events of all sessions, session after session; step by step, all sessions at once."""
    offsets = np.concatenate([[0], np.cumsum(sessions.length)])
    total = int(offsets[-1])
    category, tool, operation, file = (np.full(total, -1, dtype=np.int64) for _ in range(4))
    gap = np.zeros(total, dtype=np.int64)
    by_length = np.argsort(-sessions.length, kind="stable")
    longest = sessions.length[by_length]
    sample = truth.samplers
    _, personas, categories = truth.shape
    tools, files = truth.tools.shape[-1], truth.files.shape[1]
    for step in range(int(longest[0]) if len(longest) else 0):
        session = by_length[: np.searchsorted(-longest, -step)]
        row = offsets[session] + step
        uniform = rng.random((6, len(row)))
        persona = users.persona[sessions.user[session]]
        habit = sessions.slot[session] * personas + persona
        before = np.full(len(row), FIRST)
        if step:
            last = row - 1
            before = operation[last]
            category[row] = sample["moves"].draw(habit * categories + category[last], uniform[0])
            gap[row] = draw_gaps(truth, category[row], uniform[4])
        else:
            category[row] = sample["start"].draw(habit, uniform[0])
        tool[row] = sample["tools"].draw(persona * categories + category[row], uniform[1])
        context = (category[row] * tools + tool[row]) * (FIRST + 1) + before
        operation[row] = sample["operations"].draw(context, uniform[2])
        place = category[row] * files + sessions.project[session]
        chosen = sample["files"].draw(place, uniform[3])
        file[row] = np.where(uniform[5] < truth.objectless[operation[row]], -1, chosen)
    session = np.repeat(np.arange(len(sessions)), sessions.length)
    gap = _shifted_gaps(truth, sessions.start[session], gap, planted)
    elapsed = np.cumsum(gap)
    elapsed -= np.repeat(elapsed[offsets[:-1]] if total else elapsed, sessions.length)
    user, time = sessions.user[session], sessions.start[session] + elapsed
    return ChangeSets(
        user=user,
        session=session,
        time=time,
        tool=tool,
        operation=operation,
        project=sessions.project[session],
        file=file,
        slot=sessions.slot[session],
        duration_ms=_durations(users.pace[user], operation, time, rng, planted),
        category=category,
    )


def draw_gaps(truth: SimulationTruth, category: Ints, uniforms: Floats) -> Ints:
    """Gaps in microseconds: lognormal by category, truncated to ``gap_seconds``."""
    from scipy.special import ndtr, ndtri

    activity = truth.parameters.activity
    low, high = (np.log(limit) for limit in activity.gap_seconds)
    centre, sigma = truth.gap_centre[category], activity.gap_sigma
    below, above = ndtr((low - centre) / sigma), ndtr((high - centre) / sigma)
    seconds = np.exp(centre + sigma * ndtri(below + uniforms * (above - below)))
    gaps: Ints = np.round(seconds * 1e6).astype(np.int64)
    return gaps


def log_gap_density(truth: SimulationTruth, seconds: Floats) -> Floats:
    """(n, C) log density of the logarithm of gaps within a session, up to a term without category."""
    from scipy.special import ndtr

    activity = truth.parameters.activity
    low, high = (np.log(limit) for limit in activity.gap_seconds)
    sigma, centre = activity.gap_sigma, truth.gap_centre
    inside = np.log(ndtr((high - centre) / sigma) - ndtr((low - centre) / sigma))
    density: Floats = -0.5 * ((np.log(seconds)[:, None] - centre) / sigma) ** 2 - inside
    return density


def log_shift(time: Ints, planted: PlantedEffects, quantity: Quantity, sigma: float) -> Floats:
    """What planted add to the logarithm of a quantity at each time; 0 where nothing is planted."""
    added = np.zeros(len(time))
    for shift in planted.shifts:
        if shift.quantity is quantity:
            added += (time >= round(shift.since.timestamp() * 1e6)) * shift.deviations * sigma
    return added


def _shifted_gaps(truth: SimulationTruth, time: Ints, gap: Ints, planted: PlantedEffects) -> Ints:
    activity = truth.parameters.activity
    factor = np.exp(log_shift(time, planted, Quantity.GAP, activity.gap_sigma))
    low, high = (round(limit * 1e6) for limit in activity.gap_seconds)
    moved = np.clip(np.round(gap * factor), low, high).astype(np.int64)
    return np.where((gap > 0) & (factor != 1.0), moved, gap)


def _durations(
    pace: Floats, operation: Ints, time: Ints, rng: np.random.Generator, planted: PlantedEffects
) -> Ints:
    typical = np.array([900, 2500, 1200, 400, 8000, 5000, 6000, 3000, 700, 20000, 800, 600])
    noise = rng.normal(0.0, _DURATION_SIGMA, len(time))
    noise += log_shift(time, planted, Quantity.DURATION, _DURATION_SIGMA)
    drawn = typical[operation] * pace * np.exp(noise)
    return np.maximum(np.round(drawn), 1.0).astype(np.int64)
