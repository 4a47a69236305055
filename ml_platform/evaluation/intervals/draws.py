"""The one place where bootstrap draws are made: how often each unit is drawn in each resample.

A resample draws as many units as there are, with replacement. `drawn_counts` draws the units one after the
other, `multinomial_counts` their counts at once: the distribution is the same, the numbers that a seed gives
are not, so that a figure keeps to the one it was first published with.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from ml_platform.arrays import Codes

_CELLS_AT_ONCE = 4_000_000
"""Draws held at once: 32 MB."""


def drawn_places(generator: np.random.Generator, units: int, resamples: int) -> Codes:
    """The unit of each draw, shape (resamples, units): codes below ``units``."""
    places: Codes = generator.integers(0, units, size=(resamples, units))
    return places


def drawn_counts(generator: np.random.Generator, units: int, resamples: int) -> Codes:
    """How often each unit is drawn, shape (resamples, units); every row sums to ``units``."""
    places = drawn_places(generator, units, resamples)
    places += np.arange(resamples)[:, None] * units
    return np.bincount(places.ravel(), minlength=resamples * units).reshape(resamples, units)


def multinomial_counts(generator: np.random.Generator, units: int, resamples: int) -> Codes:
    """How often each unit is drawn, shape (resamples, units); every row sums to ``units``."""
    counts: Codes = generator.multinomial(units, np.full(units, 1.0 / units), size=resamples)
    return counts


def counts_in_parts(clusters: int, seed: int, resamples: int) -> Iterator[npt.NDArray[np.uint16]]:
    """`drawn_counts` from ``seed``, some resamples at a time so that memory is bounded."""
    generator = np.random.default_rng(seed)
    step = max(1, min(100, _CELLS_AT_ONCE // clusters))
    for start in range(0, resamples, step):
        yield drawn_counts(generator, clusters, min(step, resamples - start)).astype(np.uint16)
