"""When people work: sessions by a Poisson process with a daily and a weekly cycle in local time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml_platform.events.simulator.parameters import Anomalies
from ml_platform.events.simulator.population import Users
from ml_platform.events.simulator.truth import Floats, Ints, SimulationTruth

HOUR = 3_600_000_000
"""Microseconds; all times here are microseconds since 1970 in UTC."""
DAY = 24 * HOUR
MINUTE = 60_000_000
_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday


@dataclass(frozen=True)
class Sessions:
    """Planned sessions in order of (user, start), as parallel arrays."""

    user: Ints
    """Row of the user in `Users`, not the number."""
    start: Ints
    length: Ints
    project: Ints
    slot: Ints
    """Quarter of the local day and kind of day at the start; habits keep to it for the session."""
    anomalous: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.user)


def weekly_rates(truth: SimulationTruth) -> Floats:
    """Planned sessions an hour of the local week, Monday first, for a user of rate 1; shape (168,)."""
    hours = np.arange(24) + 0.5
    bumps = np.exp(-0.5 * ((hours - 10.3) / 1.9) ** 2) + 0.9 * np.exp(
        -0.5 * ((hours - 15.2) / 2.2) ** 2
    )
    late = np.exp(-0.5 * ((hours - 20.5) / 1.6) ** 2)
    weekday = bumps + 0.12 * late + 0.012
    weekend = 0.6 * bumps + 0.35 * late + 0.03
    activity = truth.parameters.activity
    day = activity.sessions_weekday * weekday / weekday.sum()
    free = activity.sessions_weekend * weekend / weekend.sum()
    return np.concatenate([np.tile(day, 5), np.tile(free, 2)])


def slot_of(local: Ints) -> Ints:
    """Slot number (`vocabulary.SLOTS`) of local times in microseconds."""
    day, within = np.divmod(local, DAY)
    weekend = (day + _EPOCH_WEEKDAY) % 7 >= 5
    slots: Ints = weekend * 4 + within // (6 * HOUR)
    return slots


def plan_sessions(
    truth: SimulationTruth,
    users: Users,
    since: int,
    until: int,
    rng: np.random.Generator,
    anomalies: Anomalies | None = None,
) -> Sessions:
    """Sessions whose planned start lies in [since, until); independent of personas and categories."""
    offsets = np.array([minutes for _, minutes in truth.parameters.population.region_offsets])
    offset = offsets[users.region] * MINUTE
    edges = np.append(np.arange(since, until, HOUR), until)
    hour_of_week = ((edges[:-1] + offset[:, None]) // HOUR + _EPOCH_WEEKDAY * 24) % 168
    rates = weekly_rates(truth)[hour_of_week] * (np.diff(edges) / HOUR)
    counts = rng.poisson(rates * users.rate[:, None])
    user, hour = (
        np.repeat(index, counts.ravel()) for index in np.indices(counts.shape).reshape(2, -1)
    )
    start = edges[hour] + (rng.random(len(user)) * np.diff(edges)[hour]).astype(np.int64)
    anomalous = _anomalous(users, user, start, anomalies, rng)
    local_night = (start + offset[user]) // DAY * DAY + (rng.random(len(user)) * 5 * HOUR).astype(
        int
    )
    start = np.where(anomalous, np.maximum(local_night - offset[user], since), start)
    order = np.lexsort((start, user))
    user, start, anomalous = user[order], start[order], anomalous[order]
    return Sessions(
        user=user,
        start=start,
        length=_lengths(truth, len(user), rng),
        project=_projects(truth, users, user, rng),
        slot=slot_of(start + offset[user]),
        anomalous=anomalous,
    )


def _lengths(truth: SimulationTruth, count: int, rng: np.random.Generator) -> Ints:
    activity = truth.parameters.activity
    drawn = 1 + np.round(rng.gamma(2.0, (activity.events_mean - 1) / 2.0, count)).astype(np.int64)
    lengths: Ints = np.minimum(drawn, activity.events_max)
    return lengths


def _projects(truth: SimulationTruth, users: Users, user: Ints, rng: np.random.Generator) -> Ints:
    cumulated = np.cumsum(users.project_shares, axis=1)[user]
    choice = (rng.random(len(user))[:, None] > cumulated[:, :-1]).sum(axis=1)
    projects: Ints = truth.team_projects[users.team[user], choice]
    return projects


def _anomalous(
    users: Users, user: Ints, start: Ints, anomalies: Anomalies | None, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """The sessions of some users, drawn by share, that start at or after ``anomalies.since``."""
    if anomalies is None:
        return np.zeros(len(user), dtype=bool)
    chosen = rng.random(len(users)) < anomalies.share
    since = round(anomalies.since.timestamp() * 1e6)
    anomalous: NDArray[np.bool_] = chosen[user] & (start >= since)
    return anomalous


def held(sessions: Sessions, ends: Ints, pause: int) -> NDArray[np.bool_]:
    """Which planned sessions take place: those that start ``pause`` after the last one held has ended.

    The rule looks at times alone, so the dropped sessions carry no information about categories or personas.
    """
    keep = np.zeros(len(sessions), dtype=bool)
    if not len(sessions):
        return keep
    bounds = np.flatnonzero(np.diff(sessions.user, prepend=-1))
    counts = np.diff(np.append(bounds, len(sessions)))
    free_from = np.full(len(bounds), np.iinfo(np.int64).min)
    for step in range(int(counts.max())):
        active = np.flatnonzero(counts > step)
        row = bounds[active] + step
        taken = sessions.start[row] >= free_from[active]
        keep[row] = taken
        free_from[active] = np.where(taken, ends[row] + pause, free_from[active])
    return keep
