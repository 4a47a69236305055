"""The Bayes rule for the category of an event: an exact forward filter over persona and category.

Its inputs are the event at hand and all earlier events of the user (tool, operation, object, time, session), never
a category and nothing later. Given these inputs and the true parameters no rule is right more often.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml_platform.events.simulator.change_sets import (
    ChangeSets,
    log_gap_density,
    session_starts,
)
from ml_platform.events.simulator.truth import FIRST, Floats, Ints, SimulationTruth


@dataclass(frozen=True)
class Posterior:
    """The beliefs at the moment of every event, in the order of the events."""

    category: Floats
    """(n, C) probability of each category; rows sum to 1."""
    persona: Floats
    """(n, K) probability of each persona; rows sum to 1."""
    joint: NDArray[np.float32]
    """(n, K, C) of both together; in single precision, since it is the largest array of a block."""

    @property
    def prediction(self) -> Ints:
        """The most probable category."""
        best: Ints = self.category.argmax(axis=1).astype(np.int64)
        return best

    @property
    def confidence(self) -> Floats:
        """Its probability, which is the chance that the prediction is right."""
        top: Floats = self.category.max(axis=1)
        return top


def log_evidence(truth: SimulationTruth, change_sets: ChangeSets) -> Floats:
    """(n, C) log-likelihood of operation, object and gap given the category; the filter adds the tool.

    Terms without the category are left out: the project, the missing object and the session's start do not
    depend on it.
    """
    first = session_starts(change_sets)
    before = np.where(first, FIRST, np.roll(change_sets.operation, 1))
    evidence: Floats = np.log(
        truth.operations[:, change_sets.tool, before, change_sets.operation]
    ).T.copy()
    named = change_sets.file >= 0
    evidence[named] += np.log(truth.files[:, change_sets.project[named], change_sets.file[named]]).T
    inside = np.flatnonzero(~first)
    seconds = (change_sets.time[inside] - change_sets.time[inside - 1]) / 1e6
    evidence[inside] += log_gap_density(truth, seconds)
    return evidence


def posterior(truth: SimulationTruth, change_sets: ChangeSets) -> Posterior:
    """Forward filter, exact: P(persona, category | all of the user's events up to this one).

    One step handles the n-th event of all users at once: (users, K, C) floats.
    """
    _, personas, categories = truth.shape
    first = session_starts(change_sets)
    evidence = log_evidence(truth, change_sets)
    likelihood = np.exp(evidence - evidence.max(axis=1, keepdims=True))
    by_tool = np.moveaxis(truth.tools, -1, 0)
    bounds = np.flatnonzero(np.diff(change_sets.user, prepend=-1))
    counts = np.diff(np.append(bounds, len(change_sets)))
    order = np.argsort(-counts, kind="stable")
    bounds, counts = bounds[order], counts[order]
    known_category = np.empty((len(change_sets), categories))
    known_persona = np.empty((len(change_sets), personas))
    joint_known = np.empty((len(change_sets), personas, categories), dtype=np.float32)
    belief = np.broadcast_to(
        truth.personas[:, None] / categories, (len(bounds), personas, categories)
    )
    for step in range(int(counts[0]) if len(counts) else 0):
        row = bounds[: np.searchsorted(-counts, -step)] + step
        belief = belief[: len(row)]
        slot = change_sets.slot[row]
        anew = belief.sum(axis=2)[:, :, None] * truth.start[slot]
        onward = np.matmul(belief[:, :, None, :], truth.moves[slot])[:, :, 0, :]
        predicted = np.where(first[row][:, None, None], anew, onward)
        joint = predicted * by_tool[change_sets.tool[row]] * likelihood[row][:, None, :]
        belief = joint / joint.sum(axis=(1, 2), keepdims=True)
        known_category[row] = belief.sum(axis=1)
        known_persona[row] = belief.sum(axis=2)
        joint_known[row] = belief
    return Posterior(known_category, known_persona, joint_known)
