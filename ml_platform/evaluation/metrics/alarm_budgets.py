"""Precision of the highest scores when only so many rows can be looked into, with what each row adds to it.

With b the share of the rows that are looked into and t the score from which on they are, precision is
E[y 1(s > t)] / b. A resample moves t too; to first order that costs the rate of positives around t (the
derivative of a quantile cancels its density), here that of the rows whose rank is within half of the budget's.
"""

from dataclasses import dataclass

import numpy as np

from ml_platform.arrays import Array

BUDGETS = (0.01, 0.02, 0.05)
"""Shares of the rows that people could look into."""


@dataclass(frozen=True)
class BudgetPrecision:
    """With weights w over rows, precision = value + sum(w influence) / sum(w), to first order."""

    value: float
    influence: Array
    """Shape (n,); its mean is 0."""


def budget_name(share: float) -> str:
    """Such as 'precision_at_2_percent'."""
    return f"precision_at_{share * 100:g}_percent"


def budget_precision(positive: np.ndarray, scores: Array, share: float) -> BudgetPrecision:
    """Share of ``positive`` (bool, shape (n,)) among the ``share`` of the rows with the highest ``scores``.

    At least one row; rows that tie for the last places count by the share of them that has a place.
    """
    rows = len(scores)
    places = max(1, round(share * rows))
    ordered = np.sort(scores)[::-1]
    last = ordered[places - 1]
    above, level = scores > last, scores == last
    chosen = above + level * (places - above.sum()) / level.sum()
    part = places / rows
    value = float((chosen * positive).sum() / places)
    low = ordered[min(places + max(places // 2, 1), rows) - 1]
    high = ordered[max(places - max(places // 2, 1), 1) - 1]
    near = positive[(scores >= low) & (scores <= high)].mean()
    influence: Array = (chosen * positive - near * (chosen - part)) / part - value
    return BudgetPrecision(value, influence)
