"""When a series of trailing windows began to change: the change point, and how sure it is that there is one.

A trailing window of seven days moves on by six hours, so neighbouring values share most of their rows: without
any change they are correlated as 1 - distance / length, and a step of the events is a ramp of the values. Both
are known, so the series is whitened by that correlation, and the ramp that explains most of it is the change.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ml_platform.errors import InsufficientData

LEAST = 8
"""Fewer values are not searched."""
_EDGE = 2
"""The values on each side of a change that are needed to tell it."""
_OWN = 0.001
"""The share of the variance that windows do not have in common; it keeps the correlation invertible."""
_DRAWS, _SEED = 2_000, 20_240_101


@dataclass(frozen=True)
class ChangePoint:
    """The most likely change of a series."""

    place: int
    """The index of the first value that has changed."""
    change: float
    """How much higher the level is in the end, once all of a window lies after the change; negative: lower."""
    p_value: float
    """How often a series without a change has one as clear as this somewhere."""


def change_point(values: Sequence[float], overlap: int = 28) -> ChangePoint:
    """The change point of values in order of time, of windows of ``overlap`` steps each.

    With ``overlap`` 1 the values are independent and the change is a step: the statistic is then the largest
    two-sample t over all places, as `scipy.stats.ttest_ind` gives it. The p-value is that of the largest of all
    places, simulated for normal values, so that searching for the place is paid for; at least 1 / 2001.

    Raises:
        InsufficientData: fewer than `LEAST` values.
    """
    series = np.asarray(values, dtype=np.float64)
    if len(series) < LEAST:
        raise InsufficientData(
            f"{len(series)} windows are too few to look for a change.", remedy=f"{LEAST} are needed"
        )
    whitener, ramps, null = _tables(len(series), overlap)
    if float(np.ptp(series)) == 0.0:
        return ChangePoint(_EDGE, 0.0, 1.0)
    statistics, slopes = _fits(whitener @ series, ramps, whitener.sum(axis=1))
    best = int(np.argmax(np.abs(statistics)))
    reached = int(np.count_nonzero(null >= abs(statistics[best])))
    p_value = (1 + reached) / (1 + len(null))
    return ChangePoint(best + _EDGE, float(slopes[best]), p_value)


@lru_cache(maxsize=16)
def _tables(
    length: int, overlap: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The whitening matrix, the whitened ramps (a row a place), and largest statistics without a change."""
    steps = np.arange(length)
    distance = np.abs(steps[:, None] - steps[None, :])
    shared = np.clip(1.0 - distance / overlap, 0.0, None)
    correlation = (1.0 - _OWN) * shared + _OWN * np.eye(length)
    whitener = np.linalg.inv(np.linalg.cholesky(correlation))
    places = np.arange(_EDGE, length - _EDGE + 1)
    ramps = np.clip((steps[None, :] - places[:, None] + 1) / overlap, 0.0, 1.0) @ whitener.T
    level = whitener.sum(axis=1)
    noise = np.random.default_rng(_SEED).standard_normal((_DRAWS, length))
    null = np.array([np.abs(_fits(draw, ramps, level)[0]).max() for draw in noise])
    return whitener, ramps, null


def _fits(
    white: NDArray[np.float64], ramps: NDArray[np.float64], level: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The t statistic and the height of each ramp beside a level, by least squares on whitened values."""
    level = level / np.linalg.norm(level)
    rest = white - (white @ level) * level
    free = ramps - (ramps @ level)[:, None] * level[None, :]
    squares = np.einsum("ij,ij->i", free, free)
    slopes = free @ rest / squares
    residual = rest @ rest - slopes**2 * squares
    error = np.sqrt(np.clip(residual, 1e-300, None) / (len(white) - 2) / squares)
    return slopes / error, slopes
