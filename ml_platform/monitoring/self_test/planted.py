"""Shifts of a known size, planted in a home's own rows: half a standard deviation, or 15 % of the mass."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.monitoring.compare import FeatureComparison, assign_severities
from ml_platform.monitoring.report import Severity
from ml_platform.monitoring.self_test.history import WatchedTable
from ml_platform.spec.feature import FeatureSpec, Kind

if TYPE_CHECKING:
    import pandas as pd

SHIFT = 0.5
"""By how many standard deviations of its baseline a number is moved."""
MOVED_MASS = 0.15
"""The share of a category's mass that is moved to its rarest level."""
TIMES = (0.5, 1.0, 1.5, 2.0)
"""The sizes of the power curve: so many times `SHIFT`, or `MOVED_MASS`."""
LEAST_ROWS = 1_000
"""In windows of fewer rows nothing is planted."""
FOUND = (Severity.MODERATE, Severity.SIGNIFICANT)


@dataclass(frozen=True)
class PlantedShifts:
    """What became of the shifts that were planted in one feature, one window each."""

    feature: str
    kind: Kind
    planted: int
    found: int
    insufficient: int
    """Answered INSUFFICIENT: not found."""

    @property
    def missed(self) -> int:
        """Answered as no drift."""
        return self.planted - self.found - self.insufficient


def shifted(
    table: WatchedTable, spec: FeatureSpec, place: slice, seed: int, times: float = 1.0
) -> "pd.DataFrame | None":
    """The values of one feature in a window with the shift planted, so many ``times`` as large.

    ``None`` where the feature does not vary.
    """
    rows, past = table.rows.iloc[place], table.past[spec.name]
    if spec.kind is Kind.NUMBER:
        spread = float(past.astype(float).std())
        moved = rows[[spec.name]].astype(float) + times * SHIFT * spread
        return moved if spread > 0 else None
    counts = past.value_counts()
    counts = counts[counts > 0]
    if len(counts) < 2:
        return None
    chosen = np.random.default_rng(seed).random(len(rows)) < times * MOVED_MASS
    taken = chosen & rows[spec.name].notna().to_numpy()
    values = rows[spec.name].astype(object).mask(taken, counts.index[-1])
    return values.to_frame()


def plant(
    table: WatchedTable,
    place: slice,
    report: Sequence[FeatureComparison],
    names: Sequence[str],
    times: float = 1.0,
) -> list[PlantedShifts]:
    """Shift each feature of a model in turn in one window, whose quiet ``report`` holds all features of the table.

    The shifts are so many ``times`` as large as `SHIFT` and `MOVED_MASS`. Nothing where the window has fewer than
    `LEAST_ROWS` rows.
    """
    if place.stop - place.start < LEAST_ROWS:
        return []
    own = [index for index, spec in enumerate(table.specs) if spec.name in names]
    found = []
    for index in own:
        spec, entry = table.specs[index], table.baselines[index]
        rows = shifted(table, spec, place, index, times)
        if rows is None:
            continue
        moved = table.compare(entry, place, rows)
        entries = assign_severities([moved if i == index else report[i] for i in own], table.policy)
        severity = entries[own.index(index)].severity
        found.append(
            PlantedShifts(
                feature=spec.name,
                kind=spec.kind,
                planted=1,
                found=int(severity in FOUND),
                insufficient=int(severity is Severity.INSUFFICIENT),
            )
        )
    return found


@dataclass(frozen=True)
class Power:
    """The share of planted shifts of one size that are found."""

    times: float
    """The size: so many times half a standard deviation, or 15 % of the mass."""
    planted: int
    found: int

    @property
    def share(self) -> float:
        """In [0, 1]; INSUFFICIENT counts as missed."""
        return self.found / self.planted if self.planted else 0.0


def power_curve(by_times: Mapping[float, Sequence[PlantedShifts]]) -> tuple[Power, ...]:
    """The power of each size of which shifts were planted, the smallest first."""
    return tuple(
        Power(times, sum(each.planted for each in shifts), sum(each.found for each in shifts))
        for times, shifts in sorted(by_times.items())
        if shifts
    )


def found_from(curve: Sequence[Power], share: float = 0.95) -> float | None:
    """The smallest size from which on ``share`` of the shifts are found; ``None`` where none was planted or is."""
    found = None
    for power in reversed(curve):
        if power.share < share:
            break
        found = power.times
    return found


def summed(shifts: Sequence[PlantedShifts]) -> tuple[PlantedShifts, ...]:
    """One entry a feature, in the order in which features come first."""
    by_name: dict[str, PlantedShifts] = {}
    for each in shifts:
        before = by_name.get(each.feature, PlantedShifts(each.feature, each.kind, 0, 0, 0))
        by_name[each.feature] = PlantedShifts(
            feature=each.feature,
            kind=each.kind,
            planted=before.planted + each.planted,
            found=before.found + each.found,
            insufficient=before.insufficient + each.insufficient,
        )
    return tuple(by_name.values())
