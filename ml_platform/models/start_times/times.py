"""What a scheduler asks a start-time model: the best time in a horizon."""

from dataclasses import dataclass
from datetime import datetime
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


def success_probabilities(scorer: Scorer, rows: "pd.DataFrame") -> np.ndarray:
    """Probability of success of each row, shape (rows,)."""
    return np.asarray(scorer.predict_proba(rows)[:, scorer.classes.index(YES)])
