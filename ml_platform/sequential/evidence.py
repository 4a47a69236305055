"""Evidence that may be looked at after every answer: ratios of two mixtures of likelihoods (e-processes).

Under the null hypothesis such a ratio has the mean 1 at any time at which somebody may stop, so that it reaches
1 / alpha with a probability of alpha at most, however often it is looked at (Ville's inequality).

Here the null is not that two arms are equal, but that units were assigned to them by lot: arms differ by the
luck of the draw, as a shift with mean 0 and a standard deviation that follows from how unlike the units are. So
a few units that are very unlike can never show harm by themselves, however many answers each of them gets.

Sources: Robbins (1970), "Statistical methods related to the law of the iterated logarithm", for mixtures;
Ramdas, Gruenwald, Vovk and Shafer (2023), "Game-theoretic statistics and safe anytime-valid inference", for
e-processes.
"""

from dataclasses import dataclass

import numpy as np

from ml_platform.arrays import Array

_LUCK_POINTS = 61
_HARM_POINTS = 40
_FARTHEST = 3.0
"""Standard deviations of luck that are looked at."""


@dataclass(frozen=True)
class Shifts:
    """Shifts between two arms, treatment less control, positive is worse: those of luck and those of harm."""

    luck: Array
    """Shape (luck shifts,)."""
    log_weight_of_luck: Array
    """Logarithms of normal weights that sum to 1, shape (luck shifts,)."""
    harm: Array
    """Shape (harm shifts,); each is as likely as the next."""

    @property
    def values(self) -> Array:
        """All of them, those of luck first, shape (shifts,)."""
        return np.concatenate([self.luck, self.harm])

    def log_evidence(self, log_likelihood: Array) -> Array:
        """Logarithm of the evidence for harm against luck.

        Args:
            log_likelihood: Of each of `values`, up to a constant, shape (..., shifts).

        Returns:
            Shape (...): one figure for each comparison.
        """
        lucky = log_likelihood[..., : len(self.luck)] + self.log_weight_of_luck
        harmful = log_likelihood[..., len(self.luck) :]
        evidence: Array = (
            np.logaddexp.reduce(harmful, axis=-1)
            - np.log(len(self.harm))
            - np.logaddexp.reduce(lucky, axis=-1)
        )
        return evidence


def shifts(*, tolerated: float, farthest: float, luck: float) -> Shifts:
    """Harm lies between ``tolerated`` and ``farthest``, evenly on a logarithmic scale; luck is normal around 0.

    Args:
        tolerated: The smallest shift that is harm, above 0.
        farthest: The largest shift that is looked at.
        luck: Standard deviation of the difference that assignment alone makes, at least 0.
    """
    around = np.linspace(-_FARTHEST, _FARTHEST, _LUCK_POINTS)
    weights = -0.5 * around**2
    return Shifts(
        luck=around * luck,
        log_weight_of_luck=weights - np.logaddexp.reduce(weights),
        harm=np.geomspace(tolerated, farthest, _HARM_POINTS),
    )
