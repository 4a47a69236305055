"""What a scheduler asks a start-time model: the best time in a horizon, and whether to start now."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.errors import InsufficientData
from ml_platform.spec.model import Scorer
from ml_platform.spec.task import YES

if TYPE_CHECKING:
    import pandas as pd

CANDIDATE_TIME = "candidate_time"
"""Column of when each row would start: aware times, or anything else that is ordered."""


@dataclass(frozen=True)
class BestTime:
    """The candidate with the highest probability of success; of equals, the earliest."""

    at: datetime
    probability: float
    place: int
    """Its place among the candidates as they were given."""


class Step(StrEnum):
    """What a scheduler does next."""

    RUN = "run"
    """Start now."""
    WAIT = "wait"
    """A later time within the horizon is better: ask again then."""
    SKIP = "skip"
    """No time within the horizon reaches the threshold."""


@dataclass(frozen=True)
class Advice:
    """Whether to start now, and what that rests on."""

    step: Step
    probability: float
    """Of success if started now."""
    best: BestTime
    """Over now and the later candidates."""

    @property
    def run(self) -> bool:
        """Whether to start now."""
        return self.step is Step.RUN


def best_time(scorer: Scorer, candidates: "pd.DataFrame") -> BestTime:
    """The best of ``candidates``: rows of features with their `CANDIDATE_TIME`, in any order.

    Raises:
        InsufficientData: there is no candidate.
        IntegrityError: a feature of the scorer is not among the columns.
    """
    if candidates.empty:
        raise InsufficientData(
            "There is no candidate time within the horizon.",
            remedy="give a longer horizon, or start by the schedule",
        )
    success = success_probabilities(scorer, candidates)
    times = candidates[CANDIDATE_TIME].tolist()
    place = min(range(len(times)), key=lambda candidate: (-success[candidate], times[candidate]))
    return BestTime(times[place], float(success[place]), place)


def should_run(
    scorer: Scorer,
    now: "pd.DataFrame",
    threshold: float,
    later: "pd.DataFrame | None" = None,
    margin: float = 0.02,
) -> Advice:
    """Start now, wait for a better time, or skip: ``now`` is one row, ``later`` are those of the horizon.

    It runs if success is at least ``threshold`` probable now and no later candidate is better by more than
    ``margin`` (waiting costs something too); it waits if a later one is, and reaches the threshold; it skips
    if none does. Ask again at the time waited for: what is known then may have changed.

    Raises:
        InsufficientData: ``now`` is not one row.
        ValueError: a threshold outside [0, 1] or a negative margin.
    """
    if not 0.0 <= threshold <= 1.0 or margin < 0.0:
        raise ValueError(
            f"threshold {threshold} must lie in [0, 1] and margin {margin} be 0 or more"
        )
    if len(now) != 1:
        raise InsufficientData(
            f"{len(now)} rows stand for now; one is needed.", remedy="give the row of this moment"
        )
    best = best_time(scorer, now)
    probability = best.probability
    ahead = None if later is None or later.empty else best_time(scorer, later)
    if probability >= threshold and (ahead is None or ahead.probability <= probability + margin):
        return Advice(Step.RUN, probability, best)
    if ahead is not None and ahead.probability > probability:
        best = ahead
    return Advice(Step.WAIT if best.probability >= threshold else Step.SKIP, probability, best)


def success_probabilities(scorer: Scorer, rows: "pd.DataFrame") -> np.ndarray:
    """Probability of success of each row, shape (rows,)."""
    return np.asarray(scorer.predict_proba(rows)[:, scorer.classes.index(YES)])
