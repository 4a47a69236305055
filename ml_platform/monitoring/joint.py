"""Joint shifts: features that each look as before, and go together otherwise."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.arrays import Array, Codes
from ml_platform.errors import InsufficientData
from ml_platform.monitoring.baseline import FeatureBaseline
from ml_platform.monitoring.drift.domain_classifier import DomainAUC, domain_auc, sample_rows
from ml_platform.monitoring.findings import JointShift, PairChange
from ml_platform.monitoring.weeks import ALMOST, WEEK
from ml_platform.spec.feature import Kind
from ml_platform.spec.monitoring_policy import MonitoringPolicy
from ml_platform.spec.training_set import CLUSTER, TIME, USER

if TYPE_CHECKING:
    import pandas as pd

LEAST_AUC = 0.60
"""A correlation of .45 that vanishes is about as much; less is no matter, however sure."""
LEVEL = 0.01
_SECONDS = WEEK.total_seconds()
_Z = 1.959964
_PAIRS, _LEAST_CHANGE = 3, 0.1


def joint_shift(
    features: Sequence[FeatureBaseline],
    reference: "pd.DataFrame",
    rows: "pd.DataFrame",
    end: datetime,
    policy: MonitoringPolicy,
) -> JointShift:
    """Compare how ``features`` go together in ``rows`` with the weeks of ``reference`` before ``end``.

    Where there are too few weeks or rows the result says why, and nothing is raised.
    """
    names = [entry.name for entry in features]
    age = (end - reference[TIME]).dt.total_seconds().to_numpy(dtype=np.float64) / _SECONDS
    week = np.floor(age).astype(np.int64)
    whole = week < int(age.max(initial=0.0) + ALMOST)
    kept = reference[whole]
    weeks = np.unique(week[whole], return_inverse=True)[1]
    groups = np.concatenate([weeks, np.full(len(rows), weeks.max(initial=-1) + 1)]).astype(np.int64)
    sampled = sample_rows(groups, seed=policy.seed)
    groups, old = groups[sampled], sampled < len(kept)
    sides = kept.iloc[sampled[old]], rows.iloc[sampled[~old] - len(kept)]
    values = np.zeros((len(sampled), len(features)))
    for place, entry in enumerate(features):
        values[:, place] = np.concatenate([_numbers(entry, side[entry.name]) for side in sides])
    try:
        told = domain_auc(values, groups, _units(*sides), seed=policy.seed)
    except InsufficientData as error:
        return JointShift(False, None, None, None, None, None, (), len(sampled), error.message)
    low, high = told.auc - _Z * told.standard_error, told.auc + _Z * told.standard_error
    return JointShift(
        reported=told.auc >= LEAST_AUC and told.p_value <= LEVEL and low > 0.5,
        auc=told.auc,
        low=max(0.0, low),
        high=min(1.0, high),
        quiet_auc=float(np.mean(told.quiet)),
        p_value=told.p_value,
        pairs=_pairs(told, names),
        rows=len(sampled),
    )


def _units(before: "pd.DataFrame", now: "pd.DataFrame") -> Codes:
    """Return the user of each row of both sides; without users, its cluster."""
    import pandas as pd

    column = USER if USER in before and USER in now else CLUSTER
    names = np.concatenate(
        [side[column].astype(str).to_numpy(dtype=object) for side in (before, now)]
    )
    codes: Codes = pd.factorize(names)[0].astype(np.int64)
    return codes


def _numbers(entry: FeatureBaseline, column: "pd.Series") -> Array:
    """Return the column as numbers; levels by their frequency in the baseline, others after them."""
    if entry.bins.kind is Kind.NUMBER:
        values: Array = column.to_numpy(dtype=np.float64, na_value=np.nan)
        return values
    place = {level: float(number) for number, level in enumerate(entry.bins.levels)}
    known = column.notna().to_numpy()
    levels = column.astype(str).map(place).fillna(float(len(place))).to_numpy(dtype=np.float64)
    ordered: Array = np.where(known, levels, np.nan)
    return ordered


def _pairs(told: DomainAUC, names: Sequence[str]) -> tuple[PairChange, ...]:
    rows, columns = np.triu_indices(len(names), k=1)
    change = np.abs(told.now - told.before)[rows, columns]
    order = np.argsort(-change, kind="stable")[:_PAIRS]
    return tuple(
        PairChange(
            names[i], names[j], round(float(told.before[i, j]), 4), round(float(told.now[i, j]), 4)
        )
        for i, j, size in zip(rows[order], columns[order], change[order], strict=True)
        if size >= _LEAST_CHANGE
    )
