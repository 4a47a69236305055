"""How long labels take, from labels of which the slow ones have not come yet."""

from dataclasses import dataclass

import numpy as np

from ml_platform.arrays import Array

MINIMUM = 30
"""Labels that must have had the time for a delay before that delay is looked at."""


@dataclass(frozen=True)
class DelayDistribution:
    """The distribution of the delay of labels, in whole hours, of those labels that come within ``longest``."""

    hours: Array
    """Ascending, shape (n,)."""
    shares: Array
    """The share of the labels that have come after so many hours, ascending to 1, shape (n,)."""

    def quantile(self, share: float) -> float:
        """The hours after which ``share`` of the labels have come, ``share`` in (0, 1]."""
        place = int(np.searchsorted(self.shares, share - 1e-12))
        return float(self.hours[min(place, len(self.hours) - 1)])


def delay_distribution(delays: Array, ages: Array) -> DelayDistribution | None:
    """Estimate the distribution of delays from the labels that have come, without a bias to the quick ones.

    A label that takes ``d`` hours is seen only of a row that is at least ``d`` hours old, so young rows show quick
    labels alone. The estimate goes backwards: of the labels that came within ``d`` hours, of rows at least ``d``
    hours old, what share took the full ``d``? Nothing is known about labels that take longer than the oldest
    rows are old, nor of rows that never get one.

    Args:
        delays: Hours from row to label, shape (labels,), at least 0.
        ages: Hours from row to now, shape (labels,), at least ``delays``.

    Returns:
        ``None`` with fewer than `MINIMUM` labels.

    Source: Lagakos, Barraj and De Gruttola (1988), "Nonparametric analysis of truncated survival data, with
    application to AIDS", Biometrika 75(3): the product-limit estimator in reverse time.
    """
    delay = np.maximum(np.floor(delays), 0).astype(np.int64)
    age = np.maximum(np.floor(ages).astype(np.int64), delay)
    if len(delay) < MINIMUM:
        return None
    top = int(delay.max())
    taken = np.bincount(delay, minlength=top + 1).astype(np.float64)
    younger = np.bincount(np.minimum(age, top + 1), minlength=top + 2)[: top + 1]
    at_risk = np.cumsum(taken) - (np.cumsum(younger) - younger)
    usable = np.flatnonzero((taken > 0) & (at_risk >= MINIMUM))
    if not usable.size:
        return None
    hours = np.flatnonzero(taken[: usable[-1] + 1] > 0)
    stays = 1.0 - taken[hours] / np.maximum(at_risk[hours], 1.0)
    later = np.append(np.cumprod(stays[::-1])[::-1][1:], 1.0)
    return DelayDistribution(hours.astype(np.float64), later)
