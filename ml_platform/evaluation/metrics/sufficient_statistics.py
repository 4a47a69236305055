"""Sufficient statistics: every evaluator turns predictions into sums by cluster, whose totals give the metrics.

From them follow, for every task alike, the 95 % intervals (`ml_platform.evaluation.intervals.bootstrap`), the
paired differences to baseline, champion and challenged model, and the gates.
"""

from typing import Protocol, runtime_checkable

from ml_platform.arrays import Array


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
