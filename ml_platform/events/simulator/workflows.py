"""Workflow executions: who runs what, when, by which trigger, and whether it succeeds."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml_platform.events.simulator import vocabulary as words
from ml_platform.events.simulator.change_sets import ChangeSets
from ml_platform.events.simulator.population import Users
from ml_platform.events.simulator.sessions import DAY, HOUR, MINUTE
from ml_platform.events.simulator.truth import Floats, Ints, Sampler, SimulationTruth, softmax
from ml_platform.events.simulator.turnover import is_active

TRIGGERS = ("manual", "event", "schedule")
STATUSES = ("success", "failure", "cancelled")
SECOND = 1_000_000


@dataclass(frozen=True)
class Catalogue:
    """The workflows that users run, as parallel arrays."""

    category: Ints
    base: Floats
    """Added to the logit of success."""
    best_hour: Floats
    """Local hour at which it succeeds most often."""
    minutes: Floats
    """Median duration."""
    factors: Floats
    """(workflows, factors); their product with a user's factors is the affinity."""


@dataclass(frozen=True)
class Executions:
    """Executions in order of (user, start), as parallel arrays."""

    user: Ints
    workflow: Ints
    start: Ints
    finish: Ints
    status: Ints
    trigger: Ints
    propensity: Floats
    """Probability with which the start hour was drawn; NaN where it was not drawn."""
    candidates: Ints
    """(n, candidate_hours) local hours it was drawn from; -1 where it was not drawn."""

    def __len__(self) -> int:
        return len(self.user)


def build_catalogue(truth: SimulationTruth) -> Catalogue:
    """The workflows, from the structure seed alone."""
    rng = np.random.default_rng(truth.parameters.structure_seed + 2)
    settings = truth.parameters.executions
    count = settings.workflows
    return Catalogue(
        category=np.arange(count) % len(words.CATEGORIES),
        base=rng.normal(0.0, 0.6, count),
        best_hour=rng.uniform(0.0, 24.0, count),
        minutes=np.exp(rng.normal(1.0, 0.8, count)),
        factors=rng.normal(0.0, 1.0, (count, settings.factors)),
    )


def affinities(truth: SimulationTruth, catalogue: Catalogue, users: Users) -> Floats:
    """(users, workflows) how much each user likes each workflow; standard deviation about 1."""
    return taste_affinities(truth, catalogue, users.factors)


def taste_affinities(truth: SimulationTruth, catalogue: Catalogue, factors: Floats) -> Floats:
    """(tastes, workflows) how much tastes with these ``factors`` (tastes, factors) like each workflow."""
    scale = truth.parameters.executions.affinity_strength / np.sqrt(catalogue.factors.shape[1])
    result: Floats = factors @ catalogue.factors.T * scale
    return result


def draw_executions(
    truth: SimulationTruth,
    catalogue: Catalogue,
    users: Users,
    change_sets: ChangeSets,
    starts: NDArray[np.bool_],
    span: tuple[int, ...],
    rng: np.random.Generator,
) -> Executions:
    """Executions that go with events, and scheduled ones at randomised hours with their propensities.

    ``starts``: after which events a workflow is started (`routines`). ``span``: first and last microsecond
    within which scheduled starts fall, and between them moments that no set of candidate hours reaches
    across, so that no cut there depends on the hour drawn.
    """
    liking = affinities(truth, catalogue, users)
    user, workflow, start, trigger = _with_events(
        truth, catalogue, liking, change_sets, starts, rng
    )
    planned = _scheduled(truth, users, liking, span, rng.spawn(1)[0])
    none = np.full((len(user), truth.parameters.executions.candidate_hours), -1)
    merged_user = np.concatenate([user, planned.user])
    merged_start = np.concatenate([start, planned.start])
    order = np.lexsort((merged_start, merged_user))
    order = order[is_active(users, merged_user[order], merged_start[order])]
    user, start = merged_user[order], merged_start[order]
    workflow = np.concatenate([workflow, planned.workflow])[order]
    status = _success(truth, catalogue, users, change_sets, (user, workflow, start), rng)
    minutes = catalogue.minutes[workflow] * np.exp(rng.normal(0.0, 0.4, len(user)))
    return Executions(
        user=user,
        workflow=workflow,
        start=start,
        finish=start + np.round(minutes * MINUTE).astype(np.int64),
        status=status,
        trigger=np.concatenate([trigger, np.full(len(planned.user), 2)])[order],
        propensity=np.concatenate([np.full(len(none), np.nan), planned.propensity])[order],
        candidates=np.concatenate([none, planned.candidates])[order],
    )


def _with_events(
    truth: SimulationTruth,
    catalogue: Catalogue,
    liking: Floats,
    change_sets: ChangeSets,
    starts: NDArray[np.bool_],
    rng: np.random.Generator,
) -> tuple[Ints, Ints, Ints, Ints]:
    """Within the second after an event, and before the next one, a workflow of its category as a rule."""
    settings = truth.parameters.executions
    chosen = np.flatnonzero(starts)
    user, category = change_sets.user[chosen], change_sets.category[chosen]
    match = settings.category_match * (
        catalogue.category == np.arange(len(words.CATEGORIES))[:, None]
    )
    sampler = Sampler.of(softmax(liking[:, None, :] + match[None, :, :]))
    row = user * len(words.CATEGORIES) + category
    workflow = sampler.draw(row, rng.random(len(chosen)))
    pause = np.append(np.diff(change_sets.time), SECOND)
    free = np.where((pause > 0) & (pause < SECOND), pause, SECOND)[chosen]
    start = change_sets.time[chosen] + (rng.uniform(0.2, 0.9, len(chosen)) * free).astype(np.int64)
    trigger = (rng.random(len(chosen)) < 0.4).astype(np.int64)
    return user, workflow, start, trigger


@dataclass(frozen=True)
class _ScheduledStarts:
    user: Ints
    workflow: Ints
    start: Ints
    propensity: Floats
    candidates: Ints


def _scheduled(
    truth: SimulationTruth,
    users: Users,
    liking: Floats,
    span: tuple[int, ...],
    rng: np.random.Generator,
) -> _ScheduledStarts:
    """On some days a user's workflow starts at an hour drawn from a few candidates."""
    settings = truth.parameters.executions
    offset = home_offsets(truth, users)
    days = np.arange(span[0] // DAY - 1, span[-1] // DAY + 2)
    rate = np.minimum(settings.scheduled_per_user_day * users.rate, 0.95)
    user, day = np.nonzero(rng.random((len(users), len(days))) < rate[:, None])
    workflow = Sampler.of(softmax(liking)).draw(user, rng.random(len(user)))
    hours = np.argsort(rng.random((len(user), 24)), axis=1)[:, : settings.candidate_hours]
    hours = np.sort(hours, axis=1)
    # The logging policy prefers daytime mildly, so every candidate keeps a chance of some percent.
    policy = softmax(np.cos((hours - 13.0) * np.pi / 12.0) / settings.logging_temperature)
    choice = Sampler.of(policy).draw(np.arange(len(user)), rng.random(len(user)))
    rows = np.arange(len(user))
    within = hours[rows, choice] * HOUR + (rng.random(len(user)) * HOUR).astype(np.int64)
    midnight = days[day] * DAY - offset[user]
    # A start counts if its whole set lies in one part of the span and of its user's time, whatever hour was drawn.
    first, end = midnight + hours[:, 0] * HOUR, midnight + (hours[:, -1] + 1) * HOUR
    part = np.searchsorted(np.array(span), first, side="right")
    inside = (part == np.searchsorted(np.array(span), end)) & (part > 0) & (part < len(span))
    inside &= is_active(users, user, first) & is_active(users, user, end - 1)
    return _ScheduledStarts(
        user[inside],
        workflow[inside],
        (midnight + within)[inside],
        policy[rows, choice][inside],
        hours[inside],
    )


def home_offsets(truth: SimulationTruth, users: Users) -> Ints:
    """Local time minus UTC of each user, in microseconds."""
    offsets = np.array([minutes for _, minutes in truth.parameters.population.region_offsets])
    home: Ints = offsets[users.region] * MINUTE
    return home


def success_logit(
    truth: SimulationTruth,
    catalogue: Catalogue,
    workflow: Ints,
    local_hour: Floats,
    since_last: Floats,
) -> Floats:
    """Logit of success without what activity adds; ``since_last`` in hours, NaN for a first run."""
    settings = truth.parameters.executions
    # A first run counts as rested: three days is where the effect levels off.
    rested = np.log1p(np.minimum(np.nan_to_num(since_last, nan=72.0), 72.0)) - np.log1p(12.0)
    phase = (local_hour - catalogue.best_hour[workflow]) * np.pi / 12.0
    logit: Floats = (
        settings.success_base
        + catalogue.base[workflow]
        + settings.success_since_last * rested
        + settings.success_hour * np.cos(phase)
    )
    return logit


def _success(
    truth: SimulationTruth,
    catalogue: Catalogue,
    users: Users,
    change_sets: ChangeSets,
    runs: tuple[Ints, Ints, Ints],
    rng: np.random.Generator,
) -> Ints:
    """Status by a logit of time since the last run, local hour and events in the hour before."""
    user, workflow, start = runs
    local_hour = (start + home_offsets(truth, users)[user]) % DAY / HOUR
    since_last = hours_since(user * len(catalogue.category) + workflow, start)
    activity = count_before(change_sets.user, change_sets.time, user, start, HOUR)
    logit = success_logit(truth, catalogue, workflow, local_hour, since_last)
    logit += truth.parameters.executions.success_activity * np.log1p(activity)
    success = rng.random(len(user)) < 1.0 / (1.0 + np.exp(-logit))
    cancelled = rng.random(len(user)) < 0.15
    return np.where(success, 0, np.where(cancelled, 2, 1))


def hours_since(group: Ints, start: Ints) -> Floats:
    """Hours since the last start in the same group; NaN for the first."""
    order = np.lexsort((start, group))
    gap = np.diff(start[order], prepend=0) / HOUR
    gap[np.diff(group[order], prepend=-1) != 0] = np.nan
    result = np.empty(len(group))
    result[order] = gap
    return result


def count_before(groups: Ints, times: Ints, group: Ints, time: Ints, window: int) -> Ints:
    """How many (groups, times) lie in [time - window, time) of the same group, for each asked row."""
    if not len(times):
        return np.zeros(len(group), dtype=np.int64)
    origin = min(int(times.min()), int(time.min()) if len(time) else int(times.min())) - window
    width = max(int(times.max()), int(time.max()) if len(time) else 0) - origin + 1
    keys: NDArray[np.float64] | Ints = np.sort(groups * width + (times - origin))
    asked = group * width + (time - origin)
    low = np.searchsorted(keys, asked - window, side="left")
    counts: Ints = np.searchsorted(keys, asked, side="left") - low
    return counts
