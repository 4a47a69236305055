"""Faults of the values of a feature, by name: gone, missing, constant, new categories, out of range, other units.

A distance says that a feature has moved; this says how, where it is of a kind that people can mend. It raises no
alarm: what moves a tenth of the rows is drift by its distance.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.arrays import Codes
from ml_platform.monitoring.baseline import FeatureBaseline, clusters_by_column
from ml_platform.monitoring.distribution import Floats, clustered_mean
from ml_platform.monitoring.drift.false_discovery import benjamini_hochberg
from ml_platform.monitoring.drift.missingness import missingness
from ml_platform.monitoring.drift.new_categories import new_categories
from ml_platform.monitoring.drift.value_range import expected_outside, outside_range
from ml_platform.monitoring.findings import FaultKind, ValueFault
from ml_platform.spec.feature import Kind
from ml_platform.spec.monitoring_policy import MonitoringPolicy

if TYPE_CHECKING:
    import pandas as pd

LEAST = 0.01
"""New categories, or values out of range, in a smaller share of the rows are not named."""
_UNITS = (24.0, 60.0, 100.0, 1_000.0, 1_024.0, 1_440.0, 3_600.0, 86_400.0, 1e6, 1_048_576.0, 1e9)
"""Factors between units: of time, per cent, and the prefixes of 1,000 and 1,024."""
_ALIKE = 0.15
"""The median times such a factor is another unit within this relative error."""
_EXAMPLES = 3


def value_faults(
    features: Sequence[FeatureBaseline],
    rows: "pd.DataFrame",
    policy: MonitoringPolicy,
) -> tuple[ValueFault, ...]:
    """Return the faults of the features in ``rows``, the gravest kind first, then the largest share.

    ``rows`` has the columns of the features and of their clusters. Nothing is said of fewer rows than the policy
    needs, nor of features with fewer clusters.
    """
    if len(rows) < policy.minimum_rows:
        return ()
    clusters = clusters_by_column(rows, features)
    looks = [
        fault
        for entry in features
        if clusters[entry.cluster].max() + 1 >= policy.minimum_clusters
        for fault in _looks(entry, rows[entry.name], clusters[entry.cluster], policy)
    ]
    adjusted = benjamini_hochberg([fault.p_value for fault in looks])
    faults = [
        replace(fault, p_value=p)
        for fault, p in zip(looks, adjusted, strict=True)
        if p <= policy.alpha and fault.words
    ]
    order = {kind: place for place, kind in enumerate(FaultKind)}
    return tuple(sorted(faults, key=lambda fault: (order[fault.kind], -fault.share, fault.feature)))


def _looks(
    entry: FeatureBaseline, column: "pd.Series", clusters: Codes, policy: MonitoringPolicy
) -> list[ValueFault]:
    """Return every look at one feature, with its own p-value; one that is no fault by its size has no words."""
    present = column.notna().to_numpy()
    faults = [_missing(entry, ~present, clusters, policy)]
    held, within = column[present], np.unique(clusters[present], return_inverse=True)[1]
    enough = (
        len(held) >= policy.minimum_rows
        and len(np.unique(clusters[present])) >= policy.minimum_clusters
    )
    if not enough:
        return faults
    if entry.bins.kind is Kind.NUMBER:
        values = held.to_numpy(dtype=np.float64)
        faults.append(_range(entry, values, within))
        faults.extend(
            _constant(entry, float(values[0]) if (values == values[0]).all() else None, within)
        )
        faults.extend(_unit(entry, values))
        return faults
    levels = held.astype(str)
    if entry.bins.closed:
        faults.append(_new(entry, levels, within))
    faults.extend(_constant(entry, levels.iloc[0] if levels.nunique() == 1 else None, within))
    return faults


def _missing(
    entry: FeatureBaseline, missing: "np.ndarray", clusters: Codes, policy: MonitoringPolicy
) -> ValueFault:
    share, variance, _ = clustered_mean(missing.astype(np.float64), clusters)
    spread = (entry.missing_variance + variance) * entry.missing_inflation.factor
    growth, p_value = missingness(
        entry.missing, share, spread, freedom=entry.missing_inflation.freedom
    )
    words, kind = "", FaultKind.MISSING
    if growth >= policy.size_moderate:
        words = f"{entry.name} is missing in {share:.0%} of the rows, in the baseline in {entry.missing:.0%}"
    if words and share == 1.0:
        words, kind = f"{entry.name} is gone: it is missing in every row", FaultKind.GONE
    return ValueFault(entry.name, kind, max(growth, 0.0), p_value, words)


def _new(entry: FeatureBaseline, levels: "pd.Series", clusters: Codes) -> ValueFault:
    known = {*entry.bins.levels, *entry.bins.rare}
    unseen = ~levels.isin(known).to_numpy()
    share, variance, _ = clustered_mean(unseen.astype(np.float64), clusters)
    size, p_value = new_categories(
        0.0, share, variance * max(1.0, entry.inflation.factor), freedom=entry.inflation.freedom
    )
    words = ""
    if size >= LEAST:
        counts = levels[unseen].value_counts()
        shown = ", ".join(f"'{level[:40]}'" for level in counts.index[:_EXAMPLES])
        more = f" and {len(counts) - _EXAMPLES} more" if len(counts) > _EXAMPLES else ""
        words = f"{entry.name} has categories that the baseline lacks, in {share:.1%} of the rows: {shown}{more}"
    return ValueFault(entry.name, FaultKind.NEW_CATEGORIES, max(size, 0.0), p_value, words)


def _range(entry: FeatureBaseline, values: Floats, clusters: Codes) -> ValueFault:
    low, high = entry.bins.lowest, entry.bins.highest
    nothing = ValueFault(entry.name, FaultKind.OUT_OF_RANGE, 0.0, 1.0, "")
    if low is None or high is None:
        return nothing
    outside = (values < low) | (values > high)
    share, variance, _ = clustered_mean(outside.astype(np.float64), clusters)
    size, p_value = outside_range(
        expected_outside(entry.clusters),
        share,
        variance * max(1.0, entry.cumulative_inflation.factor),
        freedom=entry.cumulative_inflation.freedom,
    )
    words = ""
    if size >= LEAST:
        far = values[outside]
        words = (
            f"{entry.name} lies outside the baseline's range [{low:.4g}, {high:.4g}] in {share:.1%} of the rows, "
            f"between {far.min():.4g} and {far.max():.4g}"
        )
    return replace(nothing, share=max(size, 0.0), p_value=p_value, words=words)


def _constant(
    entry: FeatureBaseline, value: float | str | None, clusters: Codes
) -> list[ValueFault]:
    """Return the fault where all rows have one ``value``, which the baseline's largest bin makes unlikely."""
    if value is None:
        return []
    largest = max(entry.shares, default=1.0)
    words = f"{entry.name} is constant: every row has {value!r}"
    p_value = min(1.0, largest) ** len(np.unique(clusters))
    return [ValueFault(entry.name, FaultKind.CONSTANT, 1.0, p_value, words)]


def _unit(entry: FeatureBaseline, values: Floats) -> list[ValueFault]:
    """Return the fault where all quartiles have changed by one factor between two units."""
    before = _quartiles(entry)
    now = np.quantile(values, [0.25, 0.5, 0.75])
    if before is None or (before <= 0).any() or (now <= 0).any():
        return []
    ratios = now / before
    for factor in _UNITS:
        for named, words in ((factor, "times"), (1 / factor, "of")):
            if (np.abs(ratios / named - 1.0) <= _ALIKE).all():
                amount = f"{factor:,.0f} times" if words == "times" else f"one {factor:,.0f}th of"
                told = f"{entry.name} is in another unit, it seems: its quartiles are about {amount} the baseline's"
                return [ValueFault(entry.name, FaultKind.UNIT, 1.0, 0.0, told)]
    return []


def _quartiles(entry: FeatureBaseline) -> Floats | None:
    """Return the quartiles of the baseline to within its bins; ``None`` where all is one bin."""
    cuts = np.asarray(entry.bins.cuts)
    if cuts.size < 3 or not sum(entry.shares):
        return None
    reached = np.cumsum(entry.shares)[:-1]
    places = np.searchsorted(reached, np.array([0.25, 0.5, 0.75]) - 1e-9)
    quartiles: Floats = cuts[np.minimum(places, cuts.size - 1)]
    return quartiles
