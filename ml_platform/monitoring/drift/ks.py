"""Kolmogorov-Smirnov: exact distance over rows, and a supremum test for rows that come in clusters."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from ml_platform.errors import InsufficientData

Floats = npt.NDArray[np.float64]

_GRID = 2_048
"""Points of each sample in the coarse look; only intervals that can hold the supremum are searched."""
_RELIABLE = 20
"""The least number of exceedances; below it a simulated p-value is coarse (22 % error), and the union bound
may be used."""


def sorted_ks(left: Floats, right: Floats) -> tuple[float, float]:
    """Two-sample KS distance in [0, 1], exact, and its p-value for independent rows.

    Both samples, shapes (n,) and (m,), are sorted and without NaN. 0 means equal empirical distributions, 1
    that they do not overlap. The p-value is Smirnov's limit with the effective sample size n m / (n + m).

    Raises:
        InsufficientData: no value is present on one side.

    Source: Hodges (1958), "The significance probability of the Smirnov two-sample test".
    """
    from scipy.stats import kstwo

    n, m = int(left.size), int(right.size)
    if not n or not m:
        raise InsufficientData(
            f"A KS distance needs values on both sides, there are {n} and {m}.",
            remedy="Compare windows in which the feature is present; missingness has its own test.",
        )
    distance = _sorted_distance(left, right)
    return distance, float(kstwo.sf(distance, max(1, round(n * m / (n + m)))))


def _sorted_distance(left: Floats, right: Floats) -> float:
    """Supremum of the difference of two empirical distribution functions of sorted samples.

    Both functions are known exactly at some grid points. Between two of them the difference cannot
    exceed what their monotony allows, so nearly all of the rows need no look: two sorts are the cost.
    """
    n, m = left.size, right.size
    take = [sample[:: max(1, sample.size // _GRID)] for sample in (left, right)]
    grid = np.unique(np.concatenate([*take, left[-1:], right[-1:]]))
    after = [np.searchsorted(sample, grid, "right") for sample in (left, right)]
    before = [np.searchsorted(sample, grid, "left") for sample in (left, right)]
    best = float(np.abs(after[0] / n - after[1] / m).max())
    low = [np.concatenate([[0], counts[:-1]]) for counts in after]
    rises = before[0] / n - low[1] / m
    falls = before[1] / m - low[0] / n
    reach = np.maximum(rises, falls)
    for place in np.argsort(-reach, kind="stable"):
        if reach[place] <= best:
            break
        inside = [
            sample[start[place] : end[place]]
            for sample, start, end in zip((left, right), low, before, strict=True)
        ]
        points = np.concatenate(inside)
        gaps = (low[0][place] + np.searchsorted(inside[0], points, "right")) / n - (
            low[1][place] + np.searchsorted(inside[1], points, "right")
        ) / m
        best = max(best, float(np.abs(gaps).max(initial=0.0)))
    return best


def clustered_ks(
    difference: Floats, covariance: Floats, *, freedom: float, draws: int, seed: int
) -> tuple[float, float]:
    """KS distance over bin edges, and its p-value when ``difference`` has the covariance given.

    ``difference`` (bins,) is current minus baseline shares, ``covariance`` (bins, bins) of it, known
    with ``freedom`` degrees of freedom. Under no drift its cumulative sums are close to a Gaussian process
    with the cumulated covariance, whatever the clusters do; the p-value is the share of ``draws``
    simulated suprema (over Student's scale) beyond the one observed, and where fewer than 20 are,
    the sum of the tail probabilities over the edges if that is smaller.

    Source: van der Vaart & Wellner (1996), "Weak Convergence and Empirical Processes", section 3.7
    (the two-sample process), with the covariance estimated over clusters.
    """
    from scipy.special import stdtr

    gaps = np.cumsum(difference)[:-1]
    if gaps.size == 0:
        return 0.0, 1.0
    distance = float(np.abs(gaps).max())
    process = np.cumsum(np.cumsum(covariance, axis=0), axis=1)[:-1, :-1]
    spread = np.sqrt(np.maximum(np.diag(process), 0.0))
    if distance == 0.0 or not spread.any():
        return distance, 1.0 if distance == 0.0 else 0.0
    moving = spread > 0
    bound = float(2.0 * stdtr(freedom, -distance / spread[moving]).sum())
    if bound < _RELIABLE / draws / 4:
        return distance, bound
    exceeding = int((_suprema(process, freedom, draws, seed) >= distance).sum())
    simulated = (1 + exceeding) / (1 + draws)
    return distance, simulated if exceeding >= _RELIABLE else min(simulated, bound)


def _suprema(process: Floats, freedom: float, draws: int, seed: int) -> Floats:
    """Largest absolute values of ``draws`` paths with covariance ``process``, over Student's scale."""
    values, vectors = np.linalg.eigh(process)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    paths = _normal(draws, len(process), seed) @ root.T
    suprema: Floats = np.maximum(paths.max(axis=1), -paths.min(axis=1)) * _scales(
        freedom, draws, seed
    )
    return suprema


@lru_cache(maxsize=64)
def _normal(draws: int, width: int, seed: int) -> Floats:
    """Standard normal draws, shape (draws, width): the same for every feature of a report."""
    return np.random.default_rng(seed).standard_normal((draws, width))


def _scales(freedom: float, draws: int, seed: int) -> Floats:
    scales: Floats = np.sqrt(freedom / np.random.default_rng(seed + 1).chisquare(freedom, draws))
    return scales
