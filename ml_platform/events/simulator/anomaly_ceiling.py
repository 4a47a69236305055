"""The Bayes rule for anomalous sessions: P(the session is anomalous | its events and the user's earlier ones).

For a session, the exact likelihood of when it starts, how long it is and what is done in it, under the law of all
sessions and under that of each kind, by the true parameters: one forward filter over (persona, category) each,
from the belief about the persona by the user's earlier sessions. It knows which of those are anomalous and leaves
them out, so it is at or above the best rule that does not know. What no kind changes cancels: the user's rate, the
project, the missing object given the operation, sessions that are not held.
"""

from dataclasses import dataclass

import numpy as np

from ml_platform.events.simulator import vocabulary as words
from ml_platform.events.simulator.anomalies import (
    Anomalous,
    Kind,
    night_operations,
    shares_of_kinds,
)
from ml_platform.events.simulator.category_filter import Posterior
from ml_platform.events.simulator.change_sets import (
    ChangeSets,
    log_gap_density,
    select,
    session_starts,
)
from ml_platform.events.simulator.population import Users
from ml_platform.events.simulator.sessions import DAY, HOUR, MINUTE, weekly_rates
from ml_platform.events.simulator.truth import FIRST, Floats, Ints, SimulationTruth

LEAST_EVENTS = 5
"""Shorter sessions have no row."""


@dataclass(frozen=True)
class AnomalyCeiling:
    """One row per session of at least `LEAST_EVENTS` events, normal and anomalous ones."""

    change_sets: ChangeSets
    """Their events, session after session."""
    probability: Floats
    """Posterior probability that the session is anomalous."""
    alarm: np.ndarray
    """The sessions that are most probably anomalous, as many as anomalies are expected."""


def anomaly_ceiling(
    truth: SimulationTruth, users: Users, normal: ChangeSets, known: Posterior, anomalous: Anomalous
) -> AnomalyCeiling:
    """The Bayes rule for all sessions of a block; ``known`` belongs to ``normal``."""
    parts = [_long(normal), _long(anomalous.change_sets)]
    log_odds = np.concatenate(
        [_log_odds(truth, users, each, _persona(truth, normal, known, each)) for each in parts]
    )
    probability = 1.0 / (1.0 + np.exp(-np.clip(log_odds, -700.0, 700.0)))
    alarms = round(probability.sum())
    alarm = np.zeros(len(probability), dtype=bool)
    alarm[np.argsort(-log_odds, kind="stable")[:alarms]] = True
    return AnomalyCeiling(_joined(*parts), probability, alarm)


def _long(change_sets: ChangeSets) -> ChangeSets:
    starts = np.flatnonzero(session_starts(change_sets))
    lengths = np.diff(np.append(starts, len(change_sets)))
    return select(change_sets, np.repeat(lengths >= LEAST_EVENTS, lengths))


def _joined(one: ChangeSets, other: ChangeSets) -> ChangeSets:
    """Both, one after the other; sessions of the second are numbered after those of the first."""
    shift = int(one.session.max(initial=-1)) + 1
    parts = {name: np.concatenate([value, vars(other)[name]]) for name, value in vars(one).items()}
    parts["session"] = np.concatenate([one.session, other.session + shift])
    return ChangeSets(**parts)


def _persona(
    truth: SimulationTruth, normal: ChangeSets, known: Posterior, change_sets: ChangeSets
) -> Floats:
    """(sessions, K) what the user's normal events before the start of each session tell."""
    starts = np.flatnonzero(session_starts(change_sets))
    if not len(normal):
        return np.tile(truth.personas, (len(starts), 1))
    origin = min(normal.time.min(), change_sets.time.min(initial=normal.time[0]))
    width = int(max(normal.time.max(), change_sets.time.max(initial=0)) - origin) + 1
    keys = normal.user * width + (normal.time - origin)
    asked = change_sets.user[starts] * width + (change_sets.time[starts] - origin)
    place = np.searchsorted(keys, asked, side="left") - 1
    same = (place >= 0) & (normal.user[place] == change_sets.user[starts])
    belief: Floats = np.where(same[:, None], known.persona[place], truth.personas)
    return belief


def _log_odds(
    truth: SimulationTruth, users: Users, change_sets: ChangeSets, persona: Floats
) -> Floats:
    """(sessions,) logarithm of anomalous to normal, all kinds together."""
    starts = np.flatnonzero(session_starts(change_sets))
    lengths = np.diff(np.append(starts, len(change_sets)))
    usual = session_log_likelihood(truth, change_sets, starts, lengths, persona, None)
    with np.errstate(divide="ignore"):
        prior = np.log(shares_of_kinds(truth))
    odds = np.column_stack(
        [
            prior[kind]
            + session_log_likelihood(truth, change_sets, starts, lengths, persona, kind)
            + _length_and_start(truth, users, change_sets, starts, lengths, kind)
            - usual
            for kind in Kind
        ]
    )
    result: Floats = np.logaddexp.reduce(odds, axis=1)
    return result


def session_log_likelihood(
    truth: SimulationTruth,
    change_sets: ChangeSets,
    starts: Ints,
    lengths: Ints,
    persona: Floats,
    kind: Kind | None,
) -> Floats:
    """(sessions,) log likelihood of what is done in each session, the n-th events of all at once."""
    evidence = _log_evidence(truth, change_sets, kind)
    by_tool = np.moveaxis(truth.tools, -1, 0)
    if kind is Kind.RANDOM_ACTIONS:
        by_tool = np.full_like(by_tool, 1.0 / len(words.TOOLS))
    order = np.argsort(-lengths, kind="stable")
    total = np.zeros(len(starts))
    belief = persona[order][:, :, None]
    for step in range(int(lengths.max(initial=0))):
        at = order[: np.searchsorted(-lengths[order], -step)]
        row = starts[at] + step
        belief, slot = belief[: len(at)], change_sets.slot[row]
        if step:
            belief = np.matmul(belief[:, :, None, :], truth.moves[slot])[:, :, 0, :]
        else:
            belief = belief * truth.start[slot]
        peak = evidence[row].max(axis=1)
        likelihood = np.exp(evidence[row] - peak[:, None])
        joint = belief * by_tool[change_sets.tool[row]] * likelihood[:, None, :]
        scale = joint.sum(axis=(1, 2))
        total[at] += np.log(scale) + peak
        belief = joint / scale[:, None, None]
    return total


def _log_evidence(truth: SimulationTruth, change_sets: ChangeSets, kind: Kind | None) -> Floats:
    """(n, C) density of operation, object and gap given the category, up to what no kind changes."""
    settings = truth.parameters.known_anomalies
    first = session_starts(change_sets)
    before = np.where(first, FIRST, np.roll(change_sets.operation, 1))
    operations = truth.operations[:, change_sets.tool, before, change_sets.operation].T
    if kind is Kind.RANDOM_ACTIONS:
        operations = np.full_like(operations, 1.0 / len(words.OPERATIONS))
    if kind is Kind.NIGHT:
        chosen = night_operations(truth)
        among = np.isin(change_sets.operation, chosen)[:, None] / len(chosen)
        operations = (1.0 - settings.night_share) * operations + settings.night_share * among
    evidence: Floats = np.log(operations)
    named = change_sets.file >= 0
    if kind is Kind.SWEEP:
        evidence[named] -= np.log(truth.files.shape[2])
    else:
        evidence[named] += np.log(
            truth.files[:, change_sets.project[named], change_sets.file[named]]
        ).T
    inside = np.flatnonzero(~first)
    seconds = (change_sets.time[inside] - change_sets.time[inside - 1]) / 1e6
    if kind is Kind.BURST:
        evidence[inside] += _burst_density(truth, seconds)[:, None]
    else:
        usual = log_gap_density(truth, seconds) - np.log(truth.parameters.activity.gap_sigma)
        evidence[inside] += usual
    return evidence


def _burst_density(truth: SimulationTruth, seconds: Floats) -> Floats:
    """Log density of the logarithm of a burst's gap, less log sqrt(2 pi), as for other gaps."""
    from scipy.special import ndtr

    settings = truth.parameters.known_anomalies
    low, high = np.log(truth.parameters.activity.gap_seconds)
    centre, sigma = np.log(settings.burst_median_seconds), settings.burst_sigma
    inside = np.log(ndtr((high - centre) / sigma) - ndtr((low - centre) / sigma))
    density: Floats = -0.5 * ((np.log(seconds) - centre) / sigma) ** 2 - inside - np.log(sigma)
    return density


def _length_and_start(
    truth: SimulationTruth,
    users: Users,
    change_sets: ChangeSets,
    starts: Ints,
    lengths: Ints,
    kind: Kind,
) -> Floats:
    """(sessions,) log ratio, kind to normal, of the number of events and of the time of the start."""
    if kind is Kind.SWEEP:
        low, high = truth.parameters.known_anomalies.sweep_events
        within = (lengths >= low) & (lengths <= high)
        chance = np.where(within, 1.0 / (high - low + 1), 1e-300)
        ratio: Floats = np.log(chance / length_probabilities(truth)[lengths])
        return ratio
    if kind is not Kind.NIGHT:
        return np.zeros(len(starts))
    offsets = np.array([minutes for _, minutes in truth.parameters.population.region_offsets])
    local = change_sets.time[starts] + offsets[users.region[change_sets.user[starts]]] * MINUTE
    hour = (local // HOUR + 3 * 24) % 168
    rates = weekly_rates(truth)
    of_day = rates.reshape(7, 24).sum(axis=1)[hour // 24]
    hours = truth.parameters.known_anomalies.night_hours
    dense = np.where(local % DAY < hours * HOUR, of_day / hours, 1e-300)
    at_start: Floats = np.log(dense / rates[hour])
    return at_start


def length_probabilities(truth: SimulationTruth) -> Floats:
    """(events_max + 1,) probability of each number of events of a normal session: a rounded gamma."""
    from scipy.special import gammainc

    activity = truth.parameters.activity
    edges = np.maximum(np.arange(activity.events_max + 1) - 0.5, 0.0)
    below = gammainc(2.0, edges / ((activity.events_mean - 1) / 2.0))
    chances = np.zeros(activity.events_max + 1)
    chances[1:-1] = np.diff(below)[:-1]
    chances[-1] = 1.0 - below[-2]
    return chances
