"""Sufficient statistics: every evaluator turns predictions into sums by cluster, whose totals give the metrics.

From them follow, for every task alike, the 95 % intervals (`ml_platform.evaluation.intervals.bootstrap`), the
paired differences to baseline, champion and challenged model, and the gates.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol, runtime_checkable

import numpy as np

from ml_platform.arrays import Array, Codes


class SufficientStatistics(Protocol):
    """The sufficient statistics of one scorer's predictions by cluster."""

    @property
    def sums(self) -> Array:
        """Shape (clusters, columns); the statistics of a resample are weighted sums of its rows."""
        ...

    def metrics(self, totals: Array) -> dict[str, Array]:
        """Compute the metrics by name, each of shape (r,), from totals over clusters, shape (r, columns).

        A metric that is not defined on these rows is left out, for all totals alike.
        """
        ...


@runtime_checkable
class CountsRows(Protocol):
    """Sufficient statistics some of whose metrics are proportions of counted rows."""

    def row_counts(self) -> dict[str, float]:
        """Return the number of rows of which each of these metrics is a proportion."""
        ...


def sums_by_cluster(columns: Iterable[Array], clusters: Codes, count: int) -> Array:
    """Sum each of ``columns``, (rows,) each, over the rows of each cluster, shape (count, columns).

    ``clusters`` (rows,) are codes below ``count``.
    """
    sums = [np.bincount(clusters, weights=column, minlength=count) for column in columns]
    return np.column_stack(sums)


def sums_by_cluster_and_code(
    codes: Codes, width: int, clusters: Codes, count: int, weights: Array | None = None
) -> Array:
    """Sum ``weights`` over the rows of each cluster and code, shape (count, width); without them count the rows.

    ``codes`` (rows,) lie below ``width``, ``clusters`` (rows,) below ``count``.
    """
    flat = np.bincount(clusters * width + codes, weights=weights, minlength=count * width)
    return flat.reshape(count, width).astype(np.float64)


def joined(blocks: Mapping[str, Array]) -> tuple[Array, dict[str, slice]]:
    """Join ``blocks`` (clusters, columns) side by side, and return with them the columns of each block."""
    columns, start = {}, 0
    for name, block in blocks.items():
        columns[name] = slice(start, start + block.shape[1])
        start += block.shape[1]
    return np.concatenate(list(blocks.values()), axis=1), columns
