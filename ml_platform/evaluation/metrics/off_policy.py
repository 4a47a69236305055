"""Off-policy evaluation: the value of a policy for start times, from launches whose times were drawn at random.

A launch has candidate times; one of them was drawn with a known probability p, and the launch succeeded or not.
A policy picks one candidate. Let w be 1/p where pick and draw agree and 0 elsewhere, y the outcome, and q an
outcome model that has not seen these launches. The value of the policy (successes per launch) is estimated by

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

SUSPICIOUS = 1e-4
"""The probability of a false alarm of the propensity check, over all parts of the day together."""
PARTS = 4
"""The number of parts of the day in which propensities are checked."""


@dataclass(frozen=True)
class Launches:
    """Logged launches; rows are candidates, launch after launch and within a launch in order of time."""

    first: Codes
    """(launches,) the row of each launch's earliest candidate."""
    drawn: Codes
    """(launches,) the row of the candidate at which it was started."""
    propensity: Array
    """(launches,) the probability with which that candidate was drawn, in (0, 1]."""
    success: Array
    """(launches,) 1 or 0."""
    expected: Array
    """(rows,) the expected success of each candidate by a model that has not seen these launches."""
    hours: Array
    """(rows,) the local hour of each candidate."""

    def __len__(self) -> int:
        return len(self.first)

    @property
    def launch(self) -> Codes:
        """(rows,) the launch of each row."""
        sizes = np.diff(np.append(self.first, len(self.expected)))
        return np.repeat(np.arange(len(self)), sizes)


def best_candidates(launches: Launches, scores: Array) -> Codes:
    """Return (launches,) the row of each launch with the highest of ``scores`` (rows,); of equals, the earliest."""
    best = np.maximum.reduceat(scores, launches.first)[launches.launch]
    rows = np.flatnonzero(scores == best)
    _, first = np.unique(launches.launch[rows], return_index=True)
    chosen: Codes = rows[first]
    return chosen


def nearest_candidates(launches: Launches, hour: float) -> Codes:
    """Return each launch's candidate nearest to a local ``hour`` of the same day; of equals, the earlier."""
    return best_candidates(launches, -np.abs(launches.hours - hour))


def policy_terms(launches: Launches, picked: Codes) -> Array:
    """Return what each launch adds to the statistics of the policy that picks these rows: (launches, 4).

    With w the importance weight and y the success, the columns are the doubly robust term, w y, w and w squared.
    """
    weight = np.where(picked == launches.drawn, 1.0 / launches.propensity, 0.0)
    residual = launches.success - launches.expected[launches.drawn]
    robust = launches.expected[picked] + weight * residual
    return np.column_stack([robust, weight * launches.success, weight, weight**2])


@dataclass(frozen=True)
class PropensityCheck:
    """The check of one part of the day: how often its candidates were drawn, and how often they should be."""

    part: int
    """0 to `PARTS` - 1, from midnight."""
    weight: float
    """The mean weight of a policy that picks one of the part's candidates at random; 1 for right propensities."""
    z: float
    """The distance of the weight from 1 in clustered standard errors."""

    @property
    def suspicious(self) -> bool:
        """Whether the distance is too large for chance alone, at the level `SUSPICIOUS`."""
        return abs(self.z) > NormalDist().inv_cdf(1 - SUSPICIOUS / PARTS / 2)


def check_propensities(launches: Launches, clusters: Codes) -> tuple[PropensityCheck, ...]:
    """Check the logged propensities by one fixed policy for each part of the day.

    If propensities are right, the weights of any fixed policy have the mean 1. ``clusters`` (launches,) are codes
    from 0. Parts of the day without a candidate are left out.
    """
    row_parts = np.clip(launches.hours, 0, 23).astype(np.int64) // (24 // PARTS)
    count = int(clusters.max()) + 1
    checks = []
    for part in range(PARTS):
        candidates = np.bincount(
            launches.launch, weights=row_parts == part, minlength=len(launches)
        )
        has_candidate = candidates > 0
        if not has_candidate.any():
            continue
        agrees = row_parts[launches.drawn] == part
        weight = np.where(agrees, 1.0 / launches.propensity, 0.0) / np.maximum(candidates, 1.0)
        deviations = np.bincount(
            clusters, weights=np.where(has_candidate, weight - 1.0, 0.0), minlength=count
        )
        spread = float(np.sqrt((deviations**2).sum()))
        z = float(deviations.sum()) / spread if spread > 0 else 0.0
        checks.append(PropensityCheck(part, float(weight[has_candidate].mean()), z))
    return tuple(checks)
