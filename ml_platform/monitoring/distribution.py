"""Shares of a feature over fixed bins, with their covariance when rows come in clusters."""

import base64
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ml_platform.arrays import Codes
from ml_platform.spec.feature import Kind

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]

NUMBER_BINS = 20
MAXIMUM_LEVELS = 24
"""The most levels that have a bin of their own."""
RARE_SHARE = 0.005
"""Rarer levels are pooled, in buckets of about 5 % of the mass, so that mass moved to any one of them
cannot hide in a pool that was large before."""
KNOWN_LEVELS = 200
"""Up to so many levels in the baseline the vocabulary is closed and an unseen level has its own bin;
beyond, new levels are usual and fall in the buckets of the rare ones."""
_BUCKET_MASS = 0.05
_EXACT_IN_SINGLE = 2.0**24
"""Whole numbers below it are exact in float32, whose products take a tenth of the time."""
_MAXIMUM_BUCKETS = 8
_BLOCK = 32_768
"""Numbers that are compared with all cuts while they are in the cache: a fifth of the time of a binary search."""


@dataclass(frozen=True)
class Bins:
    """The rule by which values become bins; missing values have none, their share is kept apart.

    Numbers: bin i holds ``cuts[i-1] < x <= cuts[i]``, the last one everything above. Categories: a bin
    for each of ``levels``, then ``buckets`` of pooled rare levels, then one of unseen levels.
    """

    kind: Kind
    cuts: tuple[float, ...] = ()
    levels: tuple[str, ...] = ()
    rare: tuple[str, ...] = ()
    """Pooled levels of a closed vocabulary; empty when the vocabulary is open."""
    buckets: int = 0
    closed: bool = True
    lowest: float | None = None
    """The least of the numbers that the cuts were made of; ``None`` of categories, and in earlier releases."""
    highest: float | None = None

    @property
    def count(self) -> int:
        """The number of bins."""
        if self.kind is Kind.NUMBER:
            return len(self.cuts) + 1
        return len(self.levels) + self.buckets + 1

    def label(self, index: int) -> str:
        """Return in words what bin ``index`` holds."""
        if self.kind is Kind.NUMBER:
            return self._interval(index)
        if index < len(self.levels):
            return f"'{self.levels[index]}'"
        return "unseen levels" if index == self.count - 1 else "rare levels"

    def _interval(self, index: int) -> str:
        """Return the bin of numbers as an interval; a cut right below an atom is written as that atom, left out."""
        last = len(self.cuts)
        if not last:
            return "any"
        if index == last:
            return f"> {self.cuts[-1]:.4g}"
        if index and self._is_below_atom(index - 1):
            return f"{self.cuts[index]:.4g}"
        before_atom = self._is_below_atom(index)
        high = self.cuts[index + 1] if before_atom else self.cuts[index]
        if not index:
            return f"{'<' if before_atom else '<='} {high:.4g}"
        return f"({self.cuts[index - 1]:.4g}, {high:.4g}{')' if before_atom else ']'}"

    def _is_below_atom(self, index: int) -> bool:
        """Whether no number lies between this cut and the next one (`number_bins`)."""
        following = self.cuts[index + 1 : index + 2]
        return bool(following) and np.nextafter(following[0], -np.inf) == self.cuts[index]


@dataclass(frozen=True)
class Shares:
    """Shares of the present values over bins, and the missing share, each with its covariance.

    ``covariance`` has shape (bins, bins); ``rows`` counts present values, ``total`` all rows,
    ``clusters`` those that hold a present value. With no value present the shares are all zero.
    """

    shares: Floats
    covariance: Floats
    rows: int
    total: int
    clusters: int
    missing: float
    missing_variance: float


def number_bins(values: Floats, bins: int = NUMBER_BINS) -> Bins:
    """Cut the present values at quantiles, at most ``2 * bins``; a value holding more than a bin is a bin.

    Such an atom is cut off on both sides, so that its shift is seen in either direction.
    """
    ordered = np.sort(values[~np.isnan(values)])
    if ordered.size == 0:
        return Bins(Kind.NUMBER)
    ranks = np.ceil(ordered.size * np.arange(1, bins) / bins).astype(np.int64) - 1
    quantiles = np.unique(ordered[ranks])
    mass = np.searchsorted(ordered, quantiles, "right") - np.searchsorted(
        ordered, quantiles, "left"
    )
    atoms = quantiles[mass >= ordered.size / bins]
    cuts = np.unique(np.concatenate([quantiles, np.nextafter(atoms, -np.inf)]))
    finite = ordered[np.isfinite(ordered)]
    return Bins(
        Kind.NUMBER,
        cuts=tuple(float(cut) for cut in cuts),
        lowest=float(finite[0]) if finite.size else None,
        highest=float(finite[-1]) if finite.size else None,
    )


def category_bins(values: "Sequence[Any] | npt.NDArray[Any] | pd.Series[Any]") -> Bins:
    """Make a bin of each frequent level in ``values`` (missing ones left out), and pool the rare levels."""
    codes, levels = _coded(values)
    counts = np.bincount(codes[codes >= 0], minlength=len(levels))
    total = int(counts.sum())
    pairs = [(str(level), int(n)) for level, n in zip(levels, counts, strict=True) if n]
    pairs.sort(key=_by_count)
    levels = [level for level, count in pairs[:MAXIMUM_LEVELS] if count >= RARE_SHARE * total]
    rare = pairs[len(levels) :]
    mass = sum(count for _, count in rare) / max(total, 1)
    closed = len(pairs) <= KNOWN_LEVELS
    return Bins(
        Kind.CATEGORY,
        levels=tuple(levels),
        rare=tuple(sorted(level for level, _ in rare)) if closed else (),
        buckets=min(_MAXIMUM_BUCKETS, max(1, int(np.ceil(mass / _BUCKET_MASS)))),
        closed=closed,
    )


def _by_count(pair: tuple[str, int]) -> tuple[int, str]:
    return -pair[1], pair[0]


def number_codes(bins: Bins, values: Floats) -> Codes:
    """Return the bin of each value, shape (rows,); -1 where it is missing."""
    codes = np.empty(values.size, dtype=np.int64)
    for start in range(0, values.size, _BLOCK):
        block = values[start : start + _BLOCK]
        passed = np.zeros(block.size, dtype=np.int16)
        for cut in bins.cuts:
            passed += block > cut
        codes[start : start + block.size] = passed
    codes[np.isnan(values)] = -1
    return codes


def category_codes(
    bins: Bins, values: "Sequence[Any] | npt.NDArray[Any] | pd.Series[Any]"
) -> Codes:
    """Return the bin of each value, shape (rows,); -1 where it is missing."""
    codes, levels = _coded(values)
    place = {level: index for index, level in enumerate(bins.levels)}
    rare = frozenset(bins.rare)
    unseen = bins.count - 1

    def bin_of(level: str) -> int:
        if level in place:
            return place[level]
        if bins.closed and level not in rare:
            return unseen
        return len(bins.levels) + zlib.crc32(level.encode()) % bins.buckets

    lookup = np.array([*(bin_of(str(level)) for level in levels), -1], dtype=np.int64)
    places: Codes = lookup[codes]
    return places


def _coded(
    values: "Sequence[Any] | npt.NDArray[Any] | pd.Series[Any]",
) -> tuple[Codes, Sequence[Any]]:
    """Return the place of each value among its levels, -1 where it is missing, and the levels, used or not."""
    import pandas as pd

    if isinstance(values, pd.Series) and isinstance(values.dtype, pd.CategoricalDtype):
        return np.asarray(values.cat.codes, dtype=np.int64), list(values.cat.categories)
    codes, levels = pd.factorize(pd.Series(values, dtype="object"))
    return np.asarray(codes, dtype=np.int64), list(levels)


@dataclass(frozen=True)
class ClusterSums:
    """What clusters add up to, from which their shares follow; those of disjoint clusters can be added.

    All are whole numbers, exact in whatever order they are added.
    """

    counts: Codes
    """The number of rows by bin, shape (bins + 1,); the first bin is that of missing values."""
    products: Codes
    """The sum over clusters of the products of their counts, shape (bins + 1, bins + 1)."""
    clusters: int
    filled: int
    """The number of clusters that hold a present value."""

    def __add__(self, other: "ClusterSums") -> "ClusterSums":
        """Return the sums of both; no cluster may be in both."""
        return ClusterSums(
            self.counts + other.counts,
            self.products + other.products,
            self.clusters + other.clusters,
            self.filled + other.filled,
        )

    def shares(self) -> Shares:
        """Compute the shares and their covariance.

        The shares are ratios of cluster sums, so their covariance is that of the linearised ratio: with s_g the
        counts of cluster g and n_g its rows, the sum of (s_g - n_g p)(s_g - n_g p)' / n^2, times G / (G - 1).

        Source: Cochran (1977), "Sampling Techniques", section 6.3 (ratio estimator), 9A (clusters).
        """
        counts, products = self.counts.astype(np.float64), self.products.astype(np.float64)
        present = products[1:, 1:]
        shares, covariance = _ratio_of_sums(
            counts[1:], present, present.sum(axis=1), float(present.sum()), self.filled
        )
        missing, variance = _ratio_of_sums(
            counts[:1],
            products[:1, :1],
            products[:1].sum(axis=1),
            float(products.sum()),
            self.clusters,
            total=float(counts.sum()),
        )
        return Shares(
            shares=shares,
            covariance=covariance,
            rows=int(self.counts[1:].sum()),
            total=int(self.counts.sum()),
            clusters=self.filled,
            missing=float(missing[0]),
            missing_variance=float(variance[0, 0]),
        )


def cluster_sums(table: Codes, sizes: Codes) -> ClusterSums:
    """Return what the clusters of ``table`` add up to.

    ``table`` (clusters, bins + 1) has the counts of each cluster, those of missing values first; ``sizes``
    (clusters,) are its rows. Clusters without a row do not count.
    """
    exact = np.dtype(np.float32 if float(sizes @ sizes) < _EXACT_IN_SINGLE else np.float64)
    numbers: npt.NDArray[Any] = table.astype(exact)
    return ClusterSums(
        counts=(np.ones(len(numbers), dtype=exact) @ numbers).astype(np.int64),
        products=(numbers.T @ numbers).astype(np.int64),
        clusters=int((sizes > 0).sum()),
        filled=int((table[:, 0] < sizes).sum()),
    )


def cluster_table(codes: Codes, first: Codes, bins: int, groups: int) -> Codes:
    """Count the rows of each cluster by bin, shape (groups, bins + 1); the first bin is that of missing values.

    ``codes`` (rows,) in [-1, bins), -1 missing; ``first`` (rows,) is the place of bin 0 of each row's cluster in
    the table, see `first_places`.
    """
    table = np.bincount(first + codes, minlength=groups * (bins + 1))
    return table.reshape(groups, bins + 1)


def first_places(clusters: Codes, bins: int) -> Codes:
    """Return the place of bin 0 of each row's cluster in a `cluster_table`; ``clusters`` (rows,) from 0."""
    return clusters * (bins + 1) + 1


def clustered_shares(codes: Codes, clusters: Codes, bins: int) -> Shares:
    """Compute shares and their covariance from sums over clusters, in one pass over the rows.

    ``codes`` (rows,) in [-1, bins), -1 missing; ``clusters`` (rows,) numbered from 0.
    """
    groups = int(clusters.max()) + 1 if clusters.size else 0
    sizes = np.bincount(clusters, minlength=groups)
    table = cluster_table(codes, first_places(clusters, bins), bins, groups)
    return cluster_sums(table, sizes).shares()


def clustered_mean(values: Floats, clusters: Codes) -> tuple[float, float, int]:
    """Compute the mean of ``values`` (rows,), its variance over clusters, and the number of clusters."""
    groups = int(clusters.max()) + 1 if clusters.size else 0
    sums = np.bincount(clusters, weights=values, minlength=groups).astype(np.float64)[:, None]
    sizes = np.bincount(clusters, minlength=groups).astype(np.float64)
    filled = int((sizes > 0).sum())
    mean, variance = _ratio_of_sums(
        sums.sum(axis=0),
        sums.T @ sums,
        sums.T @ sizes,
        float(sizes @ sizes),
        filled,
        total=float(sizes.sum()),
    )
    return float(mean[0]), max(float(variance[0, 0]), 0.0), filled


def _ratio_of_sums(
    sums: Floats,
    products: Floats,
    with_sizes: Floats,
    squares: float,
    groups: int,
    *,
    total: float | None = None,
) -> tuple[Floats, Floats]:
    """Compute the ratio of the sums to the sizes, and its covariance, from sums over clusters.

    ``products`` are those of the sums, ``with_sizes`` of sums and sizes, ``squares`` of the sizes; ``total``, the
    sum of the sizes, is that of ``sums`` where it is not given.
    """
    total = float(sums.sum()) if total is None else total
    if total == 0:
        return np.zeros(sums.size), np.zeros((sums.size, sums.size))
    shares = sums / total
    cross = np.outer(with_sizes, shares)
    spread = products - cross - cross.T + np.outer(shares, shares) * squares
    correction = groups / (groups - 1) if groups > 1 else 1.0
    return shares, spread * (correction / total**2)


def without(whole: Shares, part: Shares) -> Shares:
    """Return ``whole`` without ``part``; the covariance is scaled, not computed again."""
    kept, all_kept = whole.rows - part.rows, whole.total - part.total
    if kept <= 0 or all_kept <= 0:
        nothing = np.zeros_like(whole.shares)
        return Shares(nothing, np.zeros_like(whole.covariance), 0, 0, 0, 0.0, 0.0)
    return Shares(
        shares=(whole.rows * whole.shares - part.rows * part.shares) / kept,
        covariance=whole.covariance * (whole.rows / kept),
        rows=kept,
        total=all_kept,
        clusters=max(whole.clusters - part.clusters, 0),
        missing=(whole.total * whole.missing - part.total * part.missing) / all_kept,
        missing_variance=whole.missing_variance * (whole.total / all_kept),
    )


def pack(matrix: Floats) -> str:
    """Return the upper triangle of a symmetric matrix as float32, little-endian, in base64 (exact to 6e-8)."""
    upper = matrix[np.triu_indices(matrix.shape[0])].astype("<f4")
    return base64.b64encode(upper.tobytes()).decode()


def unpack(text: str, width: int) -> Floats:
    """Return the symmetric matrix, shape (width, width), that `pack` wrote."""
    matrix = np.zeros((width, width))
    matrix[np.triu_indices(width)] = np.frombuffer(base64.b64decode(text), dtype="<f4")
    return matrix + np.triu(matrix, 1).T
