"""Whether a mean (accuracy, a reward, a loss) is worse in one arm than in the other, looked at as often as one
likes.

Both arms are compared within stretches of time, so that a daily cycle or a bad day of both tells nothing; each
stretch weighs by its precision. Outcomes are best given as differences to what is expected of their units
(their own mean before), which takes out most of how unlike the units are.

Source: the sequential test of a normal mean by mixtures (Robbins 1970; Johari, Koomen, Pekelis and Walsh 2022,
"Always valid inference", equation 8), with luck of the draw in the null hypothesis (`evidence`).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ml_platform.arrays import Array
from ml_platform.sequential.evidence import Shifts, shifts


@dataclass(frozen=True)
class Difference:
    """Means of one stretch of time, compared."""

    value: float
    """Treatment less control; positive is worse, so a score is turned around by whoever gives it."""
    variance: float
    """Of ``value``, above 0, from the spread of answers about the means of their units."""


@dataclass(frozen=True)
class MeanShift:
    """What has been seen so far: two sums over the stretches of time."""

    shifts: Shifts
    information: float = 0.0
    """Sum of one over the variance."""
    weighted: float = 0.0
    """Sum of the differences over their variance."""

    def seen(self, stretches: Iterable[Difference]) -> "MeanShift":
        """The same with more stretches of time."""
        information, weighted = self.information, self.weighted
        for each in stretches:
            information += 1 / each.variance
            weighted += each.value / each.variance
        return MeanShift(self.shifts, information, weighted)

    @property
    def log_evidence(self) -> float:
        """Logarithm of the evidence that the treatment is worse than luck explains: harm, at log(1 / alpha)."""
        return float(self.evidence_of(np.float64(self.information), np.float64(self.weighted)))

    def evidence_of(self, information: Array | np.float64, weighted: Array | np.float64) -> Array:
        """The same for many comparisons at once, by their two sums, shape (...)."""
        values = self.shifts.values
        linear = np.multiply.outer(weighted, values)
        return self.shifts.log_evidence(linear - 0.5 * np.multiply.outer(information, values**2))


def mean_shift(
    *, tolerated: float, farthest: float, deviation: float, units: tuple[float, float]
) -> MeanShift:
    """Nothing seen yet.

    Args:
        tolerated: A loss that nobody would roll back for, above 0.
        farthest: The largest loss that is looked at.
        deviation: Standard deviation between units, of their means about what is expected of them.
        units: Units of the treatment and of the control, counted as if all answered equally often.
    """
    luck = deviation * float(np.sqrt(1 / units[0] + 1 / units[1]))
    return MeanShift(shifts(tolerated=tolerated, farthest=farthest, luck=luck))
