"""Slices: features that have moved for one team, region, tenure or source, and not for the others.

Diluted over all rows such a shift may stay below every limit. There are many slices, so one false discovery in a
thousand is allowed over all slices and features, with sessions as the unit and no more degrees of freedom than the
slice has users.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.arrays import Array, Codes
from ml_platform.evaluation.dimensions.fairness.groups import (
    Grouping,
    grouping_of,
    user_groupings,
)
from ml_platform.monitoring.baseline import FeatureBaseline, clusters_by_column
from ml_platform.monitoring.compare import FeatureComparison, assign_severities, compare
from ml_platform.monitoring.distribution import clustered_shares, pack
from ml_platform.monitoring.findings import SliceDrift
from ml_platform.monitoring.report import FeatureDrift, Severity
from ml_platform.monitoring.weeks import Inflation
from ml_platform.spec.fairness import STANDARD_FAIRNESS
from ml_platform.spec.feature import Kind
from ml_platform.spec.monitoring_policy import MonitoringPolicy
from ml_platform.spec.training_set import CLUSTER, USER

if TYPE_CHECKING:
    import pandas as pd

ALPHA = 0.001
"""The false discovery rate over all slices and features of a report."""
LEAST_USERS = 8
MOST = 10
"""The slices that a report names, the largest changes first."""
SOURCE = "source"
_POLICY = replace(STANDARD_FAIRNESS, crossings=False)


@dataclass(frozen=True)
class _Side:
    """The rows of one side: their bins by feature come later, their slices and clusters are known."""

    rows: "pd.DataFrame"
    clusters: Mapping[str, Codes]
    """By the column that tells them apart."""
    users: Codes


@dataclass(frozen=True)
class _Candidate:
    grouping: str
    slice: str
    rows: int
    elsewhere: float
    comparison: FeatureComparison


def slice_drifts(
    features: Sequence[FeatureBaseline],
    reference: "pd.DataFrame",
    rows: "pd.DataFrame",
    users: "pd.DataFrame | None",
    policy: MonitoringPolicy,
) -> tuple[SliceDrift, ...]:
    """Return the slices in which a feature has moved while it has not in the other rows, the largest first.

    ``reference`` and ``rows`` have ``user_id``, ``cluster_id`` and the features; ``users`` has ``user_id`` and
    attributes. Of a slice with fewer than 8 users, or fewer rows or sessions than the policy needs, on either side
    nothing is said.
    """
    import pandas as pd

    if USER not in rows or not len(rows) or not len(reference):
        return ()
    before, now = _side(reference, features), _side(rows, features)
    both = pd.Series([*reference[USER].tolist(), *rows[USER].tolist()], dtype=object)
    groupings = list(user_groupings(both, users, _POLICY))
    if SOURCE in rows and SOURCE in reference:
        sources = [*reference[SOURCE].tolist(), *rows[SOURCE].tolist()]
        groupings.append(grouping_of(SOURCE, sources))
    usable = [_usable(grouping, before, now, policy) for grouping in groupings]
    candidates = [
        candidate
        for entry in features
        for candidate in _of_feature(entry, groupings, usable, before, now, policy)
    ]
    return _certain(candidates, len(features) * sum(map(len, usable)), policy)


def _side(rows: "pd.DataFrame", features: Sequence[FeatureBaseline]) -> _Side:
    import pandas as pd

    users = pd.factorize(rows[USER].astype(str))[0].astype(np.int64)
    return _Side(rows, clusters_by_column(rows, features), users)


def _usable(
    grouping: Grouping, before: _Side, now: _Side, policy: MonitoringPolicy
) -> dict[int, int]:
    """Return the least number of users on either side by slice, for slices that are large enough on both."""
    split = len(before.rows)
    usable: dict[int, int] = {}
    for group in range(grouping.count):
        least = []
        for side, codes in ((before, grouping.codes[:split]), (now, grouping.codes[split:])):
            held = codes == group
            if (
                int(held.sum()) < policy.minimum_rows
                or np.unique(side.clusters[CLUSTER][held]).size < policy.minimum_clusters
            ):
                break
            least.append(int(np.unique(side.users[held]).size))
        if len(least) == 2 and min(least) >= LEAST_USERS:
            usable[group] = min(least)
    return usable if len(usable) > 1 or grouping.count > 1 else {}


def _of_feature(
    entry: FeatureBaseline,
    groupings: Sequence[Grouping],
    usable: Sequence[dict[int, int]],
    before: _Side,
    now: _Side,
    policy: MonitoringPolicy,
) -> Iterator[_Candidate]:
    codes = entry.codes(before.rows), entry.codes(now.rows)
    for grouping, users in zip(groupings, usable, strict=True):
        yield from _candidates(entry, codes, grouping, users, before, now, policy)


def _candidates(
    entry: FeatureBaseline,
    codes: tuple[Codes, Codes],
    grouping: Grouping,
    usable: dict[int, int],
    before: _Side,
    now: _Side,
    policy: MonitoringPolicy,
) -> Iterator[_Candidate]:
    """Yield the slices whose size is at least moderate while that of all other rows is not."""
    split = len(before.rows)
    groups = grouping.codes[:split], grouping.codes[split:]
    tables = [
        _table(*pair, grouping.count, entry.bins.count) for pair in zip(groups, codes, strict=True)
    ]
    for group, users in usable.items():
        size = _size(entry, tables[0][group], tables[1][group])
        rest = [table.sum(axis=0) - table[group] for table in tables]
        elsewhere = _size(entry, rest[0], rest[1])
        if size < policy.size_moderate or elsewhere >= policy.size_moderate:
            continue
        held = groups[0] == group, groups[1] == group
        own = before.clusters[entry.cluster], now.clusters[entry.cluster]
        shares = [
            clustered_shares(
                code[mask], np.unique(clusters[mask], return_inverse=True)[1], entry.bins.count
            )
            for code, mask, clusters in zip(codes, held, own, strict=True)
        ]
        sliced = replace(
            entry,
            shares=tuple(float(share) for share in shares[0].shares),
            covariance=pack(shares[0].covariance),
            rows=shares[0].rows,
            total=shares[0].total,
            clusters=shares[0].clusters,
            missing=shares[0].missing,
            missing_variance=shares[0].missing_variance,
            inflation=_capped(entry.inflation, users),
            cumulative_inflation=_capped(entry.cumulative_inflation, users),
            missing_inflation=_capped(entry.missing_inflation, users),
        )
        count = int(np.unique(own[1][held[1]]).size)
        yield _Candidate(
            grouping.name,
            grouping.labels[group],
            int(held[1].sum()),
            elsewhere,
            compare(sliced, shares[1], clusters=count, policy=policy),
        )


def _capped(inflation: Inflation, users: int) -> Inflation:
    return Inflation(max(1.0, inflation.factor), min(inflation.freedom, users - 1.0))


def _table(groups: Codes, codes: Codes, slices: int, bins: int) -> Array:
    """Return counts, shape (slices + 1, bins + 1): the last row of no slice, the last column of missing values."""
    place = np.where(groups < 0, slices, groups) * (bins + 1) + np.where(codes < 0, bins, codes)
    counts: Array = np.bincount(place, minlength=(slices + 1) * (bins + 1)).astype(np.float64)
    return counts.reshape(slices + 1, bins + 1)


def _size(entry: FeatureBaseline, before: Array, now: Array) -> float:
    """Return the KS or total variation distance of two vectors of counts, or the change of the missing share."""
    if not before.sum() or not now.sum():
        return 0.0
    missing = abs(float(now[-1] / now.sum() - before[-1] / before.sum()))
    left, right = before[:-1].sum(), now[:-1].sum()
    if not left or not right:
        return missing
    gap = now[:-1] / right - before[:-1] / left
    if entry.bins.kind is Kind.NUMBER:
        return max(missing, float(np.abs(np.cumsum(gap)).max()))
    return max(missing, float(np.abs(gap).sum() / 2))


def _certain(
    candidates: Sequence[_Candidate], looks: int, policy: MonitoringPolicy
) -> tuple[SliceDrift, ...]:
    """Return the candidates that stand out after false discovery control over all ``looks``, of equal weight."""
    quiet = [_NO_CHANGE] * max(0, looks - len(candidates))
    strict = replace(policy, alpha=ALPHA)
    compared = [*(each.comparison for each in candidates), *quiet]
    judged = assign_severities(compared, strict, weighted=False)
    drifts = [
        SliceDrift(
            grouping=candidate.grouping,
            slice=candidate.slice,
            feature=drift.name,
            size=max(drift.size, abs(drift.missing_current - drift.missing_baseline)),
            size_elsewhere=candidate.elsewhere,
            adjusted_p_value=min(drift.adjusted_p_value, drift.missing_adjusted_p_value),
            rows=candidate.rows,
        )
        for candidate, drift in zip(candidates, judged, strict=False)
        if drift.severity in (Severity.MODERATE, Severity.SIGNIFICANT)
    ]
    drifts.sort(key=lambda drift: (-drift.size, drift.grouping, drift.slice, drift.feature))
    return tuple(drifts[:MOST])


_NO_CHANGE = FeatureComparison(
    FeatureDrift("", "ks", 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, Severity.NONE),
    1.0,
    present=True,
    watched=True,
    tells=True,
    words="",
)
"""A slice in which a feature has hardly moved: it counts among the looks."""
