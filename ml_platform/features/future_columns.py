"""Columns explained by what comes after the row, and less so by what came before: the arrow of time."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.features.column_lookup import MINIMUM_ROWS, LookupLabels, codes_of
from ml_platform.features.leakage_report import KeyColumns, LeakageFinding, LeakageLevel
from ml_platform.features.sample import hashed_sample

if TYPE_CHECKING:
    import pandas as pd

FUTURE_RANK = 0.95
"""Spearman correlation with what comes after, from which a column counts as computed from it."""
FUTURE_SKILL = 0.9
ARROW = 0.05
"""The correlation with the future must be larger by this than that with its mirror image in the past: an honest
count of the past week correlates with the coming week, but more with the past one."""
AROUND = 8_000
"""Rows whose neighbours are looked at: a rank correlation is then known to .01."""
_WINDOWS = (("hour", 3_600.0), ("day", 86_400.0), ("week", 604_800.0))


def future_columns(
    train: "pd.DataFrame",
    test: "pd.DataFrame",
    label: str,
    features: list[str],
    keys: KeyColumns,
) -> tuple[LeakageFinding, ...]:
    """Columns explained by what the same user does next, and less so by what they did before.

    The arrow of time: next label, time to the next change set and counts of the coming hour, day and week,
    each against its mirror image (previous label, time since the previous change set, past counts).
    """
    import pandas as pd

    who = [keys.row, keys.change_set, keys.user, keys.time, label]
    both = pd.concat([train[who], test[who]], ignore_index=True)
    around = hashed_sample(_with_neighbours(both, label, keys), keys.row, AROUND)
    is_train = around["_row"].to_numpy() < len(train)
    rows = pd.concat(
        [
            train[features].iloc[around["_row"].to_numpy()[is_train]],
            test[features].iloc[around["_row"].to_numpy()[~is_train] - len(train)],
        ],
        ignore_index=True,
    )
    around = pd.concat([around[is_train], around[~is_train]], ignore_index=True)
    labels = _NeighbourLabels.of(around, label)
    findings = []
    for name in features:
        finding = labels.next_label(rows[name]) or _next_times(rows[name], around)
        if finding is not None:
            findings.append(finding)
    return tuple(findings)


def _with_neighbours(rows: "pd.DataFrame", label: str, keys: KeyColumns) -> "pd.DataFrame":
    """Adds the user's previous and next change set (label, seconds from the row) and counts of rows around."""
    import pandas as pd

    around = rows.copy()
    around["_row"] = np.arange(len(rows))
    around["_now"] = rows[keys.time].astype("datetime64[us, UTC]").astype("int64") / 1e6
    around["_user"] = pd.factorize(rows[keys.user])[0]
    around = around.sort_values(["_user", "_now"], kind="stable", ignore_index=True)
    change_sets = around.drop_duplicates(["_user", keys.change_set])[
        ["_user", keys.change_set, "_now", label]
    ]
    grouped = change_sets.groupby("_user", sort=False)
    beside = change_sets[["_user", keys.change_set]].copy()
    for side, step in (("previous", 1), ("next", -1)):
        beside[f"_{side}_label"] = grouped[label].shift(step)
        beside[f"_{side}_start"] = grouped["_now"].shift(step)
    around = around.merge(beside, on=["_user", keys.change_set], how="left")
    around["_previous_seconds"] = around["_now"] - around["_previous_start"]
    around["_next_seconds"] = around["_next_start"] - around["_now"]
    return _with_counts(around)


def _with_counts(around: "pd.DataFrame") -> "pd.DataFrame":
    """Rows of the user in the windows before and after each row; rows of the same moment are in none."""
    now = around["_now"].to_numpy()
    longest = _WINDOWS[-1][1]
    stride = now.max() - now.min() + 2 * longest
    line = around["_user"].to_numpy() * stride + (now - now.min())
    first, last = np.searchsorted(line, line, "left"), np.searchsorted(line, line, "right")
    for window, length in _WINDOWS:
        around[f"_previous_{window}"] = first - np.searchsorted(line, line - length, "left")
        around[f"_next_{window}"] = np.searchsorted(line, line + length, "right") - last
    return around


@dataclass(frozen=True)
class _NeighbourLabels:
    """Labels of the previous, own and next change set of rows that have all three, by halves."""

    known: np.ndarray
    previous: LookupLabels
    own: LookupLabels
    next: LookupLabels

    @classmethod
    def of(cls, around: "pd.DataFrame", label: str) -> "_NeighbourLabels":
        known = np.flatnonzero(
            around["_next_label"].notna().to_numpy() & around["_previous_label"].notna().to_numpy()
        )
        first, second = around.iloc[known[::2]], around.iloc[known[1::2]]
        previous, own, following = (
            LookupLabels.of(first[column], second[column])
            for column in ("_previous_label", label, "_next_label")
        )
        return cls(known, previous, own, following)

    def next_label(self, values: "pd.Series[str]") -> LeakageFinding | None:
        """A finding if ``values`` predict the next label, and the previous and the row's own label less well."""
        if len(self.known) < 2 * MINIMUM_ROWS:
            return None
        codes = codes_of(values.iloc[self.known[::2]], values.iloc[self.known[1::2]])
        after = self.next.skill(*codes)
        if after < FUTURE_SKILL:
            return None
        if after < max(self.previous.skill(*codes), self.own.skill(*codes)) + ARROW:
            return None
        name = str(values.name)
        why = (
            f"{name} predicts the label of the user's next change set "
            f"({after:.1%} of the majority's errors avoided)"
        )
        return _dangerous("future", name, after, FUTURE_SKILL, why)


def _next_times(values: "pd.Series[float]", around: "pd.DataFrame") -> LeakageFinding | None:
    """A finding if ``values`` follow what comes after; a column of times counts from the time of the row."""
    import pandas as pd

    if not pd.api.types.is_numeric_dtype(values):
        return None
    numbers, name = values.astype("float64"), str(values.name)
    if _rank_correlation(numbers, around["_now"]) >= FUTURE_RANK:
        numbers = numbers - around["_now"]
    pairs = [("seconds", "the time to the user's next change set")]
    pairs += [(window, f"the user's events of the coming {window}") for window, _ in _WINDOWS]
    for column, what in pairs:
        after = _rank_correlation(numbers, around[f"_next_{column}"])
        if after < FUTURE_RANK:
            continue
        before = _rank_correlation(numbers, around[f"_previous_{column}"])
        if after >= before + ARROW:
            why = (
                f"{name} follows {what} (rank correlation {after:.3f}, {before:.3f} with the past)"
            )
            return _dangerous("future", name, after, FUTURE_RANK, why)
    return None


def _rank_correlation(left: "pd.Series[float]", right: "pd.Series[float]") -> float:
    """Absolute Spearman correlation where both are known; 0 if one is nearly constant there."""
    both = left.notna() & right.notna()
    if int(both.sum()) < MINIMUM_ROWS:
        return 0.0
    x, y = left[both].rank(), right[both].rank()
    if x.nunique() < 3 or y.nunique() < 3:
        return 0.0
    return float(abs(np.corrcoef(x, y)[0, 1]))


def _dangerous(
    check: str, name: str, value: float, limit: float, explanation: str
) -> LeakageFinding:
    return LeakageFinding(check, name, LeakageLevel.DANGEROUS, value, limit, explanation)
