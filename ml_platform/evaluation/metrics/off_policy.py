"""What another choice of launch hours would have been worth, from launches whose hours were drawn at random.

A launch has candidate times, one of which was drawn with a known probability p and came out well or not.
A policy picks one candidate. With w = 1/p where pick and draw agree and 0 elsewhere, and q an outcome
model that has not seen these launches, its value (success per launch) is estimated by

* inverse propensity: mean of w y (Horvitz and Thompson 1952), unbiased;
* the same, self-normalised: sum of w y over sum of w, in [0, 1];
* doubly robust: mean of q(pick) + w (y - q(drawn)), unbiased if p is right, whatever q is, and of less
  variance the better q is (Dudik, Langford and Li 2011).

All are ratios of sums over launches, so they resample with clusters.
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from ml_platform.arrays import Array, Codes

COLUMNS = 4
"""Columns of a policy's statistics: doubly robust term, w y, w, w squared."""
SUSPICIOUS = 1e-4
"""Probability of a false alarm of the propensity check, over all its groups together."""
PARTS = 4
"""Parts of the day in which propensities are checked."""


@dataclass(frozen=True)
class Launches:
    """Rows are candidates, launch after launch and within a launch in order of time."""

    first: Codes
    """(launches,) row of each launch's earliest candidate."""
    drawn: Codes
    """(launches,) row of the candidate at which it was started."""
    propensity: Array
    """(launches,) probability with which that one was drawn, in (0, 1]."""
    success: Array
    """(launches,) 1 or 0."""
    expected: Array
    """(rows,) success of each candidate by a model that has not seen these launches."""
    hours: Array
    """(rows,) local hour of each candidate."""

    def __len__(self) -> int:
        return len(self.first)

    @property
    def launch(self) -> Codes:
        """(rows,) the launch of each row."""
        sizes = np.diff(np.append(self.first, len(self.expected)))
        return np.repeat(np.arange(len(self)), sizes)


def best_candidates(launches: Launches, scores: Array) -> Codes:
    """(launches,) row of the highest of ``scores`` (rows,); of equals, the earliest."""
    best = np.maximum.reduceat(scores, launches.first)[launches.launch]
    rows = np.flatnonzero(scores == best)
    _, first = np.unique(launches.launch[rows], return_index=True)
    chosen: Codes = rows[first]
    return chosen


def nearest_candidates(launches: Launches, hour: float) -> Codes:
    """(launches,) row of the candidate nearest to a local ``hour`` of the same day; of equals, the earlier."""
    return best_candidates(launches, -np.abs(launches.hours - hour))


def policy_terms(launches: Launches, picked: Codes) -> Array:
    """(launches, `COLUMNS`) what each launch adds to the statistics of the policy that picks these rows."""
    weight = np.where(picked == launches.drawn, 1.0 / launches.propensity, 0.0)
    surprise = launches.success - launches.expected[launches.drawn]
    robust = launches.expected[picked] + weight * surprise
    return np.column_stack([robust, weight * launches.success, weight, weight**2])


@dataclass(frozen=True)
class PropensityCheck:
    """Candidates of one part of the day: how often they were drawn, and how often they should have been."""

    part: int
    """0 to `PARTS` - 1, from midnight."""
    weight: float
    """Mean weight of the policy that picks one of the part's candidates at random; 1 if propensities are right."""
    z: float
    """Its distance from 1 in standard errors, which are clustered."""

    @property
    def suspicious(self) -> bool:
        """Whether chance alone would hardly do this."""
        return abs(self.z) > NormalDist().inv_cdf(1 - SUSPICIOUS / PARTS / 2)


def check_propensities(launches: Launches, clusters: Codes) -> tuple[PropensityCheck, ...]:
    """Right propensities give every fixed policy weights of mean 1; a policy for each part of the day.

    ``clusters`` (launches,) are codes from 0. Parts of the day without a candidate are left out.
    """
    part = np.clip(launches.hours, 0, 23).astype(np.int64) // (24 // PARTS)
    count = int(clusters.max()) + 1
    found = []
    for each in range(PARTS):
        candidates = np.bincount(launches.launch, weights=part == each, minlength=len(launches))
        asked = candidates > 0
        if not asked.any():
            continue
        agrees = part[launches.drawn] == each
        weight = np.where(agrees, 1.0 / launches.propensity, 0.0) / np.maximum(candidates, 1.0)
        off = np.bincount(clusters, weights=np.where(asked, weight - 1.0, 0.0), minlength=count)
        spread = float(np.sqrt((off**2).sum()))
        z = float(off.sum()) / spread if spread > 0 else 0.0
        found.append(PropensityCheck(each, float(weight[asked].mean()), z))
    return tuple(found)
