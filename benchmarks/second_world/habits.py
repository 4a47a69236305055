"""When people work: bouts of work as a self-exciting process with power-law delays, rhythms and seasons."""

from dataclasses import dataclass

import numpy as np

from benchmarks.second_world.parameters import Parameters
from benchmarks.second_world.people import Company, Floats, Person, lomax


@dataclass(frozen=True)
class Bout:
    """A stretch of work without a break: one session of the log."""

    start: float
    parent: int
    """Index of the bout that gave rise to this one, in order of start; -1: none."""
    kind: str
    """What is wrong with it, or the empty text; see `ANOMALIES`."""
    actor: int
    """Number of the person whose habits rule: another one's where an account is borrowed."""


ANOMALIES = ("borrowed", "stuck", "sweep")
"""Somebody else's habits; one step over and over; objects of every folder in quick succession."""

_PEAKS = tuple((width, share, float(np.i0(width))) for width, share in ((3.0, 0.6), (4.0, 0.4)))
"""Concentration (von Mises), share and mean of the two peaks of a day."""


def local_hour(time: Floats, person: Person) -> Floats:
    """The hour of the day where the person is, in [0, 24)."""
    hours: Floats = (time * 24 + person.offset / 60) % 24
    return hours


def activity(time: Floats, person: Person, company: Company, parameters: Parameters) -> Floats:
    """How much more often than on average the person starts to work at each time."""
    hour = local_hour(time, person)
    rhythm = np.zeros_like(time)
    for peak, (concentration, share, mean) in zip(person.peaks, _PEAKS, strict=True):
        angle = 2 * np.pi * (hour - peak) / 24
        rhythm += share * np.exp(concentration * np.cos(angle)) / mean
    weekday = (parameters.start.weekday() + np.floor(time + person.offset / 1440)) % 7
    week = np.where(weekday >= 5, parameters.weekend, 1.0)
    if person.rotates:
        turn = (time + person.phase) % parameters.rotation_days
        week = np.where(turn < parameters.rotation_on * parameters.rotation_days, 1.25, 0.1)
    (short, small), (long, large) = parameters.seasons
    point = np.minimum((time / parameters.grid_days).astype(int), parameters.grid - 1)
    phase = company.team_phase[person.team[point]]
    season = 1 + small * np.sin(2 * np.pi * (time / short + phase))
    season += large * np.sin(2 * np.pi * time / long)
    modulation: Floats = rhythm * week * season
    return modulation


def bouts_of(person: Person, company: Company, parameters: Parameters) -> list[Bout]:
    """The bouts of one person in order of time, by the cluster representation of a Hawkes process.

    Source: Hawkes and Oakes (1974): immigrants, each with a Poisson number of offspring, whose delays are
    drawn; here both are thinned by the person's activity at that time.
    """
    rng = np.random.default_rng([parameters.seed, 3, person.number])
    most = 8.0
    rate = parameters.bouts_per_day * person.frailty
    times = rng.uniform(0, parameters.days, rng.poisson(rate * most * parameters.days))
    kept = times[rng.random(len(times)) * most < activity(times, person, company, parameters)]
    family: list[tuple[float, int]] = [(float(time), -1) for time in kept]
    number = 0
    while number < len(family):
        for delay in lomax(
            rng, parameters.offspring_shape, parameters.offspring_hours / 24,
            rng.poisson(parameters.offspring),
        ):  # fmt: skip
            time = family[number][0] + 0.01 + float(delay)
            if time < parameters.days:
                accepted = activity(np.array([time]), person, company, parameters)[0]
                if rng.random() < accepted:
                    family.append((time, number))
        number += 1
    order = sorted(range(len(family)), key=lambda index: family[index][0])
    place = {index: rank for rank, index in enumerate(order)} | {-1: -1}
    bouts = []
    for index in order:
        start, parent = family[index]
        kind = str(rng.choice(ANOMALIES)) if rng.random() < parameters.anomalies else ""
        other = int(rng.integers(parameters.users))
        actor = other if kind == "borrowed" else person.number
        bouts.append(Bout(start, place[parent], kind, actor))
    return bouts
