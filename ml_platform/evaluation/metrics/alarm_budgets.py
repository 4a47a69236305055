"""Precision among the highest scores when people can look into only a share of the rows, with its influence by row.

Let b be the share of the rows that are looked into, and t the lowest score among them: precision is
E[y 1(s > t)] / b. A resample moves t too. To first order that costs the rate of positives around t (the
derivative of a quantile cancels its density), which is estimated from the rows whose rank differs from the
budget's by at most half of it.
"""

from dataclasses import dataclass

import numpy as np

from ml_platform.arrays import Array

BUDGETS = (0.01, 0.02, 0.05)
"""The shares of the rows that people could look into."""


@dataclass(frozen=True)
class BudgetPrecision:
    """Precision at a budget: with weights w over rows it is value + sum(w influence) / sum(w), to first order."""

    value: float
    influence: Array
    """Shape (n,); its mean is 0."""


def budget_name(share: float) -> str:
    """Return the name of the metric at this budget, such as 'precision_at_2_percent'."""
    return f"precision_at_{share * 100:g}_percent"


def budget_precision(positive: np.ndarray, scores: Array, share: float) -> BudgetPrecision:
    """Compute the share of ``positive`` (bool, shape (n,)) among the ``share`` of rows with the highest ``scores``.

    At least one row is looked into. Rows that tie for the last places count by the share of them that has a place.
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
