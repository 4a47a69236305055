"""A feature table as monitoring would have looked at it: its rows, and the baseline of an earlier registration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.arrays import Codes
from ml_platform.monitoring.baseline import FeatureBaseline, clusters_by_column, measure_reference
from ml_platform.monitoring.columns import cluster_codes
from ml_platform.monitoring.compare import FeatureComparison, compare
from ml_platform.monitoring.weeks import reference_end
from ml_platform.spec.feature import FeatureSpec
from ml_platform.spec.monitoring_policy import POLICY, MonitoringPolicy
from ml_platform.spec.training_set import CLUSTER, TIME, USER

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class WatchedTable:
    """One table with the baseline of its features; windows are slices of its rows, which are in order of time."""

    rows: "pd.DataFrame"
    past: "pd.DataFrame"
    """The rows that the baseline was made of."""
    baseline_end: datetime
    clusters: Mapping[str, Codes] = field(repr=False)
    """The cluster of each row, by the column that tells them apart."""
    specs: tuple[FeatureSpec, ...]
    """The features that are compared, in the order of ``baselines``."""
    baselines: tuple[FeatureBaseline, ...]
    complete_after: timedelta
    policy: MonitoringPolicy = POLICY

    def window(self, end: datetime) -> slice | None:
        """The places of the rows of the trailing window of a look at ``end``, as far as they are complete then.

        ``None`` where the window begins before the baseline ends: such a window is not compared.
        """
        until = end - self.complete_after
        if until - self.policy.window < self.baseline_end:
            return None
        first, last = self.rows[TIME].searchsorted([until - self.policy.window, until])
        return slice(int(first), int(last))

    def compared(self, place: slice) -> list[FeatureComparison]:
        """The comparison of every feature in a window."""
        return [self.compare(entry, place) for entry in self.baselines]

    def compare(
        self, entry: FeatureBaseline, place: slice, rows: "pd.DataFrame | None" = None
    ) -> FeatureComparison:
        """The comparison of one feature in a window, with the values of ``rows`` where they are given."""
        codes = np.unique(self.clusters[entry.cluster][place], return_inverse=True)[1]
        count = int(codes.max()) + 1 if codes.size else 0
        current = entry.measure(self.rows.iloc[place] if rows is None else rows, codes)
        return compare(entry, current, clusters=count, policy=self.policy)


def watched_table(
    rows: "pd.DataFrame",
    specs: Sequence[FeatureSpec],
    *,
    name: str,
    registered_at: datetime,
    complete_after: timedelta = timedelta(0),
    policy: MonitoringPolicy = POLICY,
) -> WatchedTable:
    """The table with the baseline that a registration at ``registered_at`` makes of the rows until then.

    ``rows`` are in order of time, with ``occurred_at``, ``cluster_id``, the features and their clusters.

    Raises:
        InsufficientData: there is no row before the newest window at ``registered_at``.
        IntegrityError: a column is missing.
    """
    end = reference_end(registered_at, complete_after, policy.window)
    past = rows[rows[TIME] < end]
    reference = measure_reference(past, specs, model=name, end=end)
    by_name = {spec.name: spec for spec in specs}
    return WatchedTable(
        rows=rows,
        past=past,
        baseline_end=end,
        clusters=clusters_by_column(rows, reference.features),
        specs=tuple(by_name[entry.name] for entry in reference.features),
        baselines=reference.features,
        complete_after=complete_after,
        policy=policy,
    )


def resampled(rows: "pd.DataFrame", seed: int) -> "pd.DataFrame":
    """The rows of as many users as there are, drawn with replacement, each with all of its rows.

    Who is drawn twice counts as two users: a copy has a ``cluster_id`` of its own. What moves everybody in a week
    stays, and so does what is counted by another column than that.
    """
    import pandas as pd

    users, levels = pd.factorize(rows[USER].astype(str))
    clusters = cluster_codes(rows)
    drawn = np.random.default_rng(seed).integers(len(levels), size=len(levels))
    order = np.argsort(users, kind="stable")
    starts = np.searchsorted(users[order], np.arange(len(levels) + 1))
    parts = [order[starts[user] : starts[user + 1]] for user in drawn]
    copies = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    places = np.concatenate(parts)
    in_time = np.lexsort((copies, places))
    places, copies = places[in_time], copies[in_time]
    codes = copies * (int(clusters.max()) + 1) + clusters[places]
    return rows.iloc[places].assign(**{CLUSTER: codes}).reset_index(drop=True)
