"""Known anomalies: added sessions of four kinds, from a random stream of their own.

They are added at times at which their user does nothing else, so the other events, runs and suggestions of the
simulation are the same with them and without. Such a session belongs to no workflow: its events have no category.
"""

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np

from ml_platform.events.simulator import vocabulary as words
from ml_platform.events.simulator.change_sets import (
    ChangeSets,
    draw_change_sets,
    select,
    session_starts,
)
from ml_platform.events.simulator.population import Users
from ml_platform.events.simulator.sessions import (
    DAY,
    HOUR,
    MINUTE,
    Sessions,
    plan_sessions,
    slot_of,
)
from ml_platform.events.simulator.truth import Floats, Ints, SimulationTruth
from ml_platform.events.simulator.turnover import is_active

STREAM = 0xA70
"""The number that distinguishes this random stream from that of the block."""


class Kind(IntEnum):
    """The way in which a session is anomalous; everything else follows the usual law."""

    RANDOM_ACTIONS = 0
    """All tools and all operations are as likely, whatever the category."""
    BURST = 1
    """Gaps of a second or two, faster than a person works."""
    SWEEP = 2
    """Very many events on files that are all as likely, as if somebody looked through everything."""
    NIGHT = 3
    """Starts at night, and mostly exports, shares and deletes."""


@dataclass(frozen=True)
class Anomalous:
    """Anomalous sessions: their events in order of (user, time) and, by session number, their kind."""

    change_sets: ChangeSets
    kind: Ints
    """Shape (sessions,): `Kind` of the session that ``change_sets.session`` points to."""
    report_delay: Ints
    """Shape (sessions,): microseconds between a session's last event and the report."""


def draw_anomalous(
    truth: SimulationTruth,
    users: Users,
    normal: ChangeSets,
    span: tuple[int, int],
    rng: np.random.Generator,
) -> Anomalous:
    """Sessions of ``share`` of the planned rate that start in ``span`` and leave ``normal`` ones their pauses."""
    settings = truth.parameters.known_anomalies
    thin = replace(users, rate=users.rate * settings.share)
    planned = plan_sessions(truth, thin, *span, rng)
    kind = rng.integers(len(Kind), size=len(planned))
    planned = _planned(truth, users, planned, kind, rng)
    order = np.lexsort((planned.start, planned.user))
    planned, kind = _rows(planned, order), kind[order]
    change_sets = _made_anomalous(truth, draw_change_sets(truth, users, planned, rng), kind, rng)
    keep = _free(truth, normal, change_sets, len(planned))
    keep &= (planned.start >= span[0]) & (planned.start < span[1])
    keep &= is_active(users, planned.user, planned.start)
    delay = (rng.random(len(planned)) * settings.report_hours * HOUR).astype(np.int64)
    inside = keep[change_sets.session] & (change_sets.time < span[1])
    return Anomalous(select(change_sets, inside), kind, delay)


def _planned(
    truth: SimulationTruth, users: Users, planned: Sessions, kind: Ints, rng: np.random.Generator
) -> Sessions:
    """Night sessions moved to the night of their day, sweeps made long; slots follow from the starts."""
    settings = truth.parameters.known_anomalies
    offsets = np.array([minutes for _, minutes in truth.parameters.population.region_offsets])
    offset = offsets[users.region[planned.user]] * MINUTE
    night = (rng.random(len(planned)) * settings.night_hours * HOUR).astype(np.int64)
    midnight = (planned.start + offset) // DAY * DAY - offset
    start = np.where(kind == Kind.NIGHT, midnight + night, planned.start)
    low, high = settings.sweep_events
    sweeps = rng.integers(low, high + 1, size=len(planned))
    return replace(
        planned,
        start=start,
        length=np.where(kind == Kind.SWEEP, sweeps, planned.length),
        slot=slot_of(start + offset),
    )


def _made_anomalous(
    truth: SimulationTruth,
    change_sets: ChangeSets,
    kind: Ints,
    rng: np.random.Generator,
) -> ChangeSets:
    """The events, changed by the kind of their session.

    Objects are drawn again, since the operation decides whether one is missing.
    """
    kind_of_change_set = kind[change_sets.session]
    count = len(change_sets)
    random = kind_of_change_set == Kind.RANDOM_ACTIONS
    tool = np.where(random, rng.integers(len(words.TOOLS), size=count), change_sets.tool)
    operation = np.where(
        random, rng.integers(len(words.OPERATIONS), size=count), change_sets.operation
    )
    night = (kind_of_change_set == Kind.NIGHT) & (
        rng.random(count) < truth.parameters.known_anomalies.night_share
    )
    chosen = night_operations(truth)
    operation = np.where(night, chosen[rng.integers(len(chosen), size=count)], operation)
    projects = truth.files.shape[1]
    usual = truth.samplers["files"].draw(
        change_sets.category * projects + change_sets.project, rng.random(count)
    )
    anywhere = rng.integers(truth.files.shape[2], size=count)
    file = np.where(kind_of_change_set == Kind.SWEEP, anywhere, usual)
    missing = rng.random(count) < truth.objectless[operation]
    return replace(
        change_sets,
        tool=tool,
        operation=operation,
        file=np.where(missing, -1, file),
        category=np.full(count, -1),
        time=_times(truth, change_sets, kind_of_change_set == Kind.BURST, rng),
    )


def night_operations(truth: SimulationTruth) -> Ints:
    """Indices of the operations that a night session prefers."""
    names = truth.parameters.known_anomalies.night_operations
    return np.array([words.OPERATIONS.index(name) for name in names], dtype=np.int64)


def _times(
    truth: SimulationTruth, change_sets: ChangeSets, burst: np.ndarray, rng: np.random.Generator
) -> Ints:
    """Times with the same session starts; the gaps of bursts are lognormal, truncated like all gaps."""
    from scipy.special import ndtr, ndtri

    settings = truth.parameters.known_anomalies
    low, high = np.log(truth.parameters.activity.gap_seconds)
    centre, sigma = np.log(settings.burst_median_seconds), settings.burst_sigma
    below, above = ndtr((low - centre) / sigma), ndtr((high - centre) / sigma)
    drawn = np.exp(centre + sigma * ndtri(below + rng.random(len(change_sets)) * (above - below)))
    first = session_starts(change_sets)
    gap = np.where(first, 0, np.diff(change_sets.time, prepend=0))
    gap = np.where(burst & ~first, np.round(drawn * 1e6).astype(np.int64), gap)
    elapsed = np.cumsum(gap)
    starts = np.flatnonzero(first)
    lengths = np.diff(np.append(starts, len(change_sets)))
    elapsed -= np.repeat(elapsed[starts], lengths)
    times: Ints = np.repeat(change_sets.time[starts], lengths) + elapsed
    return times


def _free(
    truth: SimulationTruth, normal: ChangeSets, change_sets: ChangeSets, count: int
) -> np.ndarray:
    """Which of ``count`` sessions keep the pause to all other sessions of their user, normal ones first."""
    pause = round(truth.parameters.activity.pause_minutes * MINUTE)
    numbers, start, end = _extents(change_sets)
    user = change_sets.user[np.flatnonzero(session_starts(change_sets))]
    _, taken_start, taken_end = _extents(normal)
    taken_user = normal.user[np.flatnonzero(session_starts(normal))]
    keep = np.zeros(count, dtype=bool)
    for each in np.unique(user):
        theirs = taken_user == each
        taken = list(zip(taken_start[theirs], taken_end[theirs], strict=True))
        for place in np.flatnonzero(user == each):
            low, high = start[place] - pause, end[place] + pause
            if all(high <= begun or low >= ended for begun, ended in taken):
                keep[numbers[place]] = True
                taken.append((start[place], end[place]))
    return keep


def _extents(change_sets: ChangeSets) -> tuple[Ints, Ints, Ints]:
    """Session number, first and last microsecond of each session, in order."""
    starts = np.flatnonzero(session_starts(change_sets))
    ends = np.append(starts[1:], len(change_sets)) - 1
    return (
        change_sets.session[starts],
        change_sets.time[starts],
        change_sets.time[ends[: len(starts)]],
    )


def _rows(sessions: Sessions, order: Ints) -> Sessions:
    return replace(sessions, **{name: value[order] for name, value in vars(sessions).items()})


def kind_names() -> tuple[str, ...]:
    """Names of the kinds as the table of known anomalies has them, in the order of `Kind`."""
    return tuple(kind.name.lower() for kind in Kind)


def shares_of_kinds(truth: SimulationTruth) -> Floats:
    """Added sessions of each kind over planned normal ones, shape (kinds,)."""
    return np.full(len(Kind), truth.parameters.known_anomalies.share / len(Kind))
