"""OfferSets: the few workflows that a user is offered, again and again, for a fortnight."""

from dataclasses import dataclass

import numpy as np

from ml_platform.events.simulator import vocabulary as words
from ml_platform.events.simulator.change_sets import ChangeSets
from ml_platform.events.simulator.parameters import Suggestions
from ml_platform.events.simulator.population import Users
from ml_platform.events.simulator.sessions import DAY
from ml_platform.events.simulator.truth import Floats, Ints, SimulationTruth
from ml_platform.events.simulator.workflows import (
    Catalogue,
    Executions,
    affinities,
    count_before,
)

HISTORY_DAYS = 14
"""Days of runs and events that a utility looks back on; the hidden time before the start is as long."""
LABEL_DAYS = 1
"""Days after which the category of an event is known; younger events are not counted."""


@dataclass(frozen=True)
class Occasions:
    """Moments at which a user is shown an offer set, in order of (user, time), as parallel arrays."""

    user: Ints
    time: Ints
    offer_set: Ints
    """Row of `OfferSets`."""


@dataclass(frozen=True)
class OfferSets:
    """What is offered, fixed at the first occasion; parallel arrays."""

    user: Ints
    start: Ints
    """Microsecond of the first occasion."""
    workflow: Ints
    """Shape (offer sets, size): distinct, and none of those of the fortnight before."""
    utility: Floats
    """Shape (offer sets, size): the part of the logit of adoption that follows from the tables at the start."""


def plan_occasions(
    users: Users,
    user: Ints,
    time: Ints,
    since: int,
    settings: Suggestions,
    rng: np.random.Generator,
) -> tuple[Occasions, Ints]:
    """Occasions from ``since`` on, and of each offer set its number within the user.

    A user's fortnights begin at a phase of the user's own, so that no day is the day of new offer sets.
    """
    length = settings.offer_set_days * DAY
    phase = rng.integers(length, size=len(users))
    shown = time >= since
    user, time = user[shown], time[shown]
    number = (time - since - phase[user]) // length + 1
    turns = int(number.max(initial=0)) + 1
    _, first, offer_set = np.unique(user * turns + number, return_index=True, return_inverse=True)
    return Occasions(user, time, offer_set.astype(np.int64)), number[first]


def draw_offer_sets(
    truth: SimulationTruth,
    catalogue: Catalogue,
    users: Users,
    change_sets: ChangeSets,
    executions: Executions,
    planned: tuple[Occasions, Ints],
    rng: np.random.Generator,
) -> OfferSets:
    """Workflows by liking, past use and chance; utilities by what is in the tables at the start."""
    occasions, number = planned
    settings = truth.parameters.suggestions
    count = len(catalogue.category)
    starts = np.flatnonzero(np.diff(occasions.offer_set, prepend=-1))
    user, start = occasions.user[starts], occasions.time[starts]
    every = np.arange(count)
    runs = count_before(
        executions.user * count + executions.workflow,
        executions.start,
        (user[:, None] * count + every).ravel(),
        np.repeat(start, count),
        HISTORY_DAYS * DAY,
    ).reshape(len(user), count)
    wanted = settings.offer_set_liking * affinities(truth, catalogue, users)[user]
    wanted += settings.offer_set_use * np.log1p(runs)
    wanted += rng.gumbel(size=wanted.shape)
    workflow = np.empty((len(user), settings.offer_set), dtype=np.int64)
    for turn in range(int(number.max(initial=-1)) + 1):
        rows = np.flatnonzero(number == turn)
        after = rows[(rows > 0) & (user[rows - 1] == user[rows]) & (number[rows - 1] == turn - 1)]
        wanted[after[:, None], workflow[after - 1]] = -np.inf
        workflow[rows] = np.argsort(-wanted[rows], axis=1, kind="stable")[:, : settings.offer_set]
    size = settings.offer_set
    asked = (np.repeat(user, size), workflow.ravel(), np.repeat(start, size))
    utility = observable_utility(settings, catalogue, change_sets, executions, asked)
    return OfferSets(user, start, workflow, utility.reshape(len(user), size))


def observable_utility(
    settings: Suggestions,
    catalogue: Catalogue,
    change_sets: ChangeSets,
    executions: Executions,
    asked: tuple[Ints, Ints, Ints],
) -> Floats:
    """Frequency, recency and success of the user's runs of the workflow, and similarity to recent work.

    ``asked``: user, workflow and microsecond; only what lies strictly before that moment counts. Success is
    that of runs that have finished; similarity the share of the user's events in the workflow's category,
    among those whose category is known by then.
    """
    user, workflow, time = asked
    count, categories = len(catalogue.category), len(words.CATEGORIES)
    window = HISTORY_DAYS * DAY
    pair = user * count + workflow
    ran = executions.user * count + executions.workflow
    runs = count_before(ran, executions.start, pair, time, window)
    finished = count_before(ran, executions.finish, pair, time, window)
    good = executions.status == 0
    successes = count_before(ran[good], executions.finish[good], pair, time, window)
    days = np.minimum(since_last(ran, executions.start, pair, time) / DAY, HISTORY_DAYS)
    known, known_at = window - LABEL_DAYS * DAY, time - LABEL_DAYS * DAY
    of_category = count_before(
        change_sets.user * categories + change_sets.category,
        change_sets.time,
        user * categories + catalogue.category[workflow],
        known_at,
        known,
    )
    similarity = of_category / np.maximum(
        count_before(change_sets.user, change_sets.time, user, known_at, known), 1
    )
    utility: Floats = (
        settings.base
        + settings.frequency * np.log1p(runs)
        + settings.recency * np.exp(-days / 3.0)
        + settings.success * ((successes + 1.0) / (finished + 2.0) - 0.5)
        + settings.similarity * similarity
    )
    return utility


def since_last(groups: Ints, times: Ints, group: Ints, time: Ints) -> Floats:
    """Microseconds since the last of (groups, times) strictly before each asked row; infinite for none."""
    order = np.lexsort((times, groups))
    low = int(min(times.min(initial=0), time.min(initial=0)))
    width = int(max(times.max(initial=0), time.max(initial=0))) - low + 1
    keys = groups[order] * width + (times[order] - low)
    place = np.searchsorted(keys, group * width + (time - low), side="left") - 1
    elapsed = np.full(len(group), np.inf)
    before = (place >= 0) & (np.append(groups[order], -1)[place] == group)
    elapsed[before] = (time[before] - times[order][place[before]]).astype(np.float64)
    return elapsed
